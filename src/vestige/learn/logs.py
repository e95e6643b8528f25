"""What training writes down as it goes: a row an epoch, or an update, as lines of JSON or for TensorBoard."""

import json
import math
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Protocol

from .progress import Row

Line = dict[str, Any]


class Log(Protocol):
    """Gets rows with `update` (how many were done), `epoch` in the rows of whole epochs, and `seed` if there are several.

    `updates`: wants a row for every update too.
    """

    updates: bool

    def begin(self, epochs: int, updates: int) -> None:
        """Go on after so many epochs and updates; what was written of later ones is void."""

    def write(self, row: Line) -> None: ...

    def end(self) -> None: ...


class JsonLines:
    """One JSON object a line; a resumed run goes on in the same file, without a line lost or twice.

    A file of another run is not written over: it is kept beside, as `<path>.1`, `.2`, ...
    """

    def __init__(self, path: str | Path, updates: bool = False):
        self.path, self.updates, self.file = Path(path), updates, None

    def begin(self, epochs: int, updates: int) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        if self.path.exists() and self.path.stat().st_size:
            kept = [line for line in self._lines() if line["update"] <= updates and line.get("epoch", 0) <= epochs]
            if updates:
                draft = self.path.with_name(f".{self.path.name}.part")
                draft.write_text("".join(json.dumps(line) + "\n" for line in kept))
                os.replace(draft, self.path)
            else:
                n = 1
                while (aside := self.path.with_name(f"{self.path.name}.{n}")).exists():
                    n += 1
                self.path.rename(aside)
        self.file = open(self.path, "a")  # noqa: SIM115  open for the whole run

    def _lines(self) -> Iterable[Line]:
        """Whole lines; the last one may have been cut short."""
        for text in self.path.read_text(errors="replace").splitlines():
            try:
                line = json.loads(text)
            except ValueError:
                continue
            if isinstance(line, dict) and isinstance(line.get("update"), int):
                yield line

    def write(self, row: Line) -> None:
        plain = {k: None if isinstance(v, float) and not math.isfinite(v) else v for k, v in row.items()}
        self.file.write(json.dumps(plain) + "\n")
        self.file.flush()

    def end(self) -> None:
        if self.file is not None:
            self.file.close()


class TensorBoard:
    """Curves for TensorBoard, in `folder`: `epoch/loss`, `update/loss`, ..., over the number of updates.

    Raises:
        ModuleNotFoundError: `tensorboardX`, which writes the files, is not installed.
    """

    def __init__(self, folder: str | Path, updates: bool = False):
        try:
            import tensorboardX
        except ModuleNotFoundError as error:
            raise ModuleNotFoundError(
                "TensorBoard's files are written by tensorboardX: pip install 'vestige[tensorboard]'"
            ) from error
        self.folder, self.updates, self._open = Path(folder), updates, tensorboardX.SummaryWriter

    def begin(self, epochs: int, updates: int) -> None:
        # void from there on: what a killed run wrote after its checkpoint
        self.writer = self._open(str(self.folder), purge_step=updates + 1 if updates else None)

    def write(self, row: Line) -> None:
        kind = "epoch" if "epoch" in row else "update"
        seed = f"/{row['seed']}" if "seed" in row else ""
        for name, value in row.items():
            if name not in ("epoch", "update", "seed") and value is not None:
                self.writer.add_scalar(f"{kind}/{name}{seed}", value, row["update"])
        self.writer.flush()

    def end(self) -> None:
        if hasattr(self, "writer"):
            self.writer.close()


class Logs:
    """Several logs as one."""

    def __init__(self, logs: Sequence[Log]):
        self.all = logs

    def begin(self, epochs: int, updates: int) -> None:
        for log in self.all:
            log.begin(epochs, updates)

    def end(self) -> None:
        for log in self.all:
            log.end()

    def epoch(self, seeds: list[Any], epoch: int, updates: int, rows: list[Row]) -> None:
        for seed, row in zip(seeds, rows):
            for log in self.all:
                log.write({**_named(seed), "epoch": epoch, "update": updates, **row})

    def sequence(self, seeds: list[Any], updates: int, rows: list[Row], losses: list[Any]) -> None:
        """A row for each update of a sequence; what was measured of the whole stands in that of its last."""
        for log in [log for log in self.all if log.updates]:
            for seed, row, each in zip(seeds, rows, losses):
                for k, loss in enumerate(each, 1):
                    rest = row if k == len(each) else {}
                    log.write({**_named(seed), "update": updates - len(each) + k, **rest, "loss": float(loss)})


def _named(seed: Any) -> Line:
    return {} if seed is None else {"seed": seed}


def logs_of(log: Any) -> list[Log]:
    """A path, a log, or several, as a list.

    Raises:
        TypeError: something else.
    """
    if log is None:
        return []
    if isinstance(log, (str, Path)):
        return [JsonLines(log)]
    if isinstance(log, (list, tuple)):
        return [one for item in log for one in logs_of(item)]
    if not callable(getattr(log, "write", None)) or not callable(getattr(log, "begin", None)):
        raise TypeError(f"log is {type(log).__name__}; give a path, a JsonLines, a TensorBoard, or a list of these")
    return [log]
