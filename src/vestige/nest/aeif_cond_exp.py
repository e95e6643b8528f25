"""Adaptive exponential integrate-and-fire with conductances that decay exponentially."""

from .aeif import AdaptiveExponential, State
from .neuron import Numbers


class aeif_cond_exp(AdaptiveExponential):
    """Adaptive exponential neuron, as NEST 3.10 has it; the equations are `AdaptiveExponential`'s.

    tau_syn dg/dt = -g,        and a weight w that arrives adds w to g
    """

    def decay(self, p: Numbers, y: State) -> State:
        return {"g_ex": -y["g_ex"] / p.tau_syn_ex, "g_in": -y["g_in"] / p.tau_syn_in}

    def arrive(self, p: Numbers, y: State, w: State) -> State:
        return {"g_ex": y["g_ex"] + w["ex"], "g_in": y["g_in"] - w["in"]}
