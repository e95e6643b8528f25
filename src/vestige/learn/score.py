"""Prequential scores: every item is judged before it is learned from, and scores are means over what was judged so."""

from collections import deque
from typing import Any


class Score:
    """Means of one measure over a stream: over all of it, over the last `window` values, and fading.

        fading_n = S_n / N_n       S_n = value_n + fade S_{n-1}       N_n = 1 + fade N_{n-1}

    Source: J. Gama, R. Sebastiao & P. Rodrigues, On evaluating stream learning algorithms, Machine Learning 90, 317 (2013).

    Args:
        window: values in the windowed mean.
        fade: weight of a value against the one after it, in (0, 1).
    """

    def __init__(self, window: int = 1000, fade: float = 0.999):
        if window < 1 or not 0 < fade < 1:
            raise ValueError(
                f"a score needs scored_over of at least 1 and fade between 0 and 1; got {window!r} and {fade!r}"
            )
        self.window, self.fade = window, fade
        self.count, self.total, self._sum, self._weight = 0, 0.0, 0.0, 0.0
        self._late: deque[float] = deque(maxlen=window)

    def add(self, value: float) -> None:
        self.count, self.total = self.count + 1, self.total + value
        self._sum, self._weight = value + self.fade * self._sum, 1 + self.fade * self._weight
        self._late.append(value)

    @property
    def mean(self) -> float:
        """Over all values; NaN before the first."""
        return self.total / self.count if self.count else float("nan")

    @property
    def windowed(self) -> float:
        """Over the last `window` values."""
        return sum(self._late) / len(self._late) if self._late else float("nan")

    @property
    def fading(self) -> float:
        """The older a value, the less it counts."""
        return self._sum / self._weight if self.count else float("nan")

    def notes(self) -> list[Any]:
        """All of it as JSON can hold it; `restore` takes it back without loss."""
        return [self.count, self.total, self._sum, self._weight, list(self._late)]

    def restore(self, notes: list[Any]) -> None:
        self.count, self.total, self._sum, self._weight, late = notes
        self._late = deque(late, self.window)

    def __repr__(self) -> str:
        if not self.count:
            return "nothing judged yet"
        return f"{self.mean:.4f} (last {len(self._late)}: {self.windowed:.4f}; fading: {self.fading:.4f})"
