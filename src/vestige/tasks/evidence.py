"""Evidence accumulation: on which side were there more cues?"""

import numpy as np

from .sequences import Sequences, Trials, cross_entropy, generated, populations, right_sequences, whole_steps


def evidence(
    cues: int = 7, *, cue: float = 100.0, gap: float = 50.0, delay: float = 500.0, recall: float = 150.0,
    dt: float = 25.0, size: int = 10, rate: float = 40.0, noise: float = 10.0, lean: float = 0.7, held_out: int = 512,
) -> Trials:  # fmt: skip
    """Cues on the left and on the right, a delay, and the question where there were more.

    Shown: four populations of `size` units: left cues, right cues, recall, background. Each of `cues` cues is `cue` ms
    of firing at `rate` Hz on one side, `gap` ms apart; a trial leans to one side, and each cue is there with
    probability `lean`. After `delay` ms the recall population fires for `recall` ms. Background fires at `noise` Hz
    throughout, the others at none but in their time.
    To be answered: during the recall, 0 if most cues were left, 1 if right. Only these steps count; a trial's answer is
    the class whose log-probability, summed over them, is higher.

    Shapes: x [N, T, 4 size], y [N, T] of 0 and 1. Steps: with the defaults T = 68 of dt = 25 ms: 7 cues of 4 steps with
    gaps of 2, 20 of delay, 6 of recall. The durations, rates and sides are those of the source, whose step is 1 ms; a
    cell fires once in 25 ms at most. Chance: 1/2 of trials.

    Source: Bellec et al., A solution to the learning dilemma for recurrent networks of spiking neurons, Nature
    Communications 11, 3625 (2020), after Morcos & Harvey, Nature Neuroscience 19, 1672 (2016).

    Raises:
        ValueError: a duration is no whole number of steps, or the number of cues is even: sides could tie.
    """
    if cues % 2 == 0:
        raise ValueError(f"evidence: {cues} cues may tie; give an odd number")
    spans = ((cue, "cue"), (gap, "gap"), (delay, "delay"), (recall, "recall"))
    on, off, wait, ask = (whole_steps(ms, dt, what) for ms, what in spans)
    T = cues * (on + off) + wait + ask
    during = (np.arange(cues) * (on + off))[:, None] + np.arange(on)  # [cues, steps]

    def draw(rng: np.random.Generator, count: int) -> Sequences:
        right = np.where(rng.random(count) < 0.5, lean, 1 - lean)
        side = (rng.random((count, cues)) < right[:, None]).astype(int)
        rates = np.zeros((count, T, 4))
        rates[np.arange(count)[:, None, None], during, side[..., None]] = rate
        rates[:, -ask:, 2], rates[..., 3] = rate, noise
        label = (2 * side.sum(1) > cues).astype(int)
        mask = np.broadcast_to((np.arange(T) >= T - ask).astype(np.float32), (count, T))
        return Sequences(populations(rng, rates, size, dt), np.broadcast_to(label[:, None], (count, T)), mask)

    return generated(
        draw, held_out, name="evidence", about=f"the side of most of {cues} cues, {delay:g} ms after the last", dt=dt,
        n_out=2, loss=cross_entropy, score=right_sequences, chance=0.5,
    )  # fmt: skip
