"""How a recorded wrist movement may vary and still be the same exercise: start, tempo, side, mounting, strength."""

from dataclasses import dataclass

import numpy as np

# mirroring the body swaps left and right wrist: acceleration is a vector, rotation rate a pseudovector
MIRROR = np.array([-1, 1, 1, 1, -1, -1], np.float32)


@dataclass(frozen=True)
class Variation:
    """Ranges of the variations; zero switches one off."""

    shift: float = 25.0  # steps, either way
    tempo: float = 0.15  # log factor, uniform either way
    mirror: float = 0.5  # probability
    tilt: float = 0.1  # radians per axis, standard deviation
    strength: float = 0.1  # log factor, standard deviation, drawn for each sensor


def rotations(rng: np.random.Generator, count: int, angle: float) -> np.ndarray:
    """Random rotation matrices [count, 3, 3] (Rodrigues' formula); rotation vectors are Gaussian of width `angle`."""
    vector = rng.normal(0, angle, (count, 3))
    size = np.linalg.norm(vector, axis=1)[:, None, None]
    x, y, z = (vector / np.maximum(size[:, 0], 1e-12)).T
    zero = np.zeros(count)
    cross = np.array([[zero, -z, y], [z, zero, -x], [-y, x, zero]]).transpose(2, 0, 1)
    return (np.eye(3) + np.sin(size) * cross + (1 - np.cos(size)) * cross @ cross).astype(np.float32)


def resample(signal: np.ndarray, first: np.ndarray, speed: np.ndarray, low, high, steps: int) -> np.ndarray:
    """Windows [N, steps, C] of `signal` [L, C] from fractional positions `first` [N] at `speed` [N] samples a step.

    A window stays inside [low, high) of its own recording; past an end it repeats the last sample.
    """
    at = first[:, None] + speed[:, None] * np.arange(steps)
    at = np.clip(at, low[:, None], high[:, None] - 1)
    left = np.minimum(at.astype(int), high[:, None] - 2)
    part = (at - left)[..., None].astype(np.float32)
    return (1 - part) * signal[left] + part * signal[left + 1]


def vary(rng, signal, start, low, high, steps: int, how: Variation) -> np.ndarray:
    """One varied window for each start [N]: signal [L, 6] (acceleration, rotation rate) -> [N, steps, 6]."""
    count = len(start)
    speed = np.exp(rng.uniform(-how.tempo, how.tempo, count))
    room = high - 1 - speed * (steps - 1)
    first = np.clip(start + rng.uniform(-how.shift, how.shift, count), low, np.maximum(room, low))
    x = resample(signal, first, speed, low, high, steps)
    x[..., 3:] *= speed[:, None, None].astype(np.float32)  # the same turn in less time turns faster
    x = np.where((rng.random(count) < how.mirror)[:, None, None], x * MIRROR, x)
    turn = rotations(rng, count, how.tilt).transpose(0, 2, 1)
    x = np.concatenate([x[..., :3] @ turn, x[..., 3:] @ turn], axis=-1)
    gain = np.exp(rng.normal(0, how.strength, (count, 1, 2))).repeat(3, axis=-1)
    return (x * gain).astype(np.float32)
