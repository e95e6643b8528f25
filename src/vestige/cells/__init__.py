"""Neurons with many compartments: their shape, what sits in their membrane, and the populations built from them."""

from .calcium import CaL, CaPool, CaT
from .h_current import Ih
from .hh import HH, KHH, NaHH
from .leak import Leak
from .length_constant import by_length_constant
from .mechanism import DENSITY, Mechanism
from .morphology import Morphology, Section
from .multi_compartment import MultiCompartment
from .plots import dendrogram, shape_2d, shape_3d
from .point import Clamp, IClamp, Point
from .potassium import KA, KM, KCa
from .synapse import AMPA, GABA_A, GABA_B, NMDA, Exp2Syn, ExpSyn
from .traub import KTraub, NaTraub
from .tree import Tree, tree

__all__ = [
    "AMPA",
    "DENSITY",
    "GABA_A",
    "GABA_B",
    "HH",
    "KA",
    "KHH",
    "KM",
    "NMDA",
    "CaL",
    "CaPool",
    "CaT",
    "Clamp",
    "Exp2Syn",
    "ExpSyn",
    "IClamp",
    "Ih",
    "KCa",
    "KTraub",
    "Leak",
    "Mechanism",
    "Morphology",
    "MultiCompartment",
    "NaHH",
    "NaTraub",
    "Point",
    "Section",
    "Tree",
    "by_length_constant",
    "dendrogram",
    "shape_2d",
    "shape_3d",
    "tree",
]
