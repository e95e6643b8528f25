"""Tasks to learn: real data with honest splits, encoded as spikes."""

from .base import DataError, Split, Task
from .baseline import logistic_regression
from .digits import digits
from .movement import Variation
from .watch import watch

__all__ = ["DataError", "Split", "Task", "Variation", "digits", "logistic_regression", "watch"]
