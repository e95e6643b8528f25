"""Flip-flop: several bits, each held until a pulse sets it anew."""

import numpy as np

from .sequences import Sequences, Trials, generated, right_signs, square_error


def flipflop(
    bits: int = 3, steps: int = 100, *, every: float = 500.0, dt: float = 20.0, size: int = 5, held_out: int = 256
) -> Trials:
    """Pulses set bits up or down; between pulses each bit is to be held.

    Shown: for each bit an ON and an OFF population of `size` units, all of which fire in the step of a pulse. Each bit
    has a pulse in the first step, and then one every `every` ms in the mean, up or down alike (one that repeats the
    bit's value changes nothing).
    To be answered: at every step the value of each bit, +1 or -1, a pulse's own step included. Every step counts.

    Shapes: x [N, T, 2 bits size] (ON populations of all bits, then OFF), y [N, T, bits] of +1 and -1. Steps: with the
    defaults T = 100 of dt = 20 ms. Chance: half of the signs.

    Source: Sussillo & Barak, Neural Computation 25, 626 (2013), doi:10.1162/NECO_a_00409.

    Raises:
        ValueError: pulses would come more often than once a step.
    """
    if every < dt:
        raise ValueError(f"flipflop: a pulse every {every} ms does not fit steps of {dt} ms")

    def draw(rng: np.random.Generator, count: int) -> Sequences:
        pulse = rng.random((count, steps, bits)) < dt / every
        pulse[:, 0] = True
        up = rng.random(pulse.shape) < 0.5
        last = np.maximum.accumulate(np.where(pulse, np.arange(steps)[:, None], 0), axis=1)
        y = np.where(np.take_along_axis(up, last, 1), 1.0, -1.0).astype(np.float32)
        x = np.concatenate([pulse & up, pulse & ~up], axis=2).repeat(size, axis=2).astype(np.float32)
        return Sequences(x, y, np.ones((count, steps), np.float32))

    return generated(
        draw, held_out, name="flipflop", about=f"{bits} bits, each set every {every:g} ms and held", dt=dt,
        n_out=bits, loss=square_error, score=right_signs, chance=0.5,
    )  # fmt: skip
