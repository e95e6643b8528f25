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

    Every NMDA connection j has a port of its own, with a weight that does not change. Ports are declared by
    `nmda_weights`, by `add_ports`, or by the first events, all before the first step; `reset_state` keeps them and opens
    them for more, `init_state` keeps those that were declared. Spikes come as single events outside jit, each

        (receptor, weight), (receptor, weight, port or multiplicity), (receptor, weight, port, multiplicity), or a dict of
        "receptor_type" or "receptor", "weight", "multiplicity", "port" or "rport" or "synapse_id"

    with receptors by name or number, and everywhere as arrays by receptor: weights in nS `[..., *in_size]` at "AMPA" and
    "GABA", multiplicities `[..., *in_size, ports]` at "NMDA"; and at "NMDA_g" the course of a conductance
    `[4, ..., *in_size]`, which `NMDASource` makes.

    Order of a step: V, conductances and gates move, with the current of the step before; events are added to s_AMPA,
    s_GABA and x_j; V >= V_th spikes, V <- V_reset for t_ref, while conductances go on.

    Args:
        in_size: shape of the population.
        E_L, E_ex, E_in, V_th, V_reset, C_m, g_L, t_ref: numbers with units, `[*in_size]`, callables of the shape, or
            parameter states (then trained). NEST's defaults.
        tau_AMPA, tau_GABA, tau_rise_NMDA, tau_decay_NMDA, alpha, conc_Mg2: the same.
        gsl_error_tol: checked and otherwise without effect: a step has fixed stages, one of the pair that NEST adapts.
            Spikes of all recorded runs are NEST's. V is within 2e-7 mV at dt <= 0.2 ms, 3e-6 at 0.5, 4e-5 at 1 (in most
            runs below 1e-8); 3e-2 while 2000 nS and more are open at once, where NEST divides its steps.
        V_initializer, s_AMPA_initializer, s_GABA_initializer: first values, or callables of the shape.
        spk_fun, spk_reset, ref_var: as for `NESTNeuron`.
        nmda_weights: `[ports]` or `[*in_size, ports]` for the ports 0, 1, ...; a mapping of names to `[]` or
            `[*in_size]`; or a parameter state with the first, then trained. In nS.

    Attributes:
        V, s_AMPA, s_GABA: after the step. s_NMDA (sum_j w_j s_j), I_AMPA, I_GABA, I_NMDA: before events and reset.
        x_NMDA, s_NMDA_components, nmda_weights (numbers, in nS): `[..., *in_size, ports]`.
        integration_step: dt. ports: their names in `ports.names`. And those of `NESTNeuron`.

    Raises:
        ValueError: V_reset >= V_th; C_m, alpha, conc_Mg2, gsl_error_tol or a time constant <= 0; t_ref < 0; at a step, and
            before any state moves: another weight at a port, a new port after the first step, a port's name that is not
            hashable, an unknown receptor, an event of another form or shape. UnitMismatchError: another unit.

    Source: Wang 1999, https://doi.org/10.1523/JNEUROSCI.19-21-09587.1999; Brunel and Wang 2001,
    https://doi.org/10.1023/A:1011204814320; NEST's model of this name.
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
        """Declare NMDA ports: names and their weights, `[]` or `[*in_size]` in nS.

        Raises:
            ValueError: after the first step; a port that has another weight.
        """
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
        """Multiplicities by port, the course of what sources open, and the ports' weights."""
        shape = self.I_stim.value.shape
        opened, spikes = jnp.zeros((4, *(1 for _ in shape))), jnp.zeros(len(self.ports.names))
        for name, value in arrays:
            if name == "NMDA_g":
                opened = opened + self.fits(self.inward(name, value), "NMDA_g", (4, *shape))
            else:
                spikes = spikes + self.at_ports(value)
        times = [self.fits(e.times, "a multiplicity", shape) for e in events]
        if new := self.ports.missing(events):
            self.ports.add(new)
            self.widen()
        if events:
            spikes = jnp.zeros((*shape, len(self.ports.names)))
        for event, many in zip(events, times):
            spikes = spikes.at[..., self.ports.names[event.port]].add(many)
        return {"NMDA": spikes, "NMDA_g": opened, "weights": self.ports.weights()}

    def at_ports(self, value: Value) -> jax.Array:
        """Multiplicities `[..., ports]`."""
        many = len(self.ports.names)
        if not many:
            raise ValueError(
                f"{type(self).__name__}: spikes at NMDA, and there is no port; declare them by `nmda_weights=` or `add_ports`"
            )
        value = plain(value, u.UNITLESS, f"{type(self).__name__}: spikes at NMDA")
        return self.fits(value, "spikes at NMDA", (*self.I_stim.value.shape, many))

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
