"""Drivers: sequences, learners, training."""

from .audit import Audit, audit
from .core import Carry, Result, gradients, init
from .fit import History, fit
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
from .silence import SilentLayerWarning

__all__ = [
    "BPTT",
    "D_RTRL",
    "ES_D_RTRL",
    "RTRL",
    "TBPTT",
    "Audit",
    "Carry",
    "DiagHybridDimAlgorithm",
    "DiagIODimAlgorithm",
    "DiagParamDimAlgorithm",
    "EligibilityTrace",
    "History",
    "HybridDimVjpAlgorithm",
    "IODimVjpAlgorithm",
    "Learner",
    "NotCompiledError",
    "ParamDimVjpAlgorithm",
    "Result",
    "SilentLayerWarning",
    "audit",
    "fit",
    "gradients",
    "init",
    "pp_prop",
]  # fmt: skip
