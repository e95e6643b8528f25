"""Copy: hold a word of several letters, then say it."""

import numpy as np

from .sequences import Sequences, Trials, cross_entropy, generated, populations, right_steps, whole_steps


def copy(
    letters: int = 4, length: int = 3, *, letter: float = 100.0, delay: float = 200.0, dt: float = 20.0,
    size: int = 5, rate: float = 80.0, noise: float = 2.0, held_out: int = 256,
) -> Trials:  # fmt: skip
    """Letters are shown one after another; after a delay and on a cue they are to be said in the same order.

    Shown: `letters + 1` populations of `size` units. A letter is `letter` ms of firing at `rate` Hz in its own
    population, the cue is that of the last population throughout the answer; all else fires at `noise` Hz.
    To be answered: while the cue is on, the word's letters, each for as long as it was shown. Only these steps count.

    Shapes: x [N, T, (letters + 1) size], y [N, T] classes `0 ... letters - 1`. Steps: `2 length` letters and the delay,
    with the defaults T = 40 of dt = 20 ms: 300 ms of word, 200 ms of delay, 300 ms of answer. Words repeat (there are
    `letters ** length`), spike trains do not. Chance: `1 / letters` of the steps.

    Source: Hochreiter & Schmidhuber, Neural Computation 9, 1735 (1997); in this form Graves et al., Neural Turing
    Machines (2014), https://arxiv.org/abs/1410.5401.

    Raises:
        ValueError: a duration is no whole number of steps.
    """
    hold, wait = whole_steps(letter, dt, "letter"), whole_steps(delay, dt, "delay")
    said = length * hold
    T = 2 * said + wait

    def draw(rng: np.random.Generator, count: int) -> Sequences:
        word = rng.integers(0, letters, (count, length)).repeat(hold, axis=1)
        rates = np.full((count, T, letters + 1), noise)
        rates[np.arange(count)[:, None], np.arange(said), word] = rate
        rates[:, -said:, letters] = rate
        y, mask = np.zeros((count, T), int), np.zeros((count, T), np.float32)
        y[:, -said:], mask[:, -said:] = word, 1
        return Sequences(populations(rng, rates, size, dt), y, mask)

    return generated(
        draw, held_out, name="copy", about=f"{length} letters out of {letters}, said {delay:g} ms later", dt=dt,
        n_out=letters, loss=cross_entropy, score=right_steps, chance=1 / letters,
    )  # fmt: skip
