"""Populations of neurons that all have one shape."""

from ..neurons import Dynamics
from .morphology import Morphology


class MultiCompartment(Dynamics):
    """A population whose neurons have compartments; a subclass gives them states and equations.

    Args:
        pop_size: shape of the population, an integer or a tuple.
        morphology: the shape of one neuron, all its sections connected.

    Attributes:
        pop_size: shape of the population, always a tuple.
        varshape: `(*pop_size, n_compartments)`, the shape of a state such as the voltage.
        n_compartments: compartments of one neuron.

    Raises:
        TypeError: the morphology is none. ValueError: it has no section, or more than one root.
    """

    def __init__(self, pop_size: int | tuple[int, ...], morphology: Morphology, name: str | None = None) -> None:
        if not isinstance(morphology, Morphology):
            raise TypeError(f"MultiCompartment: morphology is {type(morphology).__name__}; give a Morphology")
        if len(morphology.roots) != 1:
            raise ValueError(f"MultiCompartment: one neuron grows from one section, this one from {morphology.roots}")
        self.pop_size = tuple(pop_size) if isinstance(pop_size, (tuple, list)) else (int(pop_size),)
        self.morphology, self.n_compartments = morphology, morphology.n_compartments
        super().__init__((*self.pop_size, self.n_compartments), name=name)
