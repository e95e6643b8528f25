"""Pattern generation: draw a curve while a known pattern of spikes plays."""

import numpy as np

from .sequences import Sequences, Trials, explained, generated, populations, square_error


def pattern(
    patterns: int = 2, outputs: int = 1, steps: int = 100, *, dt: float = 10.0, units: int = 40, rate: float = 20.0,
    periods: tuple[float, ...] = (1000.0, 500.0, 333.0, 200.0), drop: float = 0.1, noise: float = 1.0,
    seed: int = 0, held_out: int = 128,
) -> Trials:  # fmt: skip
    """Each of several frozen patterns of spikes calls for curves of its own.

    Shown: one of `patterns` Poisson spike trains of `units` units at `rate` Hz, drawn once from `seed` and the same in
    every trial, but that each spike is lost with probability `drop`, and others come at `noise` Hz.
    To be answered: at every step the value of `outputs` curves. Each is a sum of sines with `periods` in ms, with
    amplitudes and phases drawn once for each pattern, scaled to a variance of 1. Every step counts.
    Score: share of the variance that is explained, 0 where there is none.

    Shapes: x [N, T, units], y [N, T, outputs]. Steps: with the defaults T = 100 of dt = 10 ms. Chance: 0.

    Source: Bellec et al., Nature Communications 11, 3625 (2020), supplement; NEST's e-prop example of regression.

    Raises:
        ValueError: there is no pattern, or `drop` is no probability below 1.
    """
    if patterns < 1 or not 0 <= drop < 1:
        raise ValueError(f"pattern: give at least one pattern and a drop in [0, 1); got {patterns} and {drop}")
    frozen = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(0,)))
    shown = populations(frozen, np.full((patterns, steps, units), rate), 1, dt)
    part = (patterns, outputs, len(periods))
    size, phase = frozen.uniform(0.5, 2, part), frozen.uniform(0, 2 * np.pi, part)
    turn = 2 * np.pi * np.arange(steps)[:, None] * dt / np.array(periods)
    curves = (size[:, None] * np.sin(turn[:, None] + phase[:, None])).sum(-1)  # [patterns, T, outputs]
    curves = ((curves - curves.mean(1, keepdims=True)) / curves.std(1, keepdims=True)).astype(np.float32)

    def draw(rng: np.random.Generator, count: int) -> Sequences:
        which = rng.integers(0, patterns, count)
        kept = shown[which] * (rng.random((count, steps, units)) >= drop)
        x = np.maximum(kept, populations(rng, np.full((count, steps, units), noise), 1, dt))
        return Sequences(x.astype(np.float32), curves[which], np.ones((count, steps), np.float32))

    return generated(
        draw, held_out, name="pattern", dt=dt,
        about=f"{outputs} curve{'s' * (outputs > 1)} for each of {patterns} patterns of spikes",
        n_out=outputs, loss=square_error, score=explained, chance=0.0,
    )  # fmt: skip
