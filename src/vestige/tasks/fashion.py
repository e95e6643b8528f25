"""Clothes, scanned row by row: a step shows one row of the image."""

from pathlib import Path

import numpy as np

from .base import Split, Task
from .encode import thresholds
from .idx import Images, load, names, pooled

LEVELS = (0.1, 0.35, 0.6, 0.85)  # of the brightest pixel


def fashion(folder: str | Path | None = None, *, train: int | None = None, test: int | None = None) -> Task:
    """Ten kinds of clothes, or the classes of any other IDX set: 112 units, 28 steps.

    Step t shows row t of the image; each of its pixels is a population of four units, of which those below the pixel's
    brightness are on. Split: that of the files, 60,000 images to train on and 10,000 to test; `train` and `test` take the
    first so many of each. The baseline sees means of 2 x 2 pixels.

    Shapes: x [N, H, 4 W] of bool, for images of H x W pixels.
    Data: H. Xiao, K. Rasul & R. Vollgraf, Fashion-MNIST (2017), https://arxiv.org/abs/1708.07747 (MIT), as in Debian's
    package dataset-fashion-mnist; or any folder of four IDX files, see `vestige.tasks.idx.find`.

    Raises:
        DataError: the files are missing or broken.
    """
    seen, unseen = load(folder)
    sets = seen.first(train), unseen.first(test)
    return Task("fashion", "clothes of 28 x 28 pixels, row by row", *splits(*sets, rows), names(seen, unseen))


def rows(images: np.ndarray) -> np.ndarray:
    """One row a step, a population of four units for each pixel: [N, H, W] of bytes -> [N, H, 4 W] of bool."""
    levels = np.broadcast_to(np.uint8(np.multiply(LEVELS, 255)), (images.shape[2], len(LEVELS)))
    return np.concatenate([thresholds(part, levels).astype(bool) for part in chunks(images)])


def chunks(images: np.ndarray, size: int = 1000) -> list[np.ndarray]:
    """Images in portions: numbers take several times the room of the spikes that they become."""
    return np.split(images, range(size, len(images), size))


def splits(seen: Images, unseen: Images, encode) -> tuple[Split, Split]:
    """Training and test, numbered through, training first."""
    parts = ((seen, 0), (unseen, len(seen)))
    return tuple(Split(encode(s.x), s.y, pooled(s.x), first + np.arange(len(s))) for s, first in parts)
