"""Drivers: sequences, learners, training."""

from .audit import Audit, audit
from .core import Carry, Result, gradients, init
from .events import Item, Label
from .fit import History, fit, fit_seeds
from .learner import Learner, NotCompiledError
from .learners import (
    BPTT,
    D_RTRL,
    ES_D_RTRL,
    RTRL,
    TBPTT,
    DiagHybridDimAlgorithm,
    DiagIODimAlgorithm,
    DiagParamDimAlgorithm,
    EligibilityTrace,
    HybridDimVjpAlgorithm,
    IODimVjpAlgorithm,
    ParamDimVjpAlgorithm,
    pp_prop,
)  # fmt: skip
from .learners_coupled import KF_RTRL, UORO, OSTLRecurrent, RandomPathRTRL, SnAp
from .learners_family import (
    DECOLLE,
    DNI,
    OSTL,
    OSTTP,
    OTPE,
    OTTT,
    RFLO,
    SLTT,
    EProp,
    Immediate,
    RewardModulated,
    ThreeFactor,
)
from .live import Online
from .logs import JsonLines, TensorBoard
from .pieces import Budget
from .silence import SilentLayerWarning
from .stop import EarlyStop
from .stream import OnlineStream
from .weights import load_weights, save_weights

__all__ = [
    "BPTT",
    "DECOLLE",
    "DNI",
    "D_RTRL",
    "ES_D_RTRL",
    "KF_RTRL",
    "OSTL",
    "OSTTP",
    "OTPE",
    "OTTT",
    "RFLO",
    "RTRL",
    "SLTT",
    "TBPTT",
    "UORO",
    "Audit",
    "Budget",
    "Carry",
    "DiagHybridDimAlgorithm",
    "DiagIODimAlgorithm",
    "DiagParamDimAlgorithm",
    "EProp",
    "EarlyStop",
    "EligibilityTrace",
    "History",
    "HybridDimVjpAlgorithm",
    "IODimVjpAlgorithm",
    "Immediate",
    "Item",
    "JsonLines",
    "Label",
    "Learner",
    "NotCompiledError",
    "OSTLRecurrent",
    "Online",
    "OnlineStream",
    "ParamDimVjpAlgorithm",
    "RandomPathRTRL",
    "Result",
    "RewardModulated",
    "SilentLayerWarning",
    "SnAp",
    "TensorBoard",
    "ThreeFactor",
    "audit",
    "fit",
    "fit_seeds",
    "gradients",
    "init",
    "load_weights",
    "pp_prop",
    "save_weights",
]  # fmt: skip
