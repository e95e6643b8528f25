"""Encoders: signals in, spikes out; pure NumPy, time on axis 1, spikes are 0.0 or 1.0."""

import numpy as np


def send_on_delta(x: np.ndarray, delta: np.ndarray) -> np.ndarray:
    """A unit fires when the signal has moved by `delta` since it last fired.

    x [N, T, C], delta [C] in the signal's units -> [N, T, 2 C], ON units first, then OFF. A jump by several deltas is
    one spike, and the reference follows it whole. While no step is larger than delta, x[:, 0] + delta * (ON - OFF so
    far) stays within delta of the signal. Source: Miskowicz, Sensors 6, 49 (2006).
    """
    delta = np.asarray(delta, x.dtype)
    if np.any(delta <= 0):
        raise ValueError(f"delta must be positive, got {delta}")
    reference = x[:, 0].copy()
    spikes = np.zeros((*x.shape[:2], 2, x.shape[2]), np.float32)
    for t in range(1, x.shape[1]):
        jumps = np.trunc((x[:, t] - reference) / delta)
        reference += jumps * delta
        spikes[:, t, 0] = jumps > 0
        spikes[:, t, 1] = jumps < 0
    return spikes.reshape(*x.shape[:2], -1)


def thresholds(x: np.ndarray, levels: np.ndarray) -> np.ndarray:
    """A population code: unit (c, l) is on while channel c is above its level l.

    x [N, T, C], levels [C, L] rising -> [N, T, C L].
    """
    if levels.ndim != 2 or levels.shape[0] != x.shape[2] or np.any(np.diff(levels) < 0):
        raise ValueError(f"levels must be [{x.shape[2]}, L] and rise along L, got shape {levels.shape}")
    return (x[..., None] > levels).reshape(*x.shape[:2], -1).astype(np.float32)


def quantile_levels(x: np.ndarray, count: int) -> np.ndarray:
    """Levels that cut each channel of x [N, C] into equally frequent parts -> [C, count]."""
    return np.quantile(x, np.arange(1, count + 1) / (count + 1), axis=0).T


def latency(x: np.ndarray, steps: int) -> np.ndarray:
    """One spike per unit, the earlier the stronger: x [N, I] in [0, 1] -> [N, steps, I]; a zero never fires."""
    if x.min() < 0 or x.max() > 1:
        raise ValueError(f"latency code needs values in [0, 1], got {x.min()} to {x.max()}")
    when = np.rint((1 - x) * (steps - 1)).astype(int)
    spikes = np.arange(steps)[None, :, None] == when[:, None, :]
    return (spikes & (x > 0)[:, None, :]).astype(np.float32)


def rate(rng: np.random.Generator, x: np.ndarray, often: float = 1.0) -> np.ndarray:
    """Spikes at random, the more the stronger: a unit fires in a step with probability `often * x`.

    x in [0, 1] of any shape, time where it is -> the same shape. To show a still picture for K steps, repeat it first:
    `np.repeat(x[:, None], K, axis=1)`.
    """
    if not 0 < often <= 1 or x.min() < 0 or x.max() > 1:
        raise ValueError(
            f"rate code needs values in [0, 1] and `often` in (0, 1], got {x.min()} to {x.max()} and {often}"
        )
    return (rng.random(x.shape) < often * x).astype(np.float32)


def population(x: np.ndarray, centres: np.ndarray, width: float) -> np.ndarray:
    """Bell-shaped receptive fields: unit (c, l) answers `exp(-(x_c - centre)^2 / (2 width^2))`.

    x [N, T, C], centres [C, L] -> [N, T, C L] in (0, 1], to be made spikes by `rate` or `latency`. Source: Bohte, Kok &
    La Poutre, Neurocomputing 48, 17 (2002).
    """
    if not width > 0 or centres.ndim != 2 or centres.shape[0] != x.shape[2]:
        raise ValueError(f"centres must be [{x.shape[2]}, L] and width positive, got {centres.shape} and {width}")
    return np.exp(-(((x[..., None] - centres) / width) ** 2) / 2).reshape(*x.shape[:2], -1).astype(np.float32)
