"""Drivers: sequences, learners, training."""

from .audit import Audit, audit
from .core import Carry, Result, gradients, init
from .learner import EligibilityTrace, Learner, NotCompiledError
from .learners import (
    BPTT, D_RTRL, ES_D_RTRL, RTRL, TBPTT, DiagHybridDimAlgorithm, DiagIODimAlgorithm, DiagParamDimAlgorithm,
    HybridDimVjpAlgorithm, IODimVjpAlgorithm, ParamDimVjpAlgorithm, pp_prop,
)  # fmt: skip
from .silence import SilentLayerWarning

__all__ = [
    "Audit", "BPTT", "Carry", "D_RTRL", "DiagHybridDimAlgorithm", "DiagIODimAlgorithm", "DiagParamDimAlgorithm", "ES_D_RTRL",
    "EligibilityTrace", "HybridDimVjpAlgorithm", "IODimVjpAlgorithm", "Learner", "NotCompiledError",
    "ParamDimVjpAlgorithm", "RTRL", "Result", "SilentLayerWarning", "TBPTT", "audit", "gradients", "init", "pp_prop",
]  # fmt: skip
