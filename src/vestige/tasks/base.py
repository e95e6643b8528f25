"""What a task is: labelled sequences for training, others for the test, and a plain baseline to beat."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

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

    def __getitem__(self, which) -> Split:
        """Some of the sequences: a slice, numbers, or truth values."""
        return Split(*(getattr(self, name)[which] for name in ("x", "y", "summary", "source")))


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
        return split[order]

    def held_out(self, which: np.ndarray) -> Task:
        """The training sequences `which` as the test of a task like this: for choices that the test must not see.

        Raises:
            ValueError: the task varies its training sequences from epoch to epoch, those held out included.
        """
        if self.redraw is not None:
            raise ValueError(f"{self.name} redraws its training sequences: make it with another split instead")
        kept = np.setdiff1d(np.arange(len(self.train)), np.arange(len(self.train))[which])
        return replace(self, train=self.train[kept], test=self.train[which])


@dataclass(frozen=True)
class Stream:
    """Items in the order in which they came: each is a few steps `x` [N, K, I], then its class `y` [N].

    Nothing is split off: a learner predicts each item before it is told the class. `features` [N, F] are the items
    before they were encoded, for baselines; `names` [F] are what they mean. `drift` is the number of the item from
    which the law between features and class is known to change, None if there is none.
    """

    name: str
    about: str
    x: np.ndarray
    y: np.ndarray
    features: np.ndarray
    names: tuple[str, ...]
    classes: tuple[str, ...]
    drift: int | None = None

    def __post_init__(self):
        sizes = {name: len(getattr(self, name)) for name in ("x", "y", "features")}
        if self.x.ndim != 3 or self.features.ndim != 2 or len(set(sizes.values())) > 1:
            raise ValueError(
                f"a stream needs x [N, K, I] and features [N, F], N items each; got x {self.x.shape}, {sizes}"
            )

    def __len__(self) -> int:
        return len(self.y)

    @property
    def n_in(self) -> int:
        return self.x.shape[2]

    @property
    def steps(self) -> int:
        """Steps of one item."""
        return self.x.shape[1]
