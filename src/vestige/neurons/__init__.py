"""Point neurons, synapses and projections, with spikes that forward and reverse mode both see."""

from .gif import GIF
from .integrate import exp_euler
from .lif import ALIF, LIF
from .population import Dynamics, Neuron
from .projections import COBA, CUBA, AlignPostProj, DeltaProj
from .surrogate import (
    Arctan,
    Gaussian,
    MultiGaussian,
    PiecewiseLinear,
    ReluGrad,
    Sigmoid,
    SuperSpike,
    Surrogate,
    spike,
)  # fmt: skip
from .synapses import Alpha, Expon

__all__ = [
    "ALIF", "COBA", "CUBA", "GIF", "LIF", "AlignPostProj", "Alpha", "Arctan", "DeltaProj", "Dynamics", "Expon",
    "Gaussian", "MultiGaussian", "Neuron", "PiecewiseLinear", "ReluGrad", "Sigmoid", "SuperSpike", "Surrogate",
    "exp_euler", "spike",
]  # fmt: skip
