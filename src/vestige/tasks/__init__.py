"""Tasks to learn: real data with honest splits, encoded as spikes, and generated sequences without end."""

from .base import DataError, Split, Stream, Task
from .baseline import logistic_regression
from .copy import copy
from .digits import digits
from .evidence import evidence
from .flipflop import flipflop
from .match import match
from .movement import Variation
from .rainfall import rainfall
from .sequences import Sequences, Trials, from_task
from .watch import watch

__all__ = [
    "DataError", "Sequences", "Split", "Stream", "Task", "Trials", "Variation", "copy", "digits", "evidence", "flipflop",
    "from_task", "logistic_regression", "match", "rainfall", "watch",
]  # fmt: skip
