"""What a training is asked for, and how far it has come."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from .logs import Logs
from .progress import Row
from .sequences import Sequences
from .stop import EarlyStop


@dataclass(frozen=True)
class Course:
    """What a training is asked for besides its plan. `many`: several seeds at once, so values lead with an axis of seeds."""

    epochs: int
    seeds: tuple[int, ...]
    many: bool
    draw: Callable[[np.random.Generator], Sequences]
    validate: Sequences | None
    mask: Any
    stop: EarlyStop | None
    checkpoint: Path | None
    checkpoint_every: int | None
    logs: Logs
    callbacks: tuple[Callable[[int, Row], None], ...]
    progress: Any


@dataclass
class Place:
    """How far a training has come: whole epochs, batches of the next one, pieces of the next sequence; updates in all."""

    epoch: int = 0
    batch: int = 0
    piece: int = 0
    updates: int = 0
    sums: list[Row] = field(default_factory=list)  # of the epoch so far, by seed
    rows: list[list[Row]] = field(default_factory=list)  # by seed, by epoch
