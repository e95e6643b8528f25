"""Spikes in HDF5 files of the layout of the Spiking Heidelberg Digits."""

import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .base import DataError
from .files import content

REMEDY = "fetch it again, or make it with `speech()`"
MOST = 100_000  # units that one may sensibly have


@dataclass(frozen=True)
class Words:
    """Times in s and units of the spikes of each word, its label and its speaker (-1 where the file does not say)."""

    times: list[np.ndarray]
    channels: list[np.ndarray]
    labels: np.ndarray
    speakers: np.ndarray
    keys: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def latest(self) -> float:
        """Time of the last spike of all."""
        return max(float(time.max(initial=0.0)) for time in self.times)

    @property
    def units(self) -> int:
        return max(int(unit.max(initial=0)) for unit in self.channels) + 1


def read(path: str | Path, sha256: str | None = None, remedy: str = REMEDY) -> Words:
    """`spikes/times`, `spikes/units` (ragged), `labels`, and if there `extra/speaker` and `extra/keys`.

    Raises:
        DataError: the file is missing, no HDF5, or not of this layout; with `sha256`, if its bytes have another sum.
    """
    try:
        import h5py
    except ModuleNotFoundError as e:
        raise DataError("files of the SHD layout are read with h5py: pip install 'vestige[speech]'") from e
    found = content(Path(path), "the words of `speech`", remedy, sha256)
    try:
        with h5py.File(io.BytesIO(found), "r") as file:
            words = _words(file)
    except KeyError as e:
        raise DataError(f"{path} is not of the SHD layout: {e.args[0]}; {remedy}") from e
    except (OSError, RuntimeError, ValueError, TypeError, AttributeError) as e:
        raise DataError(f"{path} cannot be read as HDF5 of the SHD layout: {e}; {remedy}") from e
    if said := _wrong(words):
        raise DataError(f"{path}: {said}; {remedy}")
    return words


def _words(file) -> Words:
    for name in ("spikes/times", "spikes/units", "labels"):
        if name not in file:
            raise KeyError(f"it has no `{name}`, only {', '.join(map(repr, file)) or 'nothing'} at its top")
    times = [np.asarray(row, float).reshape(-1) for row in file["spikes/times"][:]]
    units = [np.asarray(row).reshape(-1) for row in file["spikes/units"][:]]
    labels = np.asarray(file["labels"][:])
    speakers = np.asarray(file["extra/speaker"][:], int) if "extra/speaker" in file else np.full(labels.shape, -1)
    keys = (
        [key.decode() if isinstance(key, bytes) else str(key) for key in file["extra/keys"][:]]
        if "extra/keys" in file
        else ()
    )
    return Words(times, units, labels, speakers, tuple(keys))


def _wrong(words: Words) -> str:
    """What is wrong with them; nothing if they are as they should be."""
    counts = [len(words.times), len(words.channels), *words.labels.shape, *words.speakers.shape]
    if len(counts) != 4 or len(set(counts)) > 1 or counts[0] == 0:
        return f"times, units, labels and speakers must be of the same number of words, at least one; they are {counts}"
    if not np.issubdtype(words.labels.dtype, np.integer) or words.labels.min() < 0:
        return "labels must be whole numbers from 0"
    for n, (time, unit) in enumerate(zip(words.times, words.channels)):
        if len(time) != len(unit):
            return f"word {n} has {len(time)} times and {len(unit)} units"
        if len(unit) and (not np.issubdtype(unit.dtype, np.integer) or unit.min() < 0 or unit.max() >= MOST):
            return f"word {n} has units that are no numbers of channels"
        if not np.all(np.isfinite(time)) or np.any(time < 0) or np.any(time > 3600):
            return f"word {n} has times that are no seconds of a word"
    return ""
