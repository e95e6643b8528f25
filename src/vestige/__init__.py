"""vestige: online learning with eligibility traces, forward in time, in memory that does not grow with the sequence."""

from . import cells, neurons, nn, rules
from .graph import Graph, GraphError, trace_graph
from .learn import (
    BPTT, D_RTRL, ES_D_RTRL, RTRL, TBPTT, Audit, Carry, DiagHybridDimAlgorithm, DiagIODimAlgorithm, DiagParamDimAlgorithm,
    EligibilityTrace, HybridDimVjpAlgorithm, IODimVjpAlgorithm, Learner, NotCompiledError, ParamDimVjpAlgorithm, Result,
    SilentLayerWarning, audit, gradients, init, pp_prop,
)  # fmt: skip
from .nn import (
    ConvOp, ElemWiseOp, ElemWiseParam, ETraceGroupState, ETraceParam, ETraceState, ETraceTreeState, LoraOp, MatMulOp,
    NonTempParam, SpMatMulOp, conv, einsum, element_wise, embedding, lora_matmul, matmul, sparse_matmul, untraced,
)  # fmt: skip

__all__ = [
    "Audit", "BPTT", "Carry", "ConvOp", "D_RTRL", "DiagHybridDimAlgorithm", "DiagIODimAlgorithm", "DiagParamDimAlgorithm",
    "ES_D_RTRL", "ETraceGroupState", "ETraceParam", "ETraceState", "ETraceTreeState", "ElemWiseOp", "ElemWiseParam",
    "EligibilityTrace", "Graph", "GraphError", "HybridDimVjpAlgorithm", "IODimVjpAlgorithm", "Learner", "LoraOp",
    "MatMulOp", "NonTempParam", "NotCompiledError", "ParamDimVjpAlgorithm", "RTRL", "Result", "SilentLayerWarning",
    "SpMatMulOp", "TBPTT", "audit", "cells", "conv", "einsum", "element_wise", "embedding", "gradients", "init", "lora_matmul",
    "matmul", "neurons", "nn", "pp_prop", "rules", "sparse_matmul", "trace_graph", "untraced",
]  # fmt: skip
__version__ = "0.1.0"
