"""Small IDX folders, as the loaders of images expect them."""

import gzip

import numpy as np


def idx(array) -> bytes:
    head = bytes([0, 0, 8, array.ndim]) + b"".join(n.to_bytes(4, "big") for n in array.shape)
    return head + array.astype(np.uint8).tobytes()


def folder(path, counts=(30, 12), size=(8, 6), classes=3, zipped=False):
    """Random images, each with its label in its first pixel; returns (train, test) as (x, y)."""
    draw, sets = np.random.default_rng(0), []
    for part, count in zip(("train", "t10k"), counts):
        x, y = draw.integers(0, 256, (count, *size)), np.arange(count) % classes
        x[:, 0, 0] = y
        for kind, array in (("images-idx3", x), ("labels-idx1", y)):
            content = idx(array)
            name = f"{part}-{kind}-ubyte" + (".gz" if zipped else "")
            (path / name).write_bytes(gzip.compress(content) if zipped else content)
        sets.append((x, y))
    return sets
