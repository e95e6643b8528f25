"""What the two forms of Brunel and Wang's neuron share: parameters, recordables, AMPA and GABA, the blocked NMDA current."""

from collections.abc import Mapping
from typing import Any

import brainstate
import jax
import jax.numpy as jnp
import saiunit as u

from ..neurons.integrate import Param, Value
from ..neurons.population import Size
from ..neurons.surrogate import Spike, relu_grad
from .events import Events, plain, waiting
from .neuron import Initial, NESTNeuron, Numbers
from .population import First
from .receptors import RECEPTORS, Event, event, receptor


class BrunelWang(NESTNeuron):
    """Brunel and Wang's neuron but for its NMDA gating; see `iaf_bw_2001_exact`."""

    RECORDABLES = ("V_m", "s_AMPA", "s_GABA", "s_NMDA", "I_NMDA", "I_AMPA", "I_GABA")

    def __init__(
        self, in_size: Size, E_L: Param = -70.0 * u.mV, E_ex: Param = 0.0 * u.mV, E_in: Param = -70.0 * u.mV,
        V_th: Param = -55.0 * u.mV, V_reset: Param = -60.0 * u.mV, C_m: Param = 500.0 * u.pF, g_L: Param = 25.0 * u.nS,
        t_ref: Param = 2.0 * u.ms, tau_AMPA: Param = 2.0 * u.ms, tau_GABA: Param = 5.0 * u.ms,
        tau_rise_NMDA: Param = 2.0 * u.ms, tau_decay_NMDA: Param = 100.0 * u.ms, alpha: Param = 0.5 / u.ms,
        conc_Mg2: Param = 1.0 * u.mM, gsl_error_tol: float = 1e-3, V_initializer: Initial = -70.0 * u.mV,
        s_AMPA_initializer: Initial = 0.0 * u.nS, s_GABA_initializer: Initial = 0.0 * u.nS, spk_fun: Spike = relu_grad,
        spk_reset: str = "hard", ref_var: bool = False, name: str | None = None,
    ) -> None:  # fmt: skip
        super().__init__(in_size, V_initializer, spk_fun, spk_reset, ref_var, name)
        self.take(u.mV, E_L=E_L, E_ex=E_ex, E_in=E_in, V_th=V_th, V_reset=V_reset)
        self.take(u.ms, t_ref=t_ref, tau_AMPA=tau_AMPA, tau_GABA=tau_GABA)
        self.take(u.ms, tau_rise_NMDA=tau_rise_NMDA, tau_decay_NMDA=tau_decay_NMDA)
        self.take(u.pF, C_m=C_m)
        self.take(u.nS, g_L=g_L)
        self.take(u.ms**-1, alpha=alpha)
        self.take(u.mM, conc_Mg2=conc_Mg2)
        self.gsl_error_tol = gsl_error_tol
        self.s_AMPA_initializer, self.s_GABA_initializer = s_AMPA_initializer, s_GABA_initializer
        self.check()

    def check(self) -> None:
        """As for every neuron, and alpha, conc_Mg2 and gsl_error_tol are above 0."""
        super().check()
        self.above("alpha", 0.0 / u.ms)
        self.above("conc_Mg2", 0.0 * u.mM)
        self.above("gsl_error_tol", 0.0)

    @property
    def receptor_types(self) -> dict[str, int]:
        """Numbers of the receptors, by name."""
        return dict(RECEPTORS)

    def first(self, batch_size: int | None) -> First:
        short = lambda value: (brainstate.ShortTermState, self.full(value, batch_size))
        return {
            **super().first(batch_size),
            "s_AMPA": (brainstate.HiddenState, self.full(self.s_AMPA_initializer, batch_size)),
            "s_GABA": (brainstate.HiddenState, self.full(self.s_GABA_initializer, batch_size)),
            **{k: short(0.0 * u.pA) for k in ("I_NMDA", "I_AMPA", "I_GABA")},
            "integration_step": short(brainstate.environ.get("dt", 0.1 * u.ms)),
        }

    def arrivals(self, spike_events: Events) -> dict[str, Any]:
        """What arrives at the receptors: conductances at "AMPA" and "GABA" in nS, and what the model takes at "NMDA".

        Deltas left by `add_delta_input` join them: those labelled "AMPA" or "GABA" go there, others to AMPA.
        """
        total: dict[str, Any] = {"AMPA": jnp.zeros(()), "GABA": jnp.zeros(())}

        def add(name: str, weight: jax.Array, times: Value = 1.0) -> None:
            total[name] = total[name] + self.fits(weight * times, f"what arrives at {name}")

        for label, weight in waiting(self):
            name = "AMPA" if label is None else receptor(label)
            if name == "NMDA":
                raise ValueError(
                    f"{type(self).__name__}: a delta is for AMPA or GABA; give NMDA spikes as spike_events"
                )
            add(name, plain(weight, u.nS, f"{type(self).__name__}: a delta"))
        if isinstance(spike_events, Mapping):
            arrays = self.by_receptor(spike_events)
            for name in ("AMPA", "GABA"):
                if name in arrays:
                    add(name, plain(arrays.pop(name), u.nS, f"{type(self).__name__}: a weight"))
            return {**total, **self.nmda_arrays(arrays)}
        events = [event(e) for e in (() if spike_events is None else spike_events)]
        for e in events:
            if e.receptor != "NMDA":
                add(e.receptor, e.weight, e.times)
        return {**total, **self.nmda_events([e for e in events if e.receptor == "NMDA"])}

    def by_receptor(self, spike_events: Mapping[Any, Value]) -> dict[str, Value]:
        """The array form by the receptors' names."""
        try:
            return {k if k == "NMDA_g" else receptor(k): v for k, v in spike_events.items()}
        except ValueError as error:
            raise ValueError(
                f"{error}. A mapping holds arrays by receptor; a single event is given in a list"
            ) from None

    def fits(self, value: jax.Array, what: str) -> jax.Array:
        """An array that broadcasts to the states.

        Raises:
            ValueError: it does not.
        """
        shape = self.I_stim.value.shape
        if jnp.broadcast_shapes(jnp.shape(value), shape) != shape:
            raise ValueError(
                f"{type(self).__name__}: {what} has the shape {jnp.shape(value)}; it needs {shape} or fewer"
            )
        return value

    def nmda_arrays(self, arrays: dict[str, Value]) -> dict[str, Any]:
        """What arrives at NMDA in the array form."""
        raise NotImplementedError(f"{type(self).__name__}: a model says what its NMDA spikes are in `nmda_arrays`")

    def nmda_events(self, events: list[Event]) -> dict[str, Any]:
        """What arrives at NMDA, from single events."""
        raise NotImplementedError(f"{type(self).__name__}: a model says what its NMDA spikes are in `nmda_events`")


def blocked(p: Numbers, V: jax.Array) -> jax.Array:
    """Current through an open NMDA conductance of 1 nS, pA: magnesium blocks it at low voltage."""
    return (V - p.E_ex) / (1.0 + p.conc_Mg2 * jnp.exp(-0.062 * V) / 3.57)


def slope(p: Numbers, V: jax.Array, g: jax.Array, s: Numbers, s_NMDA: jax.Array) -> jax.Array:
    """`dV/dt` from the conductances."""
    synapses = g["AMPA"] * (V - p.E_ex) + g["GABA"] * (V - p.E_in) + blocked(p, V) * s_NMDA
    return (-p.g_L * (V - p.E_L) - synapses + s.I_stim) / p.C_m
