"""Calcium: its channels, its reversal potential, and a pool under the membrane."""

from typing import Any

import jax
import jax.numpy as jnp
import saiunit as u

from ..neurons.checks import ABOVE_ZERO, NOT_NEGATIVE
from ..neurons.integrate import Param
from .mechanism import DENSITY, Mechanism, Numbers, Rates, mM
from .rates import linexp, relaxed, settling, warmed

FARADAY, GAS, ZERO = 96485.33212, 8.314462618, 273.15  # C/mol, J/(mol K), K


def nernst(inside: jax.Array, outside: jax.Array, valence: int, celsius: float) -> jax.Array:
    """Potential at which an ion is at rest, mV: `R T / (z F) log(outside / inside)`."""
    return 1e3 * GAS * (celsius + ZERO) / (valence * FARADAY) * jnp.log(outside / inside)


class CaL(Mechanism):
    """High-threshold (L-type) calcium.

        i = g_Ca q^2 r (v - E_Ca)                       E_Ca = R T / (2 F) log(Ca_out / [Ca])
        alpha_q = 0.209 linexp((v + 27) / 3.8)          beta_q = 0.94 exp(-(v + 75) / 17)
        alpha_r = 0.000457 exp(-(v + 13) / 50)          beta_r = 0.0065 / (1 + exp(-(v + 15) / 28))

    with `linexp(x) = x / (1 - exp(-x))`; rates are per ms at 36 degrees, Q10 = 3. Calcium inside is that of the pool at
    its place, 5e-5 mM where there is none.

    Args:
        g_Ca: conductance per area. Ca_out: calcium outside.

    Source: Reuveni et al. 1993, https://doi.org/10.1523/JNEUROSCI.13-11-04609.1993, as in Pospischil et al. 2008,
    https://doi.org/10.1007/s00422-008-0263-8.
    """

    ION = "ca"

    def __init__(self, g_Ca: Param = 1e-4 * DENSITY, Ca_out: Param = 2.0 * mM) -> None:
        super().__init__()
        self.take(DENSITY, NOT_NEGATIVE, g_Ca=g_Ca)
        self.take(mM, ABOVE_ZERO, Ca_out=Ca_out)

    def rates(self, p: Numbers, v: jax.Array, ions: Numbers) -> Rates:
        q, shut = warmed(3.0, ions.celsius, 36.0), jax.nn.sigmoid((v + 15.0) / 28.0)
        return {
            "q": settling(0.209 * linexp((v + 27.0) / 3.8), 0.94 * jnp.exp(-(v + 75.0) / 17.0), q),
            "r": settling(0.000457 * jnp.exp(-(v + 13.0) / 50.0), 0.0065 * shut, q),
        }

    def current(self, p: Numbers, s: Numbers, v: jax.Array, ions: Numbers) -> jax.Array:
        return p.g_Ca * s.q**2 * s.r * (v - nernst(ions.ca, p.Ca_out, 2, ions.celsius))


class CaT(Mechanism):
    """Low-threshold (T-type) calcium: what hyperpolarisation frees fires after it.

        i = g_Ca s^2 r (v - E_Ca)                       E_Ca = R T / (2 F) log(Ca_out / [Ca])
        s = 1 / (1 + exp(-(x + 57) / 6.2))              x = v + 2
        r_limit = 1 / (1 + exp((x + 81) / 4))
        tau_r = 30.8 + (211.4 + exp((x + 113.2) / 5)) / (1 + exp((x + 84) / 3.2))

    Time constants in ms at 24 degrees, Q10 = 3; `s` is at its limit always. Calcium inside is that of the pool at its
    place, 5e-5 mM where there is none.

    Args:
        g_Ca: conductance per area. Ca_out: calcium outside.

    Source: Destexhe et al. 1996, https://doi.org/10.1152/jn.1996.76.3.2049.
    """

    ION = "ca"

    def __init__(self, g_Ca: Param = 0.002 * DENSITY, Ca_out: Param = 2.0 * mM) -> None:
        super().__init__()
        self.take(DENSITY, NOT_NEGATIVE, g_Ca=g_Ca)
        self.take(mM, ABOVE_ZERO, Ca_out=Ca_out)

    def rates(self, p: Numbers, v: jax.Array, ions: Numbers) -> Rates:
        x, gone = v + 2.0, (v + 86.0) / 3.2
        # the quotient of two exponentials, as one: both leave the range of single precision
        tau = 30.8 + 211.4 * jax.nn.sigmoid(-gone) + jnp.exp((x + 113.2) / 5.0 - jax.nn.softplus(gone))
        return {"r": (jax.nn.sigmoid(-(x + 81.0) / 4.0), tau / warmed(3.0, ions.celsius, 24.0))}

    def current(self, p: Numbers, s: Numbers, v: jax.Array, ions: Numbers) -> jax.Array:
        open_ = jax.nn.sigmoid((v + 59.0) / 6.2)
        return p.g_Ca * open_**2 * s.r * (v - nernst(ions.ca, p.Ca_out, 2, ions.celsius))


class CaPool(Mechanism):
    """Calcium in a shell under the membrane: what comes in through it, and what is taken away.

        d[Ca]/dt = max(-i_Ca / (2 F depth), 0) - ([Ca] - rest) / tau

    `i_Ca` is the current of all calcium channels at its places, per area; calcium is not taken from outward currents, so
    that it stays above zero. Solved exactly in a step, at the step's current. In compartments without a pool calcium
    stays at 5e-5 mM.

    Args:
        depth: of the shell. tau: of the removal. rest: concentration without current.

    Attributes:
        ca: concentration, mM.

    Source: Destexhe, Babloyantz and Sejnowski 1993, https://doi.org/10.1016/S0006-3495(93)81190-1.
    """

    POOL = "ca"

    def __init__(
        self, depth: Param = 0.1 * u.um, tau: Param = 5.0 * u.ms, rest: Param = 2.4e-4 * mM
    ) -> None:  # fmt: skip
        super().__init__()
        self.take(u.um, ABOVE_ZERO, depth=depth)
        self.take(u.ms, ABOVE_ZERO, tau=tau)
        self.take(mM, ABOVE_ZERO, rest=rest)

    def first(self, p: Numbers, v: jax.Array, ions: Numbers) -> dict[str, jax.Array]:
        return {"ca": p.rest * jnp.ones_like(v)}

    def advance(
        self, p: Numbers, s: Numbers, v: jax.Array, ions: Numbers, flow: Any, dt: float
    ) -> dict[str, jax.Array]:
        # 1 mA/cm2 into a shell of 1 um is 1e4 / F mM of charges per ms
        limit = p.rest + p.tau * 1e4 * jnp.maximum(-flow, 0.0) / (2.0 * FARADAY * p.depth)
        return {"ca": relaxed(s.ca, limit, p.tau, dt)}
