"""The channels of the squid's giant axon."""

import jax
import jax.numpy as jnp
import saiunit as u

from ..neurons.checks import NOT_NEGATIVE
from ..neurons.integrate import Param
from .leak import Leak
from .mechanism import DENSITY, Mechanism, Numbers, Rates
from .rates import linexp, settling, warmed


class NaHH(Mechanism):
    """Sodium.

        i = g_Na m^3 h (v - E_Na)
        alpha_m = linexp((v + 40) / 10)             beta_m = 4 exp(-(v + 65) / 18)
        alpha_h = 0.07 exp(-(v + 65) / 20)          beta_h = 1 / (1 + exp(-(v + 35) / 10))

    with `linexp(x) = x / (1 - exp(-x))`; rates are per ms at 6.3 degrees, Q10 = 3.

    Args:
        g_Na: conductance per area. E_Na: reversal potential.

    Source: Hodgkin and Huxley 1952, https://doi.org/10.1113/jphysiol.1952.sp004764; defaults as NEURON's `hh`.
    """

    ION = "na"

    def __init__(self, g_Na: Param = 0.12 * DENSITY, E_Na: Param = 50.0 * u.mV) -> None:
        super().__init__()
        self.take(DENSITY, NOT_NEGATIVE, g_Na=g_Na)
        self.take(u.mV, E_Na=E_Na)

    def rates(self, p: Numbers, v: jax.Array, ions: Numbers) -> Rates:
        q = warmed(3.0, ions.celsius, 6.3)
        return {
            "m": settling(linexp((v + 40.0) / 10.0), 4.0 * jnp.exp(-(v + 65.0) / 18.0), q),
            "h": settling(0.07 * jnp.exp(-(v + 65.0) / 20.0), jax.nn.sigmoid((v + 35.0) / 10.0), q),
        }

    def current(self, p: Numbers, s: Numbers, v: jax.Array, ions: Numbers) -> jax.Array:
        return p.g_Na * s.m**3 * s.h * (v - p.E_Na)


class KHH(Mechanism):
    """Delayed rectifier potassium.

        i = g_K n^4 (v - E_K)
        alpha_n = 0.1 linexp((v + 55) / 10)         beta_n = 0.125 exp(-(v + 65) / 80)

    Rates per ms at 6.3 degrees, Q10 = 3.

    Args:
        g_K: conductance per area. E_K: reversal potential.

    Source: as for `NaHH`.
    """

    ION = "k"

    def __init__(self, g_K: Param = 0.036 * DENSITY, E_K: Param = -77.0 * u.mV) -> None:
        super().__init__()
        self.take(DENSITY, NOT_NEGATIVE, g_K=g_K)
        self.take(u.mV, E_K=E_K)

    def rates(self, p: Numbers, v: jax.Array, ions: Numbers) -> Rates:
        q = warmed(3.0, ions.celsius, 6.3)
        return {"n": settling(0.1 * linexp((v + 55.0) / 10.0), 0.125 * jnp.exp(-(v + 65.0) / 80.0), q)}

    def current(self, p: Numbers, s: Numbers, v: jax.Array, ions: Numbers) -> jax.Array:
        return p.g_K * s.n**4 * (v - p.E_K)


class HH(NaHH, KHH, Leak):
    """Sodium, potassium and leak of Hodgkin and Huxley, as one.

        i = g_Na m^3 h (v - E_Na) + g_K n^4 (v - E_K) + g_L (v - E_L)

    Gates as in `NaHH` and `KHH`.

    Args:
        g_Na, g_K, g_L: conductance per area. E_Na, E_K, E_L: reversal potentials.

    Source: as for `NaHH`.
    """

    ION = None

    def __init__(
        self, g_Na: Param = 0.12 * DENSITY, g_K: Param = 0.036 * DENSITY, g_L: Param = 0.0003 * DENSITY,
        E_Na: Param = 50.0 * u.mV, E_K: Param = -77.0 * u.mV, E_L: Param = -54.3 * u.mV,
    ) -> None:  # fmt: skip
        Mechanism.__init__(self)
        self.take(DENSITY, NOT_NEGATIVE, g_Na=g_Na, g_K=g_K, g_L=g_L)
        self.take(u.mV, E_Na=E_Na, E_K=E_K, E_L=E_L)

    def rates(self, p: Numbers, v: jax.Array, ions: Numbers) -> Rates:
        return NaHH.rates(self, p, v, ions) | KHH.rates(self, p, v, ions)

    def current(self, p: Numbers, s: Numbers, v: jax.Array, ions: Numbers) -> jax.Array:
        return sum(part.current(self, p, s, v, ions) for part in (NaHH, KHH, Leak))
