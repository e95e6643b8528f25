"""Adaptive exponential integrate-and-fire with alpha-shaped conductances."""

import jax.numpy as jnp
import saiunit as u

from .aeif import AdaptiveExponential, State
from .neuron import Numbers


class aeif_cond_alpha(AdaptiveExponential):
    """Adaptive exponential neuron, as NEST 3.10 has it; the equations are `AdaptiveExponential`'s.

        dg/dt = dg - g / tau_syn,  d(dg)/dt = -dg / tau_syn,        and a weight w that arrives adds w e / tau_syn to dg

    so that one event's conductance peaks at w, tau_syn after it. The states `dg_ex` and `dg_in` are in nS/ms.
    """

    def synapses(self) -> dict[str, u.Unit]:
        return {**super().synapses(), "dg_ex": u.nS / u.ms, "dg_in": u.nS / u.ms}

    def decay(self, p: Numbers, y: State) -> State:
        ex, into = y["dg_ex"] / p.tau_syn_ex, y["dg_in"] / p.tau_syn_in
        rise = {"dg_ex": -ex, "dg_in": -into}
        return {"g_ex": y["dg_ex"] - y["g_ex"] / p.tau_syn_ex, "g_in": y["dg_in"] - y["g_in"] / p.tau_syn_in, **rise}

    def arrive(self, p: Numbers, y: State, w: State) -> State:
        return {
            "dg_ex": y["dg_ex"] + w["ex"] * jnp.e / p.tau_syn_ex,
            "dg_in": y["dg_in"] - w["in"] * jnp.e / p.tau_syn_in,
        }
