"""Neurons with many compartments: their shape, what sits in their membrane, and the populations built from them."""

from .hh import HH
from .mechanism import DENSITY, Mechanism
from .morphology import Morphology, Section
from .multi_compartment import MultiCompartment
from .tree import Tree, tree

__all__ = ["DENSITY", "HH", "Mechanism", "Morphology", "MultiCompartment", "Section", "Tree", "tree"]
