"""Potassium channels that hold a neuron back: A-type, M-type, and those that calcium opens."""

import jax
import jax.numpy as jnp
import saiunit as u

from ..neurons.checks import ABOVE_ZERO, NOT_NEGATIVE
from ..neurons.integrate import Param
from .mechanism import DENSITY, Mechanism, Numbers, Rates, mM
from .rates import warmed


class KA(Mechanism):
    """A-type potassium: opens below threshold, then closes; it puts off the first spike.

        i = g_A a^3 b (v - E_K)
        a_limit = (0.0761 exp(0.0314 (v + 94.22)) / (1 + exp(0.0346 (v + 1.17))))^(1/3)
        tau_a = 0.3632 + 1.158 / (1 + exp(0.0497 (v + 55.96)))
        b_limit = (1 / (1 + exp(0.0688 (v + 53.3))))^4
        tau_b = 1.24 + 2.678 / (1 + exp(0.0624 (v + 50)))

    Time constants in ms at 18 degrees, Q10 = 3. As published, `a_limit` is a fit that passes 1 near 65 mV, by 1.3 %.

    Args:
        g_A: conductance per area. E_K: reversal potential.

    Source: Connor, Walter and McKown 1977, https://doi.org/10.1016/S0006-3495(77)85598-7; as in Dayan and Abbott 2001.
    """

    ION = "k"

    def __init__(self, g_A: Param = 0.0477 * DENSITY, E_K: Param = -75.0 * u.mV) -> None:
        super().__init__()
        self.take(DENSITY, NOT_NEGATIVE, g_A=g_A)
        self.take(u.mV, E_K=E_K)

    def rates(self, p: Numbers, v: jax.Array, ions: Numbers) -> Rates:
        q, down = warmed(3.0, ions.celsius, 18.0), lambda x: jax.nn.sigmoid(-x)
        a = jnp.cbrt(0.0761 * jnp.exp(0.0314 * (v + 94.22)) * down(0.0346 * (v + 1.17)))
        return {
            "a": (a, (0.3632 + 1.158 * down(0.0497 * (v + 55.96))) / q),
            "b": (down(0.0688 * (v + 53.3)) ** 4, (1.24 + 2.678 * down(0.0624 * (v + 50.0))) / q),
        }

    def current(self, p: Numbers, s: Numbers, v: jax.Array, ions: Numbers) -> jax.Array:
        return p.g_A * s.a**3 * s.b * (v - p.E_K)


class KM(Mechanism):
    """M-type potassium: slow, does not inactivate; spikes grow apart.

        i = g_M p (v - E_K)
        p_limit = 1 / (1 + exp(-(v + 35) / 10))
        tau_p = tau_max / (3.3 exp((v + 35) / 20) + exp(-(v + 35) / 20))

    Time constants at 36 degrees, Q10 = 2.3.

    Args:
        g_M: conductance per area. E_K: reversal potential. tau_max: scales the time constant.

    Source: Yamada, Koch and Adams 1989, as in Pospischil et al. 2008, https://doi.org/10.1007/s00422-008-0263-8.
    """

    ION = "k"

    def __init__(
        self, g_M: Param = 7e-5 * DENSITY, E_K: Param = -90.0 * u.mV, tau_max: Param = 1000.0 * u.ms
    ) -> None:  # fmt: skip
        super().__init__()
        self.take(DENSITY, NOT_NEGATIVE, g_M=g_M)
        self.take(u.mV, E_K=E_K)
        self.take(u.ms, ABOVE_ZERO, tau_max=tau_max)

    def rates(self, p: Numbers, v: jax.Array, ions: Numbers) -> Rates:
        q, x = warmed(2.3, ions.celsius, 36.0), (v + 35.0) / 20.0
        return {"p": (jax.nn.sigmoid(2.0 * x), p.tau_max / (q * (3.3 * jnp.exp(x) + jnp.exp(-x))))}

    def current(self, p: Numbers, s: Numbers, v: jax.Array, ions: Numbers) -> jax.Array:
        return p.g_M * s.p * (v - p.E_K)


class KCa(Mechanism):
    """Potassium that calcium opens, whatever the voltage: the slow afterhyperpolarisation.

        i = g_KCa m^2 (v - E_K)
        m_limit = c / (1 + c)        tau_m = 1 / (beta (1 + c))        c = ([Ca] / Ca_half)^2

    `beta` is at 22 degrees, Q10 = 3. Calcium is that of the pool at its place, 5e-5 mM where there is none.

    Args:
        g_KCa: conductance per area. E_K: reversal potential. Ca_half: calcium that opens half. beta: closing rate.

    Source: Destexhe et al. 1994, https://doi.org/10.1152/jn.1994.72.2.803.
    """

    ION = "k"

    def __init__(
        self, g_KCa: Param = 0.01 * DENSITY, E_K: Param = -95.0 * u.mV, Ca_half: Param = 0.025 * mM,
        beta: Param = 0.03 / u.ms,
    ) -> None:  # fmt: skip
        super().__init__()
        self.take(DENSITY, NOT_NEGATIVE, g_KCa=g_KCa)
        self.take(u.mV, E_K=E_K)
        self.take(mM, ABOVE_ZERO, Ca_half=Ca_half)
        self.take(u.ms**-1, ABOVE_ZERO, beta=beta)

    def rates(self, p: Numbers, v: jax.Array, ions: Numbers) -> Rates:
        c = (ions.ca / p.Ca_half) ** 2
        return {"m": (c / (1.0 + c), 1.0 / (warmed(3.0, ions.celsius, 22.0) * p.beta * (1.0 + c)))}

    def current(self, p: Numbers, s: Numbers, v: jax.Array, ions: Numbers) -> jax.Array:
        return p.g_KCa * s.m**2 * (v - p.E_K)
