"""Tasks to learn: real data with honest splits, encoded as spikes, and generated sequences without end."""

from .base import DataError, Split, Stream, Task
from .baseline import logistic_regression
from .copy import copy
from .digits import digits
from .drifting_sine import drifting_sine
from .events import events
from .evidence import evidence
from .fashion import fashion
from .flipflop import flipflop
from .match import match
from .memory_chain import memory_chain
from .movement import Variation
from .pattern import pattern
from .rainfall import rainfall
from .sequences import Sequences, Trials, from_task
from .speech import speech
from .voice import Voice
from .watch import watch
from .wearers import wearers

__all__ = [
    "DataError", "Sequences", "Split", "Stream", "Task", "Trials", "Variation", "Voice", "copy", "digits", "drifting_sine",
    "events", "evidence", "fashion", "flipflop", "from_task", "logistic_regression", "match", "memory_chain", "pattern",
    "rainfall", "speech", "watch", "wearers",
]  # fmt: skip
