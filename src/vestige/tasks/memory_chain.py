"""MemoryChain: bits are shown once, and asked for many steps later."""

import numpy as np

from .sequences import Sequences, Trials, generated, populations, right_signs, square_error


def memory_chain(
    length: int = 64, bits: int = 1, *, dt: float = 20.0, size: int = 5, noise: float = 5.0, distractors: int = 5,
    held_out: int = 512,
) -> Trials:  # fmt: skip
    """Hold bits over a chain of `length` steps.

    Shown: in the first step, for each bit, its ON or its OFF population of `size` units fires whole; then nothing but
    `distractors` units that fire at `noise` Hz throughout; in the last step the query population fires whole.
    To be answered: in the last step the value of each bit, +1 or -1. Only this step counts.

    Shapes: x [N, T, (2 bits + 1) size + distractors] (ON populations of all bits, OFF, query, distractors),
    y [N, T, bits]. Steps: `length + 1`, with the defaults T = 65 of dt = 20 ms. Chance: half of the signs. The step has
    no meaning of its own here: credit must cross all of them.

    Source: I. Osband and others, Behaviour Suite for Reinforcement Learning, ICLR 2020 (`MemoryChain`).

    Raises:
        ValueError: there is no step between bits and query, or no bit.
    """
    if length < 2 or bits < 1:
        raise ValueError(f"memory_chain: give at least one bit and a length of at least 2; got {bits} and {length}")
    T = length + 1

    def draw(rng: np.random.Generator, count: int) -> Sequences:
        up = rng.random((count, bits)) < 0.5
        shown = np.zeros((count, T, 2 * bits + 1), np.float32)
        shown[:, 0, : 2 * bits] = np.concatenate([up, ~up], axis=1)
        shown[:, -1, -1] = 1
        idle = populations(rng, np.full((count, T, distractors), noise), 1, dt)
        y = np.broadcast_to(np.where(up, 1.0, -1.0).astype(np.float32)[:, None], (count, T, bits))
        mask = np.broadcast_to((np.arange(T) == T - 1).astype(np.float32), (count, T))
        return Sequences(np.concatenate([shown.repeat(size, axis=2), idle], axis=2), y, mask)

    return generated(
        draw, held_out, name="memory_chain", about=f"{bits} bit{'s' * (bits > 1)}, asked for after {length} steps", dt=dt,
        n_out=bits, loss=square_error, score=right_signs, chance=0.5,
    )  # fmt: skip
