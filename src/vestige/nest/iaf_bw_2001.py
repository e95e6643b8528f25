"""Brunel and Wang's neuron with NMDA synapses that jump: what a spike will have opened in the end, at once."""

from typing import Any

import brainstate
import jax
import jax.numpy as jnp
import saiunit as u
from jax.scipy.special import gammainc, gammaln

from ..neurons.integrate import Value
from .brunel_wang import BrunelWang, integrate, recorded
from .neuron import Numbers
from .population import First
from .receptors import Event


class iaf_bw_2001(BrunelWang):
    """Conductance-based neuron with one NMDA conductance, as NEST 3.10 has it.

        C_m dV/dt = -g_L (V - E_L) - I_AMPA - I_GABA - I_NMDA + I_stim        I_NMDA as in `iaf_bw_2001_exact`
        tau_AMPA ds_AMPA/dt = -s_AMPA      tau_GABA ds_GABA/dt = -s_GABA      tau_decay_NMDA ds_NMDA/dt = -s_NMDA

    A spike of the *sender* opens its synapses by a jump that the sender computes from its own last ones:

        jump = k0 + k1 s,   s <- s + jump,   tau_decay_NMDA ds/dt = -s
        k1 = exp(-alpha tau_rise) - 1        k0 = (alpha tau_rise)^r gamma(1 - r, alpha tau_rise),  r = tau_rise / tau_decay

    with the lower incomplete gamma function: where the exact pair (x, s) of a synapse, alone with this spike, will
    have decayed from. A target's s_NMDA grows by its weight times the jump:

        sender(current);   target(current, {"NMDA": vestige.matmul(late(sender.NMDA_jump.value), W)})      # W in nS

    Order of a step: V and conductances move; events are added; V >= V_th spikes, V <- V_reset for t_ref.

    Args:
        in_size, ...: as for `iaf_bw_2001_exact`, but for its ports.

    States:
        V, s_AMPA, s_GABA, s_NMDA, I_NMDA, I_AMPA, I_GABA, and those of `NESTNeuron`. s_NMDA is recorded after events, the
        currents before. NMDA_gate: the sender's s. NMDA_jump: what the spikes of this step carry; 0 without a spike.

    Raises:
        ValueError: V_reset >= V_th; C_m, alpha, conc_Mg2, gsl_error_tol or a time constant <= 0; t_ref < 0;
            tau_rise_NMDA >= tau_decay_NMDA, for which there is no jump. UnitMismatchError: another unit.

    Source: Brunel and Wang 2001, https://doi.org/10.1023/A:1011204814320; NEST's model of this name.
    """

    def check(self) -> None:
        super().check()
        self.below("tau_rise_NMDA", "tau_decay_NMDA")

    def first(self, batch_size: int | None) -> First:
        return {
            **super().first(batch_size),
            "s_NMDA": (brainstate.HiddenState, self.full(0.0 * u.nS, batch_size)),
            "NMDA_gate": (brainstate.HiddenState, self.full(0.0, batch_size)),
            "NMDA_jump": (brainstate.HiddenState, self.full(0.0, batch_size)),
        }

    def nmda(self, arrays: list[tuple[str, Value]], events: list[Event]) -> dict[str, Any]:
        """Conductances in nS; of an event the weight times the jump."""
        given = [self.inward(name, value) for name, value in arrays] + [e.weight * e.times for e in events]
        shape = self.I_stim.value.shape
        return {"NMDA": sum((self.fits(g, "what arrives at NMDA", shape) for g in given), jnp.zeros(()))}

    def step(self, p: Numbers, s: Numbers, w: dict[str, jax.Array]) -> tuple[dict[str, jax.Array], jax.Array]:
        left = lambda c: jnp.exp(-c * p.dt / p.tau_decay_NMDA)
        y = integrate(p, s, lambda c: left(c) * s.s_NMDA)
        s_NMDA, gate = left(1.0) * s.s_NMDA, left(1.0) * s.NMDA_gate
        new, spikes = self.spike(p, y["V"], s)
        k0, k1 = jump(p)
        sent = spikes * (k0 + k1 * gate)
        return {
            **new, **recorded(p, y, s_NMDA), "s_NMDA": s_NMDA + w["NMDA"],
            "s_AMPA": y["s_AMPA"] + w["AMPA"], "s_GABA": y["s_GABA"] + w["GABA"],
            "NMDA_gate": gate + sent, "NMDA_jump": sent, "integration_step": jnp.full_like(s.V, p.dt),
        }, spikes  # fmt: skip


def jump(p: Numbers) -> tuple[jax.Array, jax.Array]:
    """k0 and k1."""
    rise, ratio = p.alpha * p.tau_rise_NMDA, p.tau_rise_NMDA / p.tau_decay_NMDA
    lower = gammainc(1.0 - ratio, rise) * jnp.exp(gammaln(1.0 - ratio))
    return rise**ratio * lower, jnp.expm1(-rise)
