"""A live line of what training does."""

from typing import Any

Row = dict[str, float]


class Bar:
    """A bar over batches, with the loss and metrics of late."""

    def __init__(self, epochs: int, done: int, show: bool):
        self.epochs, self.done, self.show = epochs, done, show
        self.bar: Any = None
        self.late: Row = {}

    def __enter__(self) -> "Bar":
        return self

    def __exit__(self, *error: Any) -> None:
        if self.bar is not None:
            self.bar.close()

    def begin(self, batches: int) -> None:
        if self.bar is None:
            from tqdm import tqdm  # only who watches a bar pays for it

            total, done = self.epochs * batches, self.done * batches
            self.bar = tqdm(total=total, initial=done, disable=not self.show, unit="batch")
        self.bar.set_description(f"epoch {self.done + 1}/{self.epochs}", refresh=False)

    def step(self, row: Row) -> None:
        self.late |= {k: 0.9 * self.late.get(k, v) + 0.1 * v for k, v in row.items()}
        self.bar.set_postfix({k: f"{v:.3f}" for k, v in self.late.items()}, refresh=False)
        self.bar.update()

    def epoch(self, row: Row) -> None:
        self.done += 1
        self.late |= {k: v for k, v in row.items() if k.startswith("val_")}
