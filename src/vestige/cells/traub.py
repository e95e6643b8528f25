"""Sodium and delayed rectifier potassium of cortical and hippocampal neurons."""

import jax
import jax.numpy as jnp
import saiunit as u

from ..neurons.checks import NOT_NEGATIVE
from ..neurons.integrate import Param
from .mechanism import DENSITY, Mechanism, Numbers, Rates
from .rates import linexp, settling, warmed


class NaTraub(Mechanism):
    """Sodium of a neuron whose spikes begin near `V_T`.

        i = g_Na m^3 h (v - E_Na)                       x = v - V_T
        alpha_m = 1.28 linexp((x - 13) / 4)             beta_m = 1.4 linexp(-(x - 40) / 5)
        alpha_h = 0.128 exp(-(x - 17) / 18)             beta_h = 4 / (1 + exp(-(x - 40) / 5))

    with `linexp(x) = x / (1 - exp(-x))`; rates are per ms at 36 degrees, Q10 = 3.

    Args:
        g_Na: conductance per area. E_Na: reversal potential. V_T: shifts both gates.

    Source: Traub and Miles 1991, as in Pospischil et al. 2008, https://doi.org/10.1007/s00422-008-0263-8.
    """

    ION = "na"

    def __init__(
        self, g_Na: Param = 0.05 * DENSITY, E_Na: Param = 50.0 * u.mV, V_T: Param = -56.2 * u.mV
    ) -> None:  # fmt: skip
        super().__init__()
        self.take(DENSITY, NOT_NEGATIVE, g_Na=g_Na)
        self.take(u.mV, E_Na=E_Na, V_T=V_T)

    def rates(self, p: Numbers, v: jax.Array, ions: Numbers) -> Rates:
        q, x = warmed(3.0, ions.celsius, 36.0), v - p.V_T
        return {
            "m": settling(1.28 * linexp((x - 13.0) / 4.0), 1.4 * linexp(-(x - 40.0) / 5.0), q),
            "h": settling(0.128 * jnp.exp(-(x - 17.0) / 18.0), 4.0 * jax.nn.sigmoid((x - 40.0) / 5.0), q),
        }

    def current(self, p: Numbers, s: Numbers, v: jax.Array, ions: Numbers) -> jax.Array:
        return p.g_Na * s.m**3 * s.h * (v - p.E_Na)


class KTraub(Mechanism):
    """Delayed rectifier potassium of the same neurons.

        i = g_K n^4 (v - E_K)                           x = v - V_T
        alpha_n = 0.16 linexp((x - 15) / 5)             beta_n = 0.5 exp(-(x - 10) / 40)

    Rates per ms at 36 degrees, Q10 = 3.

    Args:
        g_K: conductance per area. E_K: reversal potential. V_T: shifts the gate.

    Source: as for `NaTraub`.
    """

    ION = "k"

    def __init__(
        self, g_K: Param = 0.005 * DENSITY, E_K: Param = -90.0 * u.mV, V_T: Param = -56.2 * u.mV
    ) -> None:  # fmt: skip
        super().__init__()
        self.take(DENSITY, NOT_NEGATIVE, g_K=g_K)
        self.take(u.mV, E_K=E_K, V_T=V_T)

    def rates(self, p: Numbers, v: jax.Array, ions: Numbers) -> Rates:
        q, x = warmed(3.0, ions.celsius, 36.0), v - p.V_T
        return {"n": settling(0.16 * linexp((x - 15.0) / 5.0), 0.5 * jnp.exp(-(x - 10.0) / 40.0), q)}

    def current(self, p: Numbers, s: Numbers, v: jax.Array, ions: Numbers) -> jax.Array:
        return p.g_K * s.n**4 * (v - p.E_K)
