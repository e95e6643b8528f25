"""Layers, parameters and states that learn online; everything else of `brainstate.nn` works beside them."""

from brainstate.nn import GroupNorm, LayerNorm, RMSNorm

from .convolution import Conv1d, Conv2d, Conv3d, conv
from .diagonal import ElementwiseLSTMCell, LRUCell, RTUCell
from .functional import einsum, element_wise, embedding, lora_matmul, matmul, sparse_matmul
from .linear import Embedding, Linear, LoRA, ScaledWSLinear, SignedWLinear, SparseLinear
from .minimal import MiniGRU, MiniLSTM, MinimalRNNCell
from .params import (
    ConvOp,
    ElemWiseOp,
    ElemWiseParam,
    ETraceParam,
    LoraOp,
    MatMulOp,
    NonTempParam,
    SpMatMulOp,
    untraced,
)  # fmt: skip
from .readout import LeakyRateReadout, LeakySpikeReadout
from .recurrent import GRUCell, LSTMCell, MGUCell, Recurrent, URLSTMCell, ValinaRNNCell, VanillaRNNCell
from .states import ETraceGroupState, ETraceState, ETraceTreeState

__all__ = [
    "Conv1d", "Conv2d", "Conv3d", "ConvOp", "ETraceGroupState", "ETraceParam", "ETraceState", "ETraceTreeState",
    "ElemWiseOp", "ElemWiseParam", "ElementwiseLSTMCell", "Embedding", "GRUCell", "GroupNorm", "LRUCell",
    "LSTMCell", "LayerNorm", "LeakyRateReadout", "LeakySpikeReadout", "Linear", "LoRA", "LoraOp", "MGUCell",
    "MatMulOp", "MiniGRU", "MiniLSTM", "MinimalRNNCell", "NonTempParam", "RMSNorm", "RTUCell", "Recurrent",
    "ScaledWSLinear", "SignedWLinear", "SpMatMulOp", "SparseLinear", "URLSTMCell", "ValinaRNNCell",
    "VanillaRNNCell", "conv", "einsum", "element_wise", "embedding", "lora_matmul", "matmul", "sparse_matmul",
    "untraced",
]  # fmt: skip
