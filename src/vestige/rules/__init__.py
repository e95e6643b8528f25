"""How eligibility moves in time: one short file per rule."""

from .d_rtrl import d_rtrl
from .es_d_rtrl import es_d_rtrl
from .es_window import es_window
from .hybrid import hybrid
from .rtrl import rtrl
from .tbptt import tbptt
from .types import Obs, Rule, Signal, Teaching, Told, Update, pre_zeros, present, trace_shape, weights

__all__ = [
    "Obs",
    "Rule",
    "Signal",
    "Teaching",
    "Told",
    "Update",
    "d_rtrl",
    "es_d_rtrl",
    "es_window",
    "hybrid",
    "pre_zeros",
    "present",
    "rtrl",
    "tbptt",
    "trace_shape",
    "weights",
]
