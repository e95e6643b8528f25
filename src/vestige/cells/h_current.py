"""The current that hyperpolarisation opens."""

import jax
import jax.numpy as jnp
import saiunit as u

from ..neurons.checks import NOT_NEGATIVE
from ..neurons.integrate import Param
from .mechanism import DENSITY, Mechanism, Numbers, Rates
from .rates import warmed


class Ih(Mechanism):
    """A mixed cation current that opens below rest and pulls back to it: sag, and rebound.

        i = g_h r (v - E_h)
        r_limit = 1 / (1 + exp((v + 75) / 5.5))
        tau_r = 1 / (exp(-14.6 - 0.086 v) + exp(-1.87 + 0.0701 v))

    Time constants in ms at 36 degrees, Q10 = 3.

    Args:
        g_h: conductance per area. E_h: reversal potential.

    Source: Huguenard and McCormick 1992, https://doi.org/10.1152/jn.1992.68.4.1373.
    """

    def __init__(self, g_h: Param = 2e-5 * DENSITY, E_h: Param = -43.0 * u.mV) -> None:
        super().__init__()
        self.take(DENSITY, NOT_NEGATIVE, g_h=g_h)
        self.take(u.mV, E_h=E_h)

    def rates(self, p: Numbers, v: jax.Array, ions: Numbers) -> Rates:
        speed = jnp.exp(-14.6 - 0.086 * v) + jnp.exp(-1.87 + 0.0701 * v)
        return {"r": (jax.nn.sigmoid(-(v + 75.0) / 5.5), 1.0 / (warmed(3.0, ions.celsius, 36.0) * speed))}

    def current(self, p: Numbers, s: Numbers, v: jax.Array, ions: Numbers) -> jax.Array:
        return p.g_h * s.r * (v - p.E_h)
