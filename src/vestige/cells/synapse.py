"""Synapses at points: conductances that arriving weights raise and time lowers."""

from typing import Any

import jax
import jax.numpy as jnp
import saiunit as u

from ..neurons.checks import ABOVE_ZERO, NOT_NEGATIVE
from ..neurons.integrate import Param, Value
from .mechanism import Numbers, mM
from .point import Point, reach
from .rates import linexp, relaxed


class ExpSyn(Point):
    """A conductance that each event raises at once.

        i = g (v - E)        dg/dt = -g / tau        event: g += weight

    `cell(expsyn=weights)` with `weights: [*pop_size, k]`, conductances; several events in one step are the sum of theirs.
    An event acts at the beginning of its step, as in NEURON one at a time on its grid; the decay is exact.

    Args:
        tau: of the decay. E: reversal potential.

    Attributes:
        g: conductance, uS.

    Source: NEURON's `ExpSyn`.
    """

    def __init__(self, tau: Param = 0.1 * u.ms, E: Param = 0.0 * u.mV) -> None:
        super().__init__()
        self.take(u.ms, ABOVE_ZERO, tau=tau)
        self.take(u.mV, E=E)

    def first(self, p: Numbers, v: jax.Array, ions: Numbers) -> dict[str, jax.Array]:
        return {"g": jnp.zeros_like(v)}

    def receive(self, p: Numbers, s: Numbers, x: Value) -> Numbers:
        return Numbers(g=s.g + reach(self.arriving(x, u.uS), s.g.shape).astype(s.g.dtype))

    def current(self, p: Numbers, s: Numbers, v: jax.Array, ions: Numbers) -> jax.Array:
        return s.g * (v - p.E)

    def advance(
        self, p: Numbers, s: Numbers, v: jax.Array, ions: Numbers, flow: Any, dt: float
    ) -> dict[str, jax.Array]:
        return {"g": relaxed(s.g, 0.0, p.tau, dt)}


class Exp2Syn(Point):
    """A conductance that rises and falls; one event of weight `w` at rest has its peak at `w`.

        i = g (v - E)
        dg/dt = -g / tau_decay + h        dh/dt = -h / tau_rise        event: h += w exp(t_peak / tau_rise) / tau_decay
        t_peak = tau_rise tau_decay / (tau_decay - tau_rise) log(tau_decay / tau_rise)

    so that g(t) is the difference of two exponentials, `w (exp(-t / tau_decay) - exp(-t / tau_rise)) / its maximum`, and the
    alpha function where both time constants are equal. Both equations are solved exactly. Inputs as for `ExpSyn`.

    Args:
        tau_rise, tau_decay: time constants. E: reversal potential.

    Attributes:
        g: conductance, uS. h: what raises it, uS/ms.

    Source: NEURON's `Exp2Syn`.
    """

    def __init__(
        self, tau_rise: Param = 0.1 * u.ms, tau_decay: Param = 10.0 * u.ms, E: Param = 0.0 * u.mV
    ) -> None:  # fmt: skip
        super().__init__()
        self.take(u.ms, ABOVE_ZERO, tau_rise=tau_rise, tau_decay=tau_decay)
        self.take(u.mV, E=E)

    def first(self, p: Numbers, v: jax.Array, ions: Numbers) -> dict[str, jax.Array]:
        return {"g": jnp.zeros_like(v), "h": jnp.zeros_like(v)}

    def receive(self, p: Numbers, s: Numbers, x: Value) -> Numbers:
        # linexp(log r) is log(r) / (1 - 1 / r): no 0 / 0 where the time constants are equal
        t_peak = p.tau_decay * linexp(jnp.log(p.tau_rise / p.tau_decay))
        up = self.arriving(x, u.uS) * jnp.exp(t_peak / p.tau_rise) / p.tau_decay
        return Numbers(g=s.g, h=s.h + reach(up, s.h.shape).astype(s.h.dtype))

    def current(self, p: Numbers, s: Numbers, v: jax.Array, ions: Numbers) -> jax.Array:
        return s.g * (v - p.E)

    def advance(
        self, p: Numbers, s: Numbers, v: jax.Array, ions: Numbers, flow: Any, dt: float
    ) -> dict[str, jax.Array]:
        # of h, what has become g and is left: (exp(-dt / tau_decay) - exp(-dt / tau_rise)) / (1 / tau_rise - 1 / tau_decay)
        left = dt * jnp.exp(-dt / p.tau_decay) / linexp(dt / p.tau_rise - dt / p.tau_decay)
        return {"g": relaxed(s.g, 0.0, p.tau_decay, dt) + s.h * left, "h": relaxed(s.h, 0.0, p.tau_rise, dt)}


class AMPA(Exp2Syn):
    """Fast excitation: `Exp2Syn` of 0.2 and 1.7 ms, to 0 mV.

    Source: Markram et al. 2015, https://doi.org/10.1016/j.cell.2015.09.029.
    """

    def __init__(
        self, tau_rise: Param = 0.2 * u.ms, tau_decay: Param = 1.7 * u.ms, E: Param = 0.0 * u.mV
    ) -> None:  # fmt: skip
        super().__init__(tau_rise, tau_decay, E)


class GABA_A(Exp2Syn):
    """Fast inhibition: `Exp2Syn` of 0.2 and 8 ms, to -80 mV.

    Source: Markram et al. 2015, https://doi.org/10.1016/j.cell.2015.09.029.
    """

    def __init__(
        self, tau_rise: Param = 0.2 * u.ms, tau_decay: Param = 8.0 * u.ms, E: Param = -80.0 * u.mV
    ) -> None:  # fmt: skip
        super().__init__(tau_rise, tau_decay, E)


class GABA_B(Exp2Syn):
    """Slow inhibition: `Exp2Syn` of 3.5 and 260.9 ms, to -97 mV.

    Source: Markram et al. 2015, https://doi.org/10.1016/j.cell.2015.09.029.
    """

    def __init__(
        self, tau_rise: Param = 3.5 * u.ms, tau_decay: Param = 260.9 * u.ms, E: Param = -97.0 * u.mV
    ) -> None:  # fmt: skip
        super().__init__(tau_rise, tau_decay, E)


class NMDA(Exp2Syn):
    """Slow excitation that magnesium blocks where the membrane is not depolarised.

        i = g B(v) (v - E)        B(v) = 1 / (1 + Mg / 3.57 mM exp(-0.062 v))

    with `g` as in `Exp2Syn`, 0.29 and 43 ms: a weight is the peak without block.

    Args:
        tau_rise, tau_decay: time constants. E: reversal potential. Mg: magnesium outside.

    Source: block of Jahr and Stevens 1990, https://doi.org/10.1523/JNEUROSCI.10-09-03178.1990; time constants of
    Markram et al. 2015, https://doi.org/10.1016/j.cell.2015.09.029.
    """

    def __init__(
        self, tau_rise: Param = 0.29 * u.ms, tau_decay: Param = 43.0 * u.ms, E: Param = 0.0 * u.mV, Mg: Param = 1.0 * mM
    ) -> None:  # fmt: skip
        super().__init__(tau_rise, tau_decay, E)
        self.take(mM, NOT_NEGATIVE, Mg=Mg)

    def current(self, p: Numbers, s: Numbers, v: jax.Array, ions: Numbers) -> jax.Array:
        return s.g * (v - p.E) / (1.0 + p.Mg / 3.57 * jnp.exp(-0.062 * v))
