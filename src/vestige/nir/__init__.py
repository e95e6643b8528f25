"""Networks to and from NIR, the neuromorphic intermediate representation, in SI units: dense weights, LIF, ALIF, any wiring."""

from .network import Network, NIRError
from .reading import from_nir
from .writing import to_nir

__all__ = ["NIRError", "Network", "from_nir", "to_nir"]
