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
from .brunel_wang import BrunelWang, integrate, recorded
from .events import plain
from .gating import gate, within
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

    ARRAYS, PORTS = ("NMDA_g",), ("NMDA",)

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

    def nmda(self, arrays: list[tuple[str, Value]], events: list[Event]) -> dict[str, Any]:
        me, shape = type(self).__name__, self.I_stim.value.shape
        new = self.ports.missing(events)
        opened, spikes = jnp.zeros((4, *(1 for _ in shape))), jnp.zeros(len(self.ports.names))
        for name, value in arrays:
            if name == "NMDA_g":
                opened = opened + self.fits(self.inward(name, value), "NMDA_g", (4, *shape))
            else:
                value = plain(value, u.UNITLESS, f"{me}: spikes at NMDA")
                spikes = spikes + self.fits(value, "spikes at NMDA", (*shape, len(self.ports.names)))
        times = [self.fits(e.times, "a multiplicity", shape) for e in events]
        if new:
            self.ports.add(new)
            self.widen()
        if events:
            spikes = jnp.zeros((*shape, len(self.ports.names)))
        for event, many in zip(events, times):
            spikes = spikes.at[..., self.ports.names[event.port]].add(many)
        return {"NMDA": spikes, "NMDA_g": opened, "weights": self.ports.weights()}

    def update(self, x: Value = 0.0 * u.pA, spike_events=None) -> jax.Array:
        spikes = super().update(x, spike_events)
        self.ports.started = True
        return spikes

    def step(self, p: Numbers, s: Numbers, w: dict[str, jax.Array]) -> tuple[dict[str, jax.Array], jax.Array]:
        x, components, course = gate(by_port(p), s.x_NMDA, s.s_NMDA_components)
        course = [over_ports(w["weights"] * part) + more for part, more in zip(course, w["NMDA_g"])]
        y = integrate(p, s, lambda c: within(course, c))
        new, spikes = self.spike(p, y["V"], s)
        return {
            **new, **recorded(p, y, course[2]),
            "s_AMPA": y["s_AMPA"] + w["AMPA"], "s_GABA": y["s_GABA"] + w["GABA"],
            "x_NMDA": x + w["NMDA"], "s_NMDA_components": components, "integration_step": jnp.full_like(s.V, p.dt),
        }, spikes  # fmt: skip


def over_ports(v: jax.Array) -> jax.Array:
    """Sum over the last axis, as a product: on a processor twice as fast as a sum, which keeps the order of its terms."""
    return jnp.dot(v, jnp.ones(v.shape[-1], v.dtype), precision=jax.lax.Precision.HIGHEST)


def by_port(p: Numbers) -> Numbers:
    """What moves the ports, with an axis for them."""
    wide = {k: getattr(p, k)[..., None] for k in ("tau_rise_NMDA", "tau_decay_NMDA", "alpha")}
    return Numbers(dt=p.dt, **wide)
