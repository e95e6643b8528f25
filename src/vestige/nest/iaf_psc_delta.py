"""Leaky integrate-and-fire whose voltage jumps by the weights that arrive."""

import brainstate
import jax
import jax.numpy as jnp
import saiunit as u

from ..neurons.integrate import Param
from ..neurons.population import Size
from ..neurons.surrogate import Spike, relu_grad
from . import propagators
from .neuron import Initial, NESTNeuron, Numbers
from .population import First


class iaf_psc_delta(NESTNeuron):
    """Leaky integrate-and-fire neuron with jumps of the voltage, as NEST 3.10 has it, in exact steps.

        C dV/dt = -C/tau_m (V - E_L) + I_e + I_stim + C sum_k w_k delta(t - t_k)

    Order of a step: the voltage leaks and is driven by the currents; weights that arrive at the step's end add to it; V_min;
    V >= V_th spikes, V <- V_reset for t_ref. So a weight can make a spike in the step in which it arrives.
    Weights that arrive in silence are lost, or, with `refractory_input`, wait and decay with tau_m until it is over.

    Args:
        in_size: shape of the population.
        E_L, C_m, tau_m, t_ref, V_th, V_reset, I_e: numbers with units, `[*in_size]`, callables of the shape, or
            parameter states (then trained). NEST's defaults.
        V_min: lower bound of the voltage.
        refractory_input: keep what arrives in silence; true or false, or `[*in_size]` of them.
        V_initializer, spk_fun, spk_reset, ref_var: as for `NESTNeuron`. Weights are in mV.

    States:
        V, refractory_buffer (mV that wait), and those of `NESTNeuron`.

    Raises:
        ValueError: V_reset >= V_th, C_m or tau_m <= 0, t_ref < 0. UnitMismatchError: another unit.

    Source: Rotter and Diesmann 1999, https://doi.org/10.1007/s004220050570; NEST's model of this name.
    """

    WEIGHT = u.mV

    def __init__(
        self, in_size: Size, E_L: Param = -70.0 * u.mV, C_m: Param = 250.0 * u.pF, tau_m: Param = 10.0 * u.ms,
        t_ref: Param = 2.0 * u.ms, V_th: Param = -55.0 * u.mV, V_reset: Param = -70.0 * u.mV,
        I_e: Param = 0.0 * u.pA, V_min: Param = -jnp.inf * u.mV, refractory_input: Param = False,
        V_initializer: Initial = None, spk_fun: Spike = relu_grad, spk_reset: str = "hard", ref_var: bool = False,
        name: str | None = None,
    ) -> None:  # fmt: skip
        super().__init__(in_size, V_initializer, spk_fun, spk_reset, ref_var, name)
        self.take(u.mV, E_L=E_L, V_th=V_th, V_reset=V_reset, V_min=V_min)
        self.take(u.ms, tau_m=tau_m, t_ref=t_ref)
        self.take(u.pF, C_m=C_m)
        self.take(u.pA, I_e=I_e)
        self.take(u.UNITLESS, refractory_input=refractory_input)
        self.check()

    def first(self, batch_size: int | None) -> First:
        nothing = brainstate.HiddenState, self.full(0.0 * u.mV, batch_size)
        return {**super().first(batch_size), "refractory_buffer": nothing}

    def step(self, p: Numbers, s: Numbers, w: dict[str, jax.Array]) -> tuple[dict[str, jax.Array], jax.Array]:
        leak, jump = propagators.leak(p.tau_m, p.dt), w["ex"] + w["in"]
        V = p.E_L + leak * (s.V - p.E_L) + propagators.constant(p.tau_m, p.C_m, p.dt) * (p.I_e + s.I_stim)
        V = jnp.maximum(V + jump + leak * s.refractory_buffer, p.V_min)
        new, spikes = self.spike(p, V, s)
        # what waits decays every step, so that it is used at its size at the end of the first free one
        waits = (s.refractory_step_count > 0) & (p.refractory_input > 0)
        new["refractory_buffer"] = jnp.where(waits, leak * s.refractory_buffer + jump, 0.0)
        return new, spikes
