"""How eligibility moves in time: one short file per rule."""

from .d_rtrl import d_rtrl
from .decolle import decolle
from .dni import dni
from .e_prop import e_prop
from .es_d_rtrl import es_d_rtrl
from .es_window import es_window
from .hybrid import hybrid
from .immediate import immediate
from .kf_rtrl import kf_rtrl
from .ostl import ostl
from .osttp import osttp
from .otpe import otpe
from .ottt import ottt
from .random_path import random_path
from .recent import recent
from .reward_modulated import reward_modulated
from .rflo import rflo
from .rtrl import rtrl
from .sltt import sltt
from .snap import snap
from .stored import stored
from .tbptt import tbptt
from .three_factor import three_factor
from .types import Obs, Rule, Signal, Teaching, Told, Update, pre_zeros, present, trace_shape, weights
from .uoro import uoro

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
    "kf_rtrl",
    "ostl",
    "osttp",
    "otpe",
    "ottt",
    "pre_zeros",
    "present",
    "random_path",
    "recent",
    "reward_modulated",
    "rflo",
    "rtrl",
    "sltt",
    "snap",
    "stored",
    "tbptt",
    "three_factor",
    "trace_shape",
    "uoro",
    "weights",
]
