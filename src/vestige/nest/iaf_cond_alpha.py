"""Leaky integrate-and-fire with alpha-shaped conductances."""

import brainstate
import jax
import jax.numpy as jnp
import saiunit as u

from ..neurons.integrate import Param
from ..neurons.population import Size
from ..neurons.surrogate import Spike, relu_grad
from .neuron import Initial, NESTNeuron, Numbers
from .population import First
from .solve import pieces, repeat, rkf45

LONGEST = 0.1  # ms; the step of the solver


class iaf_cond_alpha(NESTNeuron):
    """Leaky integrate-and-fire neuron with alpha-shaped conductances, as NEST 3.10 has it.

        C dV/dt = -g_L (V - E_L) - g_ex (V - E_ex) - g_in (V - E_in) + I_e + I_stim
        dg/dt = dg - g/tau_syn        d(dg)/dt = -dg/tau_syn        arrival: dg += |w| e/tau_syn

    Order of a step: all of them together, in fifth-order Runge-Kutta-Fehlberg steps of at most 0.1 ms; weights that arrive
    at its end, those below zero at dg_in; V >= V_th spikes, V <- V_reset for t_ref. Conductances go on while the neuron is
    silent. They do not see the voltage, so it does not matter that it is held after the silent step and not within it.

    Args:
        in_size: shape of the population.
        E_L, C_m, t_ref, V_th, V_reset, E_ex, E_in, g_L, tau_syn_ex, tau_syn_in, I_e: numbers with units, `[*in_size]`,
            callables of the shape, or parameter states (then trained). NEST's defaults.
        V_initializer, spk_fun, spk_reset, ref_var: as for `NESTNeuron`. Weights are in nS, at "in" below zero.

    States:
        V, g_ex, g_in, their inner slopes dg_ex, dg_in (nS/ms), t_ref_remaining (ms), and those of `NESTNeuron`.

    Raises:
        ValueError: V_reset >= V_th, C_m or a time constant <= 0, t_ref < 0. UnitMismatchError: another unit.

    Source: Meffin, Burkitt and Grayden 2004, https://doi.org/10.1023/B:JCNS.0000014108.03012.81; NEST's model of this name.
    """

    RECORDABLES = ("V_m", "g_ex", "g_in", "t_ref_remaining")

    def __init__(
        self, in_size: Size, E_L: Param = -70.0 * u.mV, C_m: Param = 250.0 * u.pF, t_ref: Param = 2.0 * u.ms,
        V_th: Param = -55.0 * u.mV, V_reset: Param = -60.0 * u.mV, E_ex: Param = 0.0 * u.mV, E_in: Param = -85.0 * u.mV,
        g_L: Param = 16.6667 * u.nS, tau_syn_ex: Param = 0.2 * u.ms, tau_syn_in: Param = 2.0 * u.ms,
        I_e: Param = 0.0 * u.pA, V_initializer: Initial = None, spk_fun: Spike = relu_grad, spk_reset: str = "hard",
        ref_var: bool = False, name: str | None = None,
    ) -> None:  # fmt: skip
        super().__init__(in_size, V_initializer, spk_fun, spk_reset, ref_var, name)
        self.take(u.mV, E_L=E_L, V_th=V_th, V_reset=V_reset, E_ex=E_ex, E_in=E_in)
        self.take(u.ms, t_ref=t_ref, tau_syn_ex=tau_syn_ex, tau_syn_in=tau_syn_in)
        self.take(u.pF, C_m=C_m)
        self.take(u.nS, g_L=g_L)
        self.take(u.pA, I_e=I_e)
        self.check()

    def first(self, batch_size: int | None) -> First:
        g = brainstate.HiddenState, self.full(0.0 * u.nS, batch_size)
        dg = brainstate.HiddenState, self.full(0.0 * u.nS / u.ms, batch_size)
        left = brainstate.ShortTermState, self.full(0.0 * u.ms, batch_size)
        own = {"g_ex": g, "g_in": g, "dg_ex": dg, "dg_in": dg, "t_ref_remaining": left}
        return {**super().first(batch_size), **own}

    def step(self, p: Numbers, s: Numbers, w: dict[str, jax.Array]) -> tuple[dict[str, jax.Array], jax.Array]:
        def field(y):
            V, g_ex, dg_ex, g_in, dg_in = y
            I = -p.g_L * (V - p.E_L) - g_ex * (V - p.E_ex) - g_in * (V - p.E_in) + p.I_e + s.I_stim
            ex, in_ = dg_ex - g_ex / p.tau_syn_ex, dg_in - g_in / p.tau_syn_in
            return I / p.C_m, ex, -dg_ex / p.tau_syn_ex, in_, -dg_in / p.tau_syn_in

        n = pieces(p.dt, LONGEST)
        y = s.V, s.g_ex, s.dg_ex, s.g_in, s.dg_in
        V, g_ex, dg_ex, g_in, dg_in = repeat(lambda y: rkf45(field, y, p.dt / n), y, n)
        new, spikes = self.spike(p, V, s)
        dg_ex, dg_in = dg_ex + w["ex"] * (jnp.e / p.tau_syn_ex), dg_in - w["in"] * (jnp.e / p.tau_syn_in)
        new["t_ref_remaining"] = new["refractory_step_count"] * p.dt
        return {**new, "g_ex": g_ex, "g_in": g_in, "dg_ex": dg_ex, "dg_in": dg_in}, spikes
