"""Neurons with many compartments: their shape, what sits in their membrane, and the populations built from them."""

from .hh import HH
from .mechanism import DENSITY, Mechanism
from .morphology import Morphology, Section
from .multi_compartment import MultiCompartment
from .point import Clamp, IClamp, Point
from .synapse import AMPA, GABA_A, GABA_B, NMDA, Exp2Syn, ExpSyn
from .tree import Tree, tree

__all__ = [
    "AMPA",
    "DENSITY",
    "GABA_A",
    "GABA_B",
    "HH",
    "NMDA",
    "Clamp",
    "Exp2Syn",
    "ExpSyn",
    "IClamp",
    "Mechanism",
    "Morphology",
    "MultiCompartment",
    "Point",
    "Section",
    "Tree",
    "tree",
]
