"""Handwritten digits of 8 x 8 pixels, one spike per pixel: bright ones first."""

import numpy as np

from .base import DataError, Split, Task
from .encode import latency

STEPS = 16
TESTED = 360


def digits() -> Task:
    """Ten digits, 64 units, 16 steps.

    The last 360 of the 1,797 images are the test. The file's order is kept, because neighbours come from one writer:
    a shuffled split would test on hands that training has seen. Each epoch moves its images by up to a pixel. Data: E. Alpaydin and C. Kaynak, Optical Recognition of
    Handwritten Digits (1998, CC BY 4.0), as shipped in scikit-learn (BSD-3-Clause).
    """
    try:
        from sklearn.datasets import load_digits
    except ModuleNotFoundError as e:
        raise DataError("the `digits` data comes with scikit-learn: pip install 'vestige[data]'") from e
    data = load_digits()
    images, labels, place = data.images / 16, data.target, np.arange(len(data.target))

    def split(images, part):
        pixels = images.reshape(-1, 64)
        return Split(latency(pixels, STEPS), labels[part], pixels, place[part])

    def redraw(rng):
        return split(shifted(rng, images[:-TESTED]), slice(None, -TESTED))

    train, test = split(images[:-TESTED], slice(None, -TESTED)), split(images[-TESTED:], slice(-TESTED, None))
    about = "8 x 8 handwritten digits, latency code"
    return Task("digits", about, train, test, tuple(map(str, range(10))), redraw)


def shifted(rng: np.random.Generator, images: np.ndarray) -> np.ndarray:
    """Images [N, 8, 8], each moved by at most one pixel along each axis; the edges fill with nothing."""
    wide = np.pad(images, ((0, 0), (1, 1), (1, 1)))
    row, column = rng.integers(0, 3, (2, len(images), 1))
    rows, columns = row + np.arange(8), column + np.arange(8)
    return wide[np.arange(len(images))[:, None, None], rows[:, :, None], columns[:, None, :]]
