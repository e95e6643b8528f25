"""Delayed match to sample: are two stimuli, a second apart, the same?"""

import numpy as np

from .sequences import Sequences, Trials, cross_entropy, generated, populations, right_sequences, whole_steps


def match(
    stimuli: int = 2, *, shown: float = 200.0, delay: float = 1000.0, answer: float = 200.0, dt: float = 20.0,
    size: int = 10, rate: float = 60.0, noise: float = 2.0, held_out: int = 512,
) -> Trials:  # fmt: skip
    """A sample, a delay of 1000 ms, a test stimulus, and the question whether they match.

    Shown: one population of `size` units for each stimulus, firing at `rate` Hz for `shown` ms as the sample and, after
    `delay` ms of silence, as the test; all else fires at `noise` Hz. Half of the trials match.
    To be answered: in the `answer` ms after the test has gone, 1 for a match and 0 for none. Only these steps count; a
    trial's answer is the class whose log-probability, summed over them, is higher.

    Shapes: x [N, T, stimuli size], y [N, T] of 0 and 1. Steps: with the defaults T = 80 of dt = 20 ms: 10 of the
    sample, 50 of delay, 10 of the test, 10 of the answer. Neither stimulus alone tells anything. Chance: 1/2 of trials.

    Source: Fuster & Alexander, Science 173, 652 (1971); as a task for recurrent networks Yang et al., Nature
    Neuroscience 22, 297 (2019), doi:10.1038/s41593-018-0310-2.

    Raises:
        ValueError: a duration is no whole number of steps, or there are fewer than two stimuli.
    """
    if stimuli < 2:
        raise ValueError(f"match: {stimuli} stimuli can only match; give at least 2")
    on, wait, ask = (whole_steps(ms, dt, what) for ms, what in ((shown, "shown"), (delay, "delay"), (answer, "answer")))
    T = 2 * on + wait + ask

    def draw(rng: np.random.Generator, count: int) -> Sequences:
        sample, same = rng.integers(0, stimuli, count), rng.integers(0, 2, count)
        test = (sample + (1 - same) * rng.integers(1, stimuli, count)) % stimuli
        rates, trial = np.full((count, T, stimuli), noise), np.arange(count)
        rates[trial, :on, sample] = rate
        rates[trial, on + wait : 2 * on + wait, test] = rate
        mask = np.broadcast_to((np.arange(T) >= T - ask).astype(np.float32), (count, T))
        return Sequences(populations(rng, rates, size, dt), np.broadcast_to(same[:, None], (count, T)), mask)

    return generated(
        draw, held_out, name="match", about=f"do two stimuli match, {delay:g} ms apart", dt=dt,
        n_out=2, loss=cross_entropy, score=right_sequences, chance=0.5,
    )  # fmt: skip
