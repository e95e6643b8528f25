"""What the two forms of Brunel and Wang's neuron share: parameters, recordables, AMPA and GABA, the blocked NMDA current."""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import brainstate
import jax
import jax.numpy as jnp
import saiunit as u

from ..neurons.integrate import Param, Value
from ..neurons.population import Size
from ..neurons.surrogate import Spike, relu_grad
from . import solve
from .events import Events, fitting, plain, waiting
from .neuron import Initial, NESTNeuron, Numbers
from .population import First
from .receptors import RECEPTORS, Event, event, receptor


class BrunelWang(NESTNeuron):
    """Brunel and Wang's neuron but for its NMDA gating; see `iaf_bw_2001_exact`."""

    ARRAYS: ClassVar[tuple[str, ...]] = ()
    """Names that the array form knows beside the receptors'."""
    PORTS: ClassVar[tuple[str, ...]] = ()
    """Receptors with ports."""
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

        Deltas left by `add_delta_input` join them: labelled with a receptor they go there, others to AMPA.
        """
        arrays = [("AMPA" if label is None else self.named(label), value) for label, value in waiting(self)]
        if any(name in self.PORTS for name, _ in arrays):
            raise ValueError(f"{type(self).__name__}: a delta has no port; give spikes at {self.PORTS} as spike_events")
        events = []
        if isinstance(spike_events, Mapping):
            arrays += [(self.named(name), value) for name, value in spike_events.items()]
        else:
            events = [event(e, self.PORTS) for e in (() if spike_events is None else spike_events)]
        weights = [(name, self.inward(name, value)) for name, value in arrays if name in ("AMPA", "GABA")]
        weights += [(e.receptor, e.weight * e.times) for e in events if e.receptor != "NMDA"]
        total = {"AMPA": jnp.zeros(()), "GABA": jnp.zeros(())}
        for name, weight in weights:
            total[name] = total[name] + self.fits(weight, f"what arrives at {name}", self.I_stim.value.shape)
        at_nmda = [(name, value) for name, value in arrays if name not in total]
        return {**total, **self.nmda(at_nmda, [e for e in events if e.receptor == "NMDA"])}

    def nmda(self, arrays: list[tuple[str, Value]], events: list[Event]) -> dict[str, Any]:
        """What arrives at NMDA, from arrays and from single events; the last that may raise."""
        raise NotImplementedError(f"{type(self).__name__}: a model says what its NMDA spikes are in `nmda`")

    def named(self, given: Any) -> str:
        """The receptor of an array."""
        if given in self.ARRAYS:
            return given
        try:
            return receptor(given)
        except ValueError as error:
            raise ValueError(f"{error}. (Arrays come by receptor; a single event is given in a list.)") from None

    def inward(self, name: str, value: Value) -> jax.Array:
        """A conductance in nS."""
        return plain(value, u.nS, f"{type(self).__name__}: what arrives at {name}")

    def fits(self, value: jax.Array, what: str, shape: tuple[int, ...]) -> jax.Array:
        """An array that broadcasts to `shape`.

        Raises:
            ValueError: it does not.
        """
        return fitting(value, shape, f"{type(self).__name__}: {what}")


def blocked(p: Numbers, V: jax.Array) -> jax.Array:
    """Current through an open NMDA conductance of 1 nS, pA: magnesium blocks it at low voltage."""
    return (V - p.E_ex) / (1.0 + p.conc_Mg2 / 3.57 * jnp.exp(-0.062 * V))


def integrate(p: Numbers, s: Numbers, s_NMDA: Callable[[jax.Array], jax.Array]) -> dict[str, jax.Array]:
    """V, s_AMPA and s_GABA at the end of the step, one step of the solver; `s_NMDA` of the fraction of it that is over."""

    # a division in each stage would take longer than all else in it
    per_pF = 1.0 / p.C_m

    # conductances fall alike everywhere, so what is left of them is followed once, with the solver's own error
    def field(y):
        V, part = y["V"], s_NMDA(y["time"] / p.dt)
        I = s.s_AMPA * y["AMPA"] * (V - p.E_ex) + s.s_GABA * y["GABA"] * (V - p.E_in) + blocked(p, V) * part
        return {
            "V": per_pF * (s.I_stim - p.g_L * (V - p.E_L) - I),
            "AMPA": -y["AMPA"] / p.tau_AMPA, "GABA": -y["GABA"] / p.tau_GABA, "time": jnp.ones_like(y["time"]),
        }  # fmt: skip

    whole = {"AMPA": jnp.ones_like(p.tau_AMPA), "GABA": jnp.ones_like(p.tau_GABA), "time": jnp.zeros((), s.V.dtype)}
    y = solve.rkf45(field, {"V": s.V, **whole}, p.dt)
    return {"V": y["V"], "s_AMPA": s.s_AMPA * y["AMPA"], "s_GABA": s.s_GABA * y["GABA"]}


def recorded(p: Numbers, y: dict[str, jax.Array], s_NMDA: jax.Array) -> dict[str, jax.Array]:
    """What NEST records of the synapses: at the end of the step, before spikes arrive and before the reset."""
    return {
        "s_NMDA": s_NMDA, "I_NMDA": s_NMDA * blocked(p, y["V"]),
        "I_AMPA": y["s_AMPA"] * (y["V"] - p.E_ex), "I_GABA": y["s_GABA"] * (y["V"] - p.E_in),
    }  # fmt: skip
