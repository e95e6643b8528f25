"""A live line of what training does."""

from collections.abc import Mapping
from typing import Any

Row = dict[str, float]


class Bar:
    """A bar over batches, with the loss and metrics of late."""

    def __init__(self, epochs: int, done: int, show: bool | Mapping[str, Any]):
        self.epochs, self.done = epochs, done
        self.options = {"disable": not show, "unit": "batch"} | (dict(show) if isinstance(show, Mapping) else {})
        self.bar: Any = None
        self.late: Row = {}

    def __enter__(self) -> "Bar":
        return self

    def __exit__(self, *error: Any) -> None:
        if self.bar is not None:
            self.bar.close()

    def begin(self, batches: int, done: int = 0) -> None:
        """An epoch of so many batches, of which some may be done."""
        if self.bar is None:
            from tqdm import tqdm  # only who watches a bar pays for it

            total, done = self.epochs * batches, self.done * batches + done
            self.name = self.options.pop("desc", "")
            self.bar = tqdm(total=total, initial=done, desc=self._title(), **self.options)
        self.bar.set_description(self._title(), refresh=False)

    def _title(self) -> str:
        return f"{self.name} epoch {self.done + 1}/{self.epochs}".strip()

    def step(self, row: Row) -> None:
        self.late |= {k: 0.9 * self.late.get(k, v) + 0.1 * v for k, v in row.items()}
        self.bar.set_postfix({k: f"{v:.3f}" for k, v in self.late.items()}, refresh=False)
        self.bar.update()

    def say(self, line: str) -> None:
        """A line above the bar."""
        if self.bar is not None and not self.bar.disable:
            self.bar.write(line)

    def epoch(self, row: Row) -> None:
        self.done += 1
        self.late |= {k: v for k, v in row.items() if k.startswith("val_") and k != "val_loss"}
