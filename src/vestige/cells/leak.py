"""The passive membrane."""

import jax
import saiunit as u

from ..neurons.checks import NOT_NEGATIVE
from ..neurons.integrate import Param
from .mechanism import DENSITY, Mechanism, Numbers


class Leak(Mechanism):
    """A conductance that nothing changes: `i = g_L (v - E_L)`.

    Args:
        g_L: conductance per area. E_L: reversal potential.

    Source: defaults as NEURON's `pas`.
    """

    def __init__(self, g_L: Param = 0.001 * DENSITY, E_L: Param = -70.0 * u.mV) -> None:
        super().__init__()
        self.take(DENSITY, NOT_NEGATIVE, g_L=g_L)
        self.take(u.mV, E_L=E_L)

    def current(self, p: Numbers, s: Numbers, v: jax.Array, ions: Numbers) -> jax.Array:
        return p.g_L * (v - p.E_L)
