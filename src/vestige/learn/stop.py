"""When to stop before the last epoch, as a function of the rows so far."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from .progress import Row


@dataclass(frozen=True)
class EarlyStop:
    """Stop once `metric` has not become better for `patience` epochs; the weights are then those of the best one.

        vestige.fit(..., validate=held_out, stop=vestige.EarlyStop("val_loss", patience=5))
        vestige.fit(..., validate=held_out, stop=vestige.EarlyStop("val_accuracy", patience=5, best=max))

    Args:
        metric: a name in the rows of the history: `loss`, `firing`, a metric, or one of these with `val_`.
        patience: epochs without a better value, at least 1.
        best: the builtin `min` or `max`.
        by: a better value is so much better at least.
    """

    metric: str = "val_loss"
    patience: int = 5
    best: Callable[..., Any] = min
    by: float = 0.0

    def __post_init__(self):
        if not isinstance(self.patience, int) or self.patience < 1:
            raise ValueError(f"patience is {self.patience!r}; it is a number of epochs of at least 1")
        if self.best not in (min, max):
            raise ValueError(f"best is {self.best!r}; give the builtin min or max")
        if not 0 <= self.by < float("inf"):
            raise ValueError(f"by is {self.by!r}; it is a number of at least 0")

    def at(self, rows: Sequence[Row]) -> int:
        """The number of the best row, from 0; a value that is not a number is never the best, save the first."""
        top = 0
        for n, row in enumerate(rows):
            gain = row[self.metric] - rows[top][self.metric]
            top = n if (gain if self.best is max else -gain) > self.by or _nan(rows[top][self.metric]) else top
        return top

    def over(self, rows: Sequence[Row]) -> bool:
        return bool(rows) and len(rows) - 1 - self.at(rows) >= self.patience

    def told(self, rows: Sequence[Row]) -> str:
        """What was kept, and why the training ended."""
        top = self.at(rows)
        kept = f"the weights are those after epoch {top + 1} ({self.metric} {rows[top][self.metric]:.4g})"
        why = f"{self.metric} has not become better for {self.patience} epochs"
        return f"stopped after epoch {len(rows)}: {why}; {kept}" if self.over(rows) else kept


def _nan(value: float) -> bool:
    return value != value
