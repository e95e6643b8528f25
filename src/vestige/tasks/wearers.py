"""Wrist movements as a stream: one wearer after another, each of whom moves in a way of their own."""

from collections.abc import Sequence

import numpy as np

from .base import Stream
from .encode import quantile_levels
from .watch import LEVELS, STEPS, WEARERS, Encoder, load, summarise

SIGNALS = tuple(f"{what} {axis}" for what in ("acceleration", "rotation") for axis in "xyz")
SUMMARY = tuple(f"{of} of {signal}" for of in ("mean", "deviation", "minimum", "maximum", "step") for signal in SIGNALS)


def wearers(order: Sequence[int] = WEARERS, *, seed: int = 0, path=None) -> Stream:
    """Seven exercises of ten wearers, wearer after wearer: windows of 2 s that do not overlap, 2,369 in all.

    A wearer's windows come in an order drawn with `seed`: as recorded, one exercise follows itself for minutes, and who
    repeats the last label would be right. Levels and deltas of the encoder come from the first wearer alone, so no
    later one had a say. `features` summarise a window without its order in time; `drift` is where the second wearer begins.

    Shapes: x [N, 100, 66], y [N] of 0 to 6, features [N, 30]. Data and licence: as `watch`.

    Raises:
        DataError: the package `seglearn` is missing, or its file is not the known one. ValueError: no such wearer.
    """
    order = list(order)
    if not order or len(set(order)) < len(order) or not set(order) <= set(WEARERS):
        raise ValueError(f"order must name different wearers of {WEARERS}; got {order}")
    everyone, classes = load(path)
    samples = everyone.of(order[:1]).samples()
    encode, draw = Encoder(samples.std(0) / 4, quantile_levels(samples, LEVELS)), np.random.default_rng(seed)
    x, y, features = [], [], []
    for wearer in order:
        own = everyone.of([wearer])
        start, which = own.starts(STEPS)
        place = draw.permutation(len(start))
        windows = own.x[start[place][:, None] + np.arange(STEPS)]
        x.append(encode(windows))
        y.append(own.y[which[place]])
        features.append(summarise(windows))
    return Stream(
        "watch", "wrist movements, wearer after wearer", np.concatenate(x), np.concatenate(y), np.concatenate(features),
        SUMMARY, classes, len(y[0]) if len(order) > 1 else None,
    )  # fmt: skip
