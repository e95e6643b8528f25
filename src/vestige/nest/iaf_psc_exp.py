"""Leaky integrate-and-fire with exponential currents."""

import brainstate
import jax
import saiunit as u

from ..neurons.integrate import Param
from ..neurons.population import Size
from ..neurons.surrogate import Spike, relu_grad
from . import propagators
from .neuron import Initial, NESTNeuron, Numbers
from .population import First


class iaf_psc_exp(NESTNeuron):
    """Leaky integrate-and-fire neuron with exponential currents, as NEST 3.10 has it, in exact steps.

        C dV/dt = -C/tau_m (V - E_L) + I_ex + I_in + I_e + I_stim        tau_syn dI/dt = -I

    Order of a step: the voltage with the currents of its beginning; currents decay; weights that arrive add to them;
    V >= V_th spikes, V <- V_reset for t_ref. Currents go on while the neuron is silent.

    Args:
        in_size: shape of the population.
        E_L, C_m, tau_m, t_ref, V_th, V_reset, tau_syn_ex, tau_syn_in, I_e: numbers with units, `[*in_size]`, callables
            of the shape, or parameter states (then trained). NEST's defaults.
        V_initializer, spk_fun, spk_reset, ref_var: as for `NESTNeuron`.

    States:
        V, I_syn_ex, I_syn_in, and those of `NESTNeuron`.

    Raises:
        ValueError: V_reset >= V_th, C_m or a time constant <= 0, t_ref < 0. UnitMismatchError: another unit.

    Source: Rotter and Diesmann 1999, https://doi.org/10.1007/s004220050570; NEST's model of this name.
    """

    RECORDABLES = ("V_m", "I_syn_ex", "I_syn_in")
    WEIGHT = u.pA

    def __init__(
        self, in_size: Size, E_L: Param = -70.0 * u.mV, C_m: Param = 250.0 * u.pF, tau_m: Param = 10.0 * u.ms,
        t_ref: Param = 2.0 * u.ms, V_th: Param = -55.0 * u.mV, V_reset: Param = -70.0 * u.mV,
        tau_syn_ex: Param = 2.0 * u.ms, tau_syn_in: Param = 2.0 * u.ms, I_e: Param = 0.0 * u.pA,
        V_initializer: Initial = None, spk_fun: Spike = relu_grad, spk_reset: str = "hard", ref_var: bool = False,
        name: str | None = None,
    ) -> None:  # fmt: skip
        super().__init__(in_size, V_initializer, spk_fun, spk_reset, ref_var, name)
        self.take(u.mV, E_L=E_L, V_th=V_th, V_reset=V_reset)
        self.take(u.ms, tau_m=tau_m, t_ref=t_ref, tau_syn_ex=tau_syn_ex, tau_syn_in=tau_syn_in)
        self.take(u.pF, C_m=C_m)
        self.take(u.pA, I_e=I_e)
        self.check()

    def first(self, batch_size: int | None) -> First:
        current = brainstate.HiddenState, self.full(0.0 * u.pA, batch_size)
        return {**super().first(batch_size), "I_syn_ex": current, "I_syn_in": current}

    def step(self, p: Numbers, s: Numbers, w: dict[str, jax.Array]) -> tuple[dict[str, jax.Array], jax.Array]:
        V = p.E_L + propagators.leak(p.tau_m, p.dt) * (s.V - p.E_L)
        V = V + propagators.constant(p.tau_m, p.C_m, p.dt) * (p.I_e + s.I_stim)
        V = V + propagators.exponential(p.tau_syn_ex, p.tau_m, p.C_m, p.dt) * s.I_syn_ex
        V = V + propagators.exponential(p.tau_syn_in, p.tau_m, p.C_m, p.dt) * s.I_syn_in
        new, spikes = self.spike(p, V, s)
        new["I_syn_ex"] = propagators.leak(p.tau_syn_ex, p.dt) * s.I_syn_ex + w["ex"]
        new["I_syn_in"] = propagators.leak(p.tau_syn_in, p.dt) * s.I_syn_in + w["in"]
        return new, spikes
