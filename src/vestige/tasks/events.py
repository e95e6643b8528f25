"""What an event camera sees of an image when it moves: three saccades, ON and OFF events."""

from pathlib import Path

import numpy as np

from .base import Task
from .encode import send_on_delta
from .fashion import chunks, splits
from .idx import load, names

STEPS = 30
CORNERS = ((0.0, 0.0), (2.0, 4.0), (4.0, 0.0), (0.0, 0.0))  # of the gaze, in pixels: down right, down left, back up
DELTA = 0.15  # of the brightest pixel


def events(folder: str | Path | None = None, *, train: int | None = 10_000, test: int | None = None) -> Task:
    """Images under a moving camera, as events: 392 units, 30 steps.

    The gaze goes along three straight saccades of ten steps each, back to where it began. The camera has a quarter as
    many points as the image has pixels; each averages what lies under it, and sends an event, ON or OFF, when that has
    changed by `DELTA` since its last. No event says what the image is without the movement. Split: that of the files;
    `train` and `test` take the first so many of each. The baseline sees means of 2 x 2 pixels of the image at rest.

    Shapes: x [N, 30, H W / 2] of bool, ON points first, then OFF.
    Data: any IDX set, by default Fashion-MNIST (MIT), see `fashion`. Source of the movement: G. Orchard and others,
    Converting Static Image Datasets to Spiking Neuromorphic Datasets Using Saccades, Front. Neurosci. 9, 437 (2015).

    Raises:
        DataError: the files are missing or broken.
    """
    seen, unseen = load(folder)
    sets = seen.first(train), unseen.first(test)
    return Task("events", "clothes under a moving event camera", *splits(*sets, saccades), names(seen, unseen))


def saccades(images: np.ndarray) -> np.ndarray:
    """Events of a camera that moves over images [N, H, W] of bytes -> [N, STEPS, H // 2 * W // 2 * 2] of bool."""
    down, right = (np.stack([view(size, at) for at in axis]) for size, axis in zip(images.shape[1:], gaze().T))
    delta = np.full(down.shape[1] * right.shape[1], DELTA)

    def one(part: np.ndarray) -> np.ndarray:
        seen = down[:, None] @ (part.astype(np.float32) / 255) @ right[:, None].swapaxes(2, 3)  # [T, N, h, w]
        return send_on_delta(seen.swapaxes(0, 1).reshape(len(part), STEPS, -1), delta).astype(bool)

    return np.concatenate([one(part) for part in chunks(images)])


def gaze() -> np.ndarray:
    """Where the camera looks at each step, [STEPS, 2], in pixels down and right of where it began."""
    corners = np.array(CORNERS)
    at = np.linspace(0, len(corners) - 1, STEPS)
    return np.stack([np.interp(at, range(len(corners)), axis) for axis in corners.T], axis=1)


def view(size: int, shift: float) -> np.ndarray:
    """Weights [size // 2, size] with which points two pixels wide, `shift` pixels along, average a line of pixels.

    Outside the image it is dark.
    """
    edge = np.arange(size // 2)[:, None] * 2 + shift
    pixel = np.arange(size)
    return np.clip(np.minimum(edge + 2, pixel + 1) - np.maximum(edge, pixel), 0, 1).astype(np.float32) / 2
