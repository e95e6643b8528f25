"""Neurons with many compartments: their shape and the populations built from it."""

from .morphology import Morphology, Section
from .multi_compartment import MultiCompartment

__all__ = ["Morphology", "MultiCompartment", "Section"]
