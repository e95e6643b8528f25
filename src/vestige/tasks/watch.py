"""Seven shoulder exercises from a wrist sensor; the test asks for wearers that training never saw."""

import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .base import Split, Task
from .encode import quantile_levels, send_on_delta, thresholds
from .files import content, package_folder
from .movement import Variation, vary

SHA256 = "eb122f23cdf06ef6bd6c6c5312958ec5cf9d038e2e6d457b8081662c75a42537"
WEARERS = tuple(range(1, 11))
TEST_WEARERS = (1, 5, 9)
STEPS = 100  # 2 s at 50 Hz
LEVELS = 9
VARIATION = Variation()


@dataclass(frozen=True)
class Recordings:
    """All recordings end to end: x [L, 6], and for each its bounds, class and wearer."""

    x: np.ndarray
    low: np.ndarray
    high: np.ndarray
    y: np.ndarray
    wearer: np.ndarray

    def of(self, wearers: Sequence[int]) -> "Recordings":
        keep = np.isin(self.wearer, wearers)
        return Recordings(self.x, self.low[keep], self.high[keep], self.y[keep], self.wearer[keep])

    def samples(self) -> np.ndarray:
        return np.concatenate([self.x[a:b] for a, b in zip(self.low, self.high)])

    def starts(self, hop: int) -> tuple[np.ndarray, np.ndarray]:
        """First samples of all whole windows, `hop` apart, and the recording each lies in."""
        firsts = [np.arange(a, b - STEPS + 1, hop) for a, b in zip(self.low, self.high)]
        return np.concatenate(firsts), np.repeat(np.arange(len(firsts)), [len(f) for f in firsts])


@dataclass(frozen=True)
class Encoder:
    """66 units: ON and OFF events of six signals (12), and nine thresholds on each (54)."""

    delta: np.ndarray
    levels: np.ndarray

    def __call__(self, x: np.ndarray) -> np.ndarray:
        return np.concatenate([send_on_delta(x, self.delta), thresholds(x, self.levels)], axis=-1)


def load(path=None) -> tuple[Recordings, tuple[str, ...]]:
    """Recordings and exercise names, from the file that the package `seglearn` brings.

    The file is a pickle, so its bytes are compared with a known sum first: a pickle from elsewhere could run anything.
    """
    path = path or package_folder("seglearn", "the `watch` data") / "data" / "watch_dataset.npy"
    remedy = "pip install --force-reinstall seglearn==1.2.5"
    data = np.load(io.BytesIO(content(path, "the `watch` data", remedy, SHA256)), allow_pickle=True).item()
    ends = np.cumsum([0] + [len(x) for x in data["X"]])
    recordings = Recordings(
        np.concatenate(data["X"]).astype(np.float32),
        ends[:-1],
        ends[1:],
        np.asarray(data["y"]).astype(int),
        np.asarray(data["subject"]).astype(int),
    )
    return recordings, tuple(data["y_labels"])


def summarise(x: np.ndarray) -> np.ndarray:
    """Mean, deviation, extremes and mean step of each signal: x [N, T, 6] -> [N, 30]."""
    return np.concatenate([x.mean(1), x.std(1), x.min(1), x.max(1), np.abs(np.diff(x, axis=1)).mean(1)], axis=1)


def split(x: np.ndarray, recordings: Recordings, which: np.ndarray, encode: Encoder) -> Split:
    return Split(encode(x), recordings.y[which], summarise(x), recordings.wearer[which])


def watch(
    test: Sequence[int] = TEST_WEARERS,
    train: Sequence[int] | None = None,
    *,
    hop: int = STEPS // 2,
    variation: Variation | None = VARIATION,
    path=None,
) -> Task:
    """Seven exercises of ten wearers, six signals of a wrist watch, 81 minutes.

    Test windows do not overlap. Training windows start every `hop` samples and are redrawn for each epoch, varied as
    `variation` says (None: always the same windows). Levels and deltas of the encoder come from training wearers alone.
    Data: D. Burns and others, Physiol. Meas. 39, 075007 (2018), as shipped in seglearn 1.2.5 (BSD-3-Clause).
    """
    train = [w for w in WEARERS if w not in test] if train is None else list(train)
    if not test or not train or set(train) & set(test) or not {*train, *test} <= set(WEARERS):
        raise ValueError(f"train and test wearers must be different ones of {WEARERS}; got {train} and {list(test)}")
    everyone, classes = load(path)
    seen, unseen = everyone.of(train), everyone.of(test)
    samples = seen.samples()
    encode = Encoder(samples.std(0) / 4, quantile_levels(samples, LEVELS))

    def still(recordings, hop):
        start, which = recordings.starts(hop)
        return split(recordings.x[start[:, None] + np.arange(STEPS)], recordings, which, encode)

    def redraw(rng):
        start, which = seen.starts(hop)
        return split(vary(rng, seen.x, start, seen.low[which], seen.high[which], STEPS, variation), seen, which, encode)

    return Task(
        "watch",
        "wrist movements: 7 exercises, unseen wearers",
        still(seen, hop),
        still(unseen, STEPS),
        classes,
        redraw if variation else None,
    )
