"""Brunel and Wang's neuron with a rise and a decay of its own for every NMDA synapse."""

from collections.abc import Hashable, Mapping
from typing import Any

import brainstate
import jax
import jax.numpy as jnp
import saiunit as u

from ..neurons.integrate import Param, Value
from ..neurons.population import Size
from ..neurons.surrogate import Spike, relu_grad
from . import solve
from .brunel_wang import BrunelWang, blocked, slope
from .events import plain
from .neuron import Initial, Numbers
from .population import First
from .ports import Ports, Weights
from .receptors import Event


class iaf_bw_2001_exact(BrunelWang):
    """Conductance-based neuron with saturating NMDA synapses behind a magnesium block, as NEST 3.10 has it.

        C_m dV/dt = -g_L (V - E_L) - I_AMPA - I_GABA - I_NMDA + I_stim
        I_AMPA = s_AMPA (V - E_ex)      I_GABA = s_GABA (V - E_in)
        I_NMDA = (V - E_ex) / (1 + conc_Mg2 exp(-0.062 V) / 3.57) sum_j w_j s_j
        tau_AMPA ds_AMPA/dt = -s_AMPA      tau_GABA ds_GABA/dt = -s_GABA
        ds_j/dt = -s_j / tau_decay_NMDA + alpha x_j (1 - s_j)      tau_rise_NMDA dx_j/dt = -x_j

    Every NMDA connection j has a port of its own, with a weight that does not change.
    """

    def __init__(
        self, in_size: Size, E_L: Param = -70.0 * u.mV, E_ex: Param = 0.0 * u.mV, E_in: Param = -70.0 * u.mV,
        V_th: Param = -55.0 * u.mV, V_reset: Param = -60.0 * u.mV, C_m: Param = 500.0 * u.pF, g_L: Param = 25.0 * u.nS,
        t_ref: Param = 2.0 * u.ms, tau_AMPA: Param = 2.0 * u.ms, tau_GABA: Param = 5.0 * u.ms,
        tau_rise_NMDA: Param = 2.0 * u.ms, tau_decay_NMDA: Param = 100.0 * u.ms, alpha: Param = 0.5 / u.ms,
        conc_Mg2: Param = 1.0 * u.mM, gsl_error_tol: float = 1e-3, V_initializer: Initial = -70.0 * u.mV,
        s_AMPA_initializer: Initial = 0.0 * u.nS, s_GABA_initializer: Initial = 0.0 * u.nS, spk_fun: Spike = relu_grad,
        spk_reset: str = "hard", ref_var: bool = False, name: str | None = None, nmda_weights: Weights = None,
    ) -> None:  # fmt: skip
        super().__init__(
            in_size, E_L, E_ex, E_in, V_th, V_reset, C_m, g_L, t_ref, tau_AMPA, tau_GABA, tau_rise_NMDA, tau_decay_NMDA,
            alpha, conc_Mg2, gsl_error_tol, V_initializer, s_AMPA_initializer, s_GABA_initializer, spk_fun, spk_reset,
            ref_var, name,
        )  # fmt: skip
        self.ports = Ports(type(self).__name__, self.varshape, nmda_weights)
        self.nmda_weights = self.ports.state

    def add_ports(self, weights: Mapping[Hashable, Value]) -> None:
        """Declare NMDA ports: names and their weights, `[]` or `[*in_size]`, before the first step."""
        self.ports.declare(weights)
        self.widen()

    def init_state(self, batch_size: int | None = None, **kwargs) -> None:
        self.ports.clear()
        super().init_state(batch_size, **kwargs)

    def reset_state(self, batch_size: int | None = None, **kwargs) -> None:
        self.ports.started = False
        super().reset_state(batch_size, **kwargs)

    def first(self, batch_size: int | None) -> First:
        rest = super().first(batch_size)
        shape = (*rest["I_stim"][1].shape, len(self.ports.names))
        none = jnp.zeros(shape)
        return {
            **rest,
            "s_NMDA": (brainstate.ShortTermState, self.full(0.0 * u.nS, batch_size)),
            "x_NMDA": (brainstate.ShortTermState, none),
            "s_NMDA_components": (brainstate.ShortTermState, none),
        }

    def widen(self) -> None:
        """Give states to ports that have none yet."""
        if not hasattr(self, "x_NMDA"):
            return
        for state in (self.x_NMDA, self.s_NMDA_components):
            more = len(self.ports.names) - state.value.shape[-1]
            state.value = jnp.concatenate([state.value, jnp.zeros((*state.value.shape[:-1], more))], -1)

    def nmda_arrays(self, arrays: dict[str, Value]) -> dict[str, Any]:
        times = plain(arrays.get("NMDA", 0.0), u.UNITLESS, "multiplicities")
        return {"NMDA": times, "weights": self.ports.weights()}

    def nmda_events(self, events: list[Event]) -> dict[str, Any]:
        new = self.ports.missing(events)
        times = [self.fits(e.times, "a multiplicity") for e in events]
        if new:
            self.ports.add(new)
            self.widen()
        x = jnp.zeros((*self.I_stim.value.shape, len(self.ports.names)))
        for e, many in zip(events, times):
            x = x.at[..., self.ports.names[e.port]].add(many)
        return {"NMDA": x, "weights": self.ports.weights()}

    def update(self, x: Value = 0.0 * u.pA, spike_events=None) -> jax.Array:
        spikes = super().update(x, spike_events)
        self.ports.started = True
        return spikes

    def step(self, p: Numbers, s: Numbers, w: dict[str, jax.Array]) -> tuple[dict[str, jax.Array], jax.Array]:
        tau_rise, tau_decay, alpha = (v[..., None] for v in (p.tau_rise_NMDA, p.tau_decay_NMDA, p.alpha))

        def field(y):
            g = {"AMPA": y["s_AMPA"], "GABA": y["s_GABA"]}
            s_NMDA = jnp.sum(w["weights"] * y["s"], -1)
            return {
                "V": slope(p, y["V"], g, s, s_NMDA),
                "s_AMPA": -y["s_AMPA"] / p.tau_AMPA,
                "s_GABA": -y["s_GABA"] / p.tau_GABA,
                "x": -y["x"] / tau_rise,
                "s": -y["s"] / tau_decay + alpha * y["x"] * (1.0 - y["s"]),
            }

        y = solve.rkf45(
            field, {"V": s.V, "s_AMPA": s.s_AMPA, "s_GABA": s.s_GABA, "x": s.x_NMDA, "s": s.s_NMDA_components}, p.dt
        )
        s_NMDA = jnp.sum(w["weights"] * y["s"], -1)
        new, spikes = self.spike(p, y["V"], s)
        return {
            **new,
            "s_AMPA": y["s_AMPA"] + w["AMPA"],
            "s_GABA": y["s_GABA"] + w["GABA"],
            "x_NMDA": y["x"] + w["NMDA"],
            "s_NMDA_components": y["s"],
            "s_NMDA": s_NMDA,
            "I_AMPA": y["s_AMPA"] * (y["V"] - p.E_ex),
            "I_GABA": y["s_GABA"] * (y["V"] - p.E_in),
            "I_NMDA": s_NMDA * blocked(p, y["V"]),
            "integration_step": jnp.full_like(s.V, p.dt),
        }, spikes
