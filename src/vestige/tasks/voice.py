"""How a spoken word may vary and still be the same word: pitch of the voice, tempo, spikes that fail."""

from dataclasses import dataclass, replace

import numpy as np

from .shd import Words


@dataclass(frozen=True)
class Voice:
    """Ranges of the variations; zero switches one off."""

    pitch: float = 0.03  # part of the channels by which all spikes of a word move, standard deviation
    tempo: float = 0.15  # log factor, uniform either way
    lost: float = 0.1  # probability that a spike fails


def vary(rng: np.random.Generator, words: Words, how: Voice, units: int) -> Words:
    """Each word spoken anew; spikes that leave the channels 0 ... units - 1 are gone."""
    times, channels = [], []
    for time, channel in zip(words.times, words.channels):
        moved = channel.astype(int) + int(np.rint(rng.normal(0, how.pitch * units)))
        slow = np.exp(rng.uniform(-how.tempo, how.tempo))
        there = (rng.random(len(time)) >= how.lost) & (moved >= 0) & (moved < units)
        times.append(time[there] * slow)
        channels.append(moved[there])
    return replace(words, times=times, channels=channels)
