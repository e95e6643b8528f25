"""A sine whose frequency drifts: say what it will be in a while."""

import numpy as np

from .encode import thresholds
from .sequences import Sequences, Trials, explained, generated, square_error


def drifting_sine(
    steps: int = 200, *, ahead: float = 200.0, period: tuple[float, float] = (500.0, 2000.0), drift: float = 0.05,
    dt: float = 20.0, units: int = 16, held_out: int = 128,
) -> Trials:  # fmt: skip
    """Foretell a sine `ahead` ms ahead, while its frequency wanders.

    Shown: a sine of amplitude 1 as a population of `units` units, of which those whose level lies below the value are
    on. The logarithm of its period takes a random step of standard deviation `drift` at every step, and is turned back at
    the ends of `period` (ms); phase and first period are drawn.
    To be answered: at every step its value `ahead` ms later. Every step counts.
    Score: share of the variance that is explained, 0 where there is none.

    Shapes: x [N, T, units], y [N, T, 1]. Steps: with the defaults T = 200 of dt = 20 ms. Chance: 0.

    Raises:
        ValueError: `ahead` is less than one step, or a period is not above two.
    """
    later = round(ahead / dt)
    low, high = np.log(period)
    if later < 1 or not 2 * dt < period[0] < period[1]:
        raise ValueError(
            f"drifting_sine: needs ahead >= dt and 2 dt < periods that rise; got {ahead}, {period}, dt {dt}"
        )
    levels = np.linspace(-1, 1, units + 2)[None, 1:-1]

    def draw(rng: np.random.Generator, count: int) -> Sequences:
        walk = rng.uniform(low, high, (count, 1)) + np.cumsum(rng.normal(0, drift, (count, steps + later)), axis=1)
        folded = np.abs((walk - low) % (2 * (high - low)) - (high - low))  # a mirror at both ends
        turn = 2 * np.pi * dt / np.exp(high - folded)
        wave = np.sin(rng.uniform(0, 2 * np.pi, (count, 1)) + np.cumsum(turn, axis=1)).astype(np.float32)[..., None]
        return Sequences(thresholds(wave[:, :steps], levels), wave[:, later:], np.ones((count, steps), np.float32))

    return generated(
        draw, held_out, name="drifting_sine", about=f"a sine of drifting frequency, {ahead:g} ms ahead", dt=dt,
        n_out=1, loss=square_error, score=explained, chance=0.0,
    )  # fmt: skip
