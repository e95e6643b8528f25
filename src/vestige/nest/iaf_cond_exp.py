"""Leaky integrate-and-fire with exponential conductances."""

import brainstate
import jax
import saiunit as u

from ..neurons.integrate import Param
from ..neurons.population import Size
from ..neurons.surrogate import Spike, relu_grad
from .neuron import Initial, NESTNeuron, Numbers
from .population import First
from .solve import pieces, repeat, rkf45

LONGEST = 0.1  # ms; the step of the solver


class iaf_cond_exp(NESTNeuron):
    """Leaky integrate-and-fire neuron with exponential conductances, as NEST 3.10 has it.

        C dV/dt = -g_L (V - E_L) - g_ex (V - E_ex) - g_in (V - E_in) + I_e + I_stim        tau_syn dg/dt = -g

    Order of a step: all of them together, in fifth-order Runge-Kutta-Fehlberg steps of at most 0.1 ms; weights that arrive
    at its end add to g_ex, or, below zero, their size to g_in; V >= V_th spikes, V <- V_reset for t_ref. Conductances go on
    while the neuron is silent.

    Args:
        in_size: shape of the population.
        E_L, C_m, t_ref, V_th, V_reset, E_ex, E_in, g_L, tau_syn_ex, tau_syn_in, I_e: numbers with units, `[*in_size]`,
            callables of the shape, or parameter states (then trained). NEST's defaults.
        V_initializer, spk_fun, spk_reset, ref_var: as for `NESTNeuron`. Weights are in nS, at "in" below zero.

    States:
        V, g_ex, g_in, and those of `NESTNeuron`.

    Raises:
        ValueError: V_reset >= V_th, C_m or a time constant <= 0, t_ref < 0. UnitMismatchError: another unit.

    Source: Meffin, Burkitt and Grayden 2004, https://doi.org/10.1023/B:JCNS.0000014108.03012.81; NEST's model of this name.
    """

    RECORDABLES = ("V_m", "g_ex", "g_in")

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
        conductance = brainstate.HiddenState, self.full(0.0 * u.nS, batch_size)
        return {**super().first(batch_size), "g_ex": conductance, "g_in": conductance}

    def step(self, p: Numbers, s: Numbers, w: dict[str, jax.Array]) -> tuple[dict[str, jax.Array], jax.Array]:
        def field(y):
            V, g_ex, g_in = y
            I = -p.g_L * (V - p.E_L) - g_ex * (V - p.E_ex) - g_in * (V - p.E_in) + p.I_e + s.I_stim
            return I / p.C_m, -g_ex / p.tau_syn_ex, -g_in / p.tau_syn_in

        n = pieces(p.dt, LONGEST)
        V, g_ex, g_in = repeat(lambda y: rkf45(field, y, p.dt / n), (s.V, s.g_ex, s.g_in), n)
        new, spikes = self.spike(p, V, s)
        return {**new, "g_ex": g_ex + w["ex"], "g_in": g_in - w["in"]}, spikes
