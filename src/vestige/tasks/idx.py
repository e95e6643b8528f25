"""Images and labels in IDX files, the format of MNIST and its kin: plain or gzipped, from any folder."""

import gzip
import hashlib
import os
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .base import DataError
from .files import content

DEBIAN = Path("/usr/share/datasets/fashion-mnist")
FOLDER = "VESTIGE_IDX_FOLDER"
REMEDY = (
    f"apt-get install dataset-fashion-mnist, or give a folder of IDX files (`folder=`, or {FOLDER} in the environment)"
)
UNSIGNED_BYTE = 8
CLOTHES = ("T-shirt", "trousers", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "boot")
# of the test labels of Fashion-MNIST, which say that a set's classes are clothes
CLOTHES_SHA256 = "3d0e6c6ea990b53b6f8f500a41cac93881d981b315f84578b7d915342ade01e9"


@dataclass(frozen=True)
class Images:
    """Pixels `x` [N, H, W] in 0 ... 255 and a class `y` [N] each."""

    x: np.ndarray
    y: np.ndarray

    def __len__(self) -> int:
        return len(self.y)

    def first(self, count: int | None) -> "Images":
        return Images(self.x[:count], self.y[:count])


def find(folder: str | Path | None = None) -> list[Path]:
    """Training images and labels, test images and labels: four files `train-*` and `t10k-*`.

    Args:
        folder: where they lie; None: where the environment variable VESTIGE_IDX_FOLDER says, or where Debian puts Fashion-MNIST.

    Raises:
        DataError: one of them is not there.
    """
    folder = Path(folder or os.environ.get(FOLDER) or DEBIAN)
    found = []
    for part in ("train", "t10k"):
        for kind in ("images-idx3", "labels-idx1"):
            names = [
                f"{part}-{kind.replace('-idx', mark)}-ubyte{end}" for mark in ("-idx", ".idx") for end in ("", ".gz")
            ]
            there = [folder / name for name in names if (folder / name).is_file()]
            if not there:
                raise DataError(f"there is no {names[0]} or {names[0]}.gz in {folder}: {REMEDY}")
            found.append(there[0])
    return found


def load(folder: str | Path | None = None) -> tuple[Images, Images]:
    """Training and test images.

    Raises:
        DataError: a file is missing, truncated or of another format, or files do not fit one another.
    """
    paths = find(folder)
    train, test = (_images(*pair) for pair in (paths[:2], paths[2:]))
    if train.x.shape[1:] != test.x.shape[1:]:
        raise DataError(f"{paths[0]} holds images of {train.x.shape[1:]} pixels and {paths[2]} of {test.x.shape[1:]}")
    if unknown := set(np.unique(test.y)) - set(range(int(train.y.max()) + 1)):
        raise DataError(
            f"{paths[3]} has classes {sorted(map(int, unknown))}, above all in {paths[1]}: they are two sets"
        )
    return train, test


def read(path: Path, axes: int) -> np.ndarray:
    """The array of one IDX file: two zeros, a type, the number of axes, their lengths (big-endian), the bytes."""
    found = content(path, "IDX file", REMEDY)
    if path.suffix == ".gz":
        try:
            found = gzip.decompress(found)
        except (OSError, EOFError, zlib.error) as e:
            raise DataError(f"{path} is no whole gzip file ({e}): fetch it again") from e
    start = 4 + 4 * axes
    if len(found) < start or found[:4] != bytes([0, 0, UNSIGNED_BYTE, axes]):
        raise DataError(
            f"{path} is no IDX file of unsigned bytes with {axes} axes: it begins with {found[:4].hex(' ') or 'nothing'}, "
            f"not 00 00 08 {axes:02x}; fetch it again"
        )
    shape = [int.from_bytes(found[at : at + 4], "big") for at in range(4, start, 4)]
    wanted = int(np.prod(shape, dtype=object))
    if wanted != len(found) - start or wanted == 0:
        size = " x ".join(map(str, shape))
        raise DataError(f"{path} says that it holds {size} bytes, and holds {len(found) - start}: fetch it again")
    return np.frombuffer(found, np.uint8, offset=start).reshape(shape)


def _images(images: Path, labels: Path) -> Images:
    x, y = read(images, 3), read(labels, 1).astype(int)
    if len(x) != len(y):
        raise DataError(
            f"{images} holds {len(x)} images, and {labels} {len(y)} labels: fetch both again, from one place"
        )
    return Images(x, y)


def names(train: Images, test: Images) -> tuple[str, ...]:
    """Names of the classes: clothes if the test labels are those of Fashion-MNIST, otherwise numbers."""
    known = hashlib.sha256(test.y.astype(np.uint8).tobytes()).hexdigest() == CLOTHES_SHA256
    return CLOTHES if known else tuple(str(n) for n in range(int(train.y.max()) + 1))


def pooled(x: np.ndarray) -> np.ndarray:
    """Means of 2 x 2 pixels, in 0 ... 1: [N, H, W] -> [N, H // 2 * W // 2]; an odd last line is left out."""
    H, W = x.shape[1] // 2 * 2, x.shape[2] // 2 * 2
    corners = [x[:, i:H:2, j:W:2].astype(np.float32) for i in (0, 1) for j in (0, 1)]
    return (sum(corners) / (4 * 255)).reshape(len(x), -1)
