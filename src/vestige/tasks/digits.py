"""Handwritten digits of 8 x 8 pixels, one spike per pixel: bright ones first."""

import numpy as np

from .base import DataError, Split, Task
from .encode import latency

STEPS = 16


def digits() -> Task:
    """Ten digits, 64 units, 16 steps.

    The last 360 of the 1,797 images are the test. The file's order is kept, because neighbours come from one writer:
    a shuffled split would test on hands that training has seen. Data: E. Alpaydin and C. Kaynak, Optical Recognition of
    Handwritten Digits (1998, CC BY 4.0), as shipped in scikit-learn (BSD-3-Clause).
    """
    try:
        from sklearn.datasets import load_digits
    except ModuleNotFoundError as e:
        raise DataError("the `digits` data comes with scikit-learn: pip install 'vestige[data]'") from e
    data = load_digits()
    pixels, spikes, place = data.data / 16, latency(data.data / 16, STEPS), np.arange(len(data.target))

    def split(part):
        return Split(spikes[part], data.target[part], pixels[part], place[part])

    return Task(
        "digits",
        "8 x 8 handwritten digits, latency code",
        split(slice(None, -360)),
        split(slice(-360, None)),
        tuple(str(d) for d in range(10)),
    )
