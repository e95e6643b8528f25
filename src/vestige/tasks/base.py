"""What a task is: labelled sequences for training, others for the test, and a plain baseline to beat."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np


class DataError(RuntimeError):
    """A task's data is missing or is not what it should be."""


@dataclass(frozen=True)
class Split:
    """Sequences `x` [N, T, I] with one class `y` [N] each.

    `summary` [N, F] describes each sequence without its order in time; the baseline sees nothing else. `source` [N]
    says where a sequence comes from (a wearer, a place in a file), so that tests can prove two splits disjoint.
    """

    x: np.ndarray
    y: np.ndarray
    summary: np.ndarray
    source: np.ndarray

    def __post_init__(self):
        sizes = {name: len(getattr(self, name)) for name in ("x", "y", "summary", "source")}
        if self.x.ndim != 3 or len(set(sizes.values())) > 1:
            raise ValueError(f"a split needs x [N, T, I] and one entry per sequence; got x {self.x.shape}, {sizes}")

    def __len__(self) -> int:
        return len(self.y)


@dataclass(frozen=True)
class Task:
    """A classification task.

    `redraw(rng)` returns the training sequences of one more epoch, when there is a way to vary them; the test sequences
    never change.
    """

    name: str
    about: str
    train: Split
    test: Split
    classes: tuple[str, ...]
    redraw: Callable[[np.random.Generator], Split] | None = None

    @property
    def n_in(self) -> int:
        return self.train.x.shape[2]

    @property
    def steps(self) -> int:
        return self.train.x.shape[1]

    @property
    def chance(self) -> float:
        """Accuracy of always saying the commonest class of the test."""
        return float(np.bincount(self.test.y).max() / len(self.test))

    def epoch(self, rng: np.random.Generator) -> Split:
        """Training sequences of one epoch, in an order of their own."""
        split = self.train if self.redraw is None else self.redraw(rng)
        order = rng.permutation(len(split))
        return Split(*(getattr(split, name)[order] for name in ("x", "y", "summary", "source")))


def package_folder(package: str, need: str) -> Path:
    """Folder of an installed package, found without importing it."""
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        raise DataError(f"{need} comes with the package `{package}`: pip install 'vestige[data]'")
    return Path(spec.origin).parent
