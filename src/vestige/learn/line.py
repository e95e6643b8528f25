"""A live line of what a stream does: items, rate, scores of late, and what was skipped."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .stream import OnlineStream


class Line:
    """One line of tqdm while a stream runs; `show` False: none."""

    def __init__(self, stream: "OnlineStream", show: bool | Mapping[str, Any]):
        self.stream, self.show, self.bar = stream, show, None

    def __enter__(self) -> "Line":
        if self.show is not False:
            from tqdm import tqdm  # only who watches a line pays for it

            options = {"unit": "event", "mininterval": 0.5} | (
                dict(self.show) if isinstance(self.show, Mapping) else {}
            )
            self.bar: Any = tqdm(initial=self.stream.events, **options)
        return self

    def __exit__(self, *error: Any) -> None:
        if self.bar is not None:
            self.bar.close()

    def step(self) -> None:
        # what is said is put together only when the line is drawn
        if self.bar is not None and self.bar.update():
            self.bar.set_postfix_str(self._said(), refresh=False)

    def _said(self) -> str:
        stream = self.stream
        some = {"score": stream.scores, "loss": stream.losses}
        parts = [f"{name} {score.windowed:.3f}" for name, score in some.items() if score.count]
        parts += [f"waiting {len(stream.waiting)}"] * bool(stream.waiting)
        return ", ".join([*parts, *[f"skipped {sum(stream.skipped.values())}"] * bool(stream.skipped)])
