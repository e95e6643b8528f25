"""How eligibility moves in time: one short file per rule."""

from .d_rtrl import d_rtrl
from .decolle import decolle
from .dni import dni
from .e_prop import e_prop
from .es_d_rtrl import es_d_rtrl
from .es_window import es_window
from .hybrid import hybrid
from .immediate import immediate
from .ostl import ostl
from .osttp import osttp
from .otpe import otpe
from .ottt import ottt
from .reward_modulated import reward_modulated
from .rflo import rflo
from .rtrl import rtrl
from .sltt import sltt
from .tbptt import tbptt
from .three_factor import three_factor
from .types import Obs, Rule, Signal, Teaching, Told, Update, pre_zeros, present, trace_shape, weights

__all__ = [
    "Obs",
    "Rule",
    "Signal",
    "Teaching",
    "Told",
    "Update",
    "d_rtrl",
    "decolle",
    "dni",
    "e_prop",
    "es_d_rtrl",
    "es_window",
    "hybrid",
    "immediate",
    "ostl",
    "osttp",
    "otpe",
    "ottt",
    "pre_zeros",
    "present",
    "reward_modulated",
    "rflo",
    "rtrl",
    "sltt",
    "tbptt",
    "three_factor",
    "trace_shape",
    "weights",
]
