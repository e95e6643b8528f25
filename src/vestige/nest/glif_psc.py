"""Generalized leaky integrate-and-fire, all five levels, with alpha-shaped currents at numbered ports."""

from collections.abc import Mapping, Sequence
from typing import ClassVar

import brainstate
import jax
import jax.numpy as jnp
import saiunit as u

from ..neurons.integrate import Param, Value, read
from ..neurons.population import Size
from ..neurons.surrogate import Spike, relu_grad
from . import propagators
from .events import Events, plain, waiting
from .neuron import Initial, NESTNeuron, Numbers
from .population import First
from .propagators import moment

State = dict[str, jax.Array]


class glif_psc(NESTNeuron):
    """Generalized leaky integrate-and-fire neuron of the Allen Institute, as NEST 3.10 has it, in exact steps.

        C_m dV/dt = -g (V - E_L) + I_stim + sum_p I_p + sum_k asc_k
        threshold = V_th + threshold_spike + threshold_voltage
        dasc_k/dt = -asc_decay_k asc_k                          (after_spike_currents)
        dthreshold_spike/dt = -th_spike_decay threshold_spike   (spike_dependent_threshold)
        dthreshold_voltage/dt = th_voltage_index (V - E_L) - th_voltage_decay threshold_voltage   (adapting_threshold)

    A spike, where V reaches the threshold at the end of a step:

        V <- V_reset,   or E_L + voltage_reset_fraction (V_0 - E_L) + voltage_reset_add   (spike_dependent_threshold)
        asc_k <- asc_amps_k + asc_r_k exp(-asc_decay_k t_ref) asc_k
        threshold_spike <- th_spike_add + exp(-th_spike_decay t_ref) threshold_spike

    V_0 is V at the beginning of that step, as in NEST. While the neuron is silent only the currents of the ports move. The
    asc_k act with their mean over a step; threshold_voltage follows V without the ports' currents, as in NEST. The levels
    of Teeter et al. are GLIF1 without a flag, 2 (spike_dependent_threshold), 3 (after_spike_currents), 4 (both), 5 (all).

    Args:
        in_size: shape of the population.
        g, E_L, V_th, C_m, t_ref, V_reset: numbers with units, `[*in_size]`, callables of the shape, or parameter states
            (then trained). NEST's defaults.
        th_spike_add, th_spike_decay, voltage_reset_fraction, voltage_reset_add: the same.
        th_voltage_index, th_voltage_decay: the same.
        asc_init, asc_decay, asc_amps, asc_r: sequences of such, one for each current.
        tau_syn: such a sequence, one for each port; ports are numbered from 1.
        spike_dependent_threshold, after_spike_currents, adapting_threshold: all neurons' level.
        V_initializer, spk_fun, spk_reset, ref_var: as for `NESTNeuron`.

    States:
        V, threshold (mV, as V), threshold_spike, threshold_voltage, asc_0 ..., ASCurrents_sum and I_syn (both of the
        last step that was not silent), I_syn_1 and its source dI_syn_1 ..., and those of `NESTNeuron`.

    Raises:
        ValueError: V_reset >= V_th, g, C_m, t_ref or a tau_syn <= 0, a decay < 0, sequences of different lengths, flags
            that are no level. UnitMismatchError: another unit.

    Source: Teeter et al. 2018, https://doi.org/10.1038/s41467-017-02717-4; NEST's model of this name.
    """

    RECORDABLES = ("V_m", "ASCurrents_sum", "I", "I_syn", "threshold", "threshold_spike", "threshold_voltage")
    STATE_OF: ClassVar[dict[str, str]] = {"V_m": "V", "I": "I_stim"}
    WEIGHT = u.pA

    def __init__(
        self, in_size: Size, g: Param = 9.43 * u.nS, E_L: Param = -78.85 * u.mV, V_th: Param = -51.68 * u.mV,
        C_m: Param = 58.72 * u.pF, t_ref: Param = 3.75 * u.ms, V_reset: Param = -78.85 * u.mV,
        asc_init: Sequence[Param] = (0.0 * u.pA, 0.0 * u.pA), asc_decay: Sequence[Param] = (0.003 / u.ms, 0.1 / u.ms),
        asc_amps: Sequence[Param] = (-9.18 * u.pA, -198.94 * u.pA), asc_r: Sequence[Param] = (1.0, 1.0),
        th_spike_add: Param = 0.37 * u.mV, th_spike_decay: Param = 0.009 / u.ms, voltage_reset_fraction: Param = 0.2,
        voltage_reset_add: Param = 18.51 * u.mV, th_voltage_index: Param = 0.005 / u.ms,
        th_voltage_decay: Param = 0.09 / u.ms, tau_syn: Sequence[Param] = (2.0 * u.ms,),
        spike_dependent_threshold: bool = False, after_spike_currents: bool = False, adapting_threshold: bool = False,
        V_initializer: Initial = None, spk_fun: Spike = relu_grad, spk_reset: str = "hard", ref_var: bool = False,
        name: str | None = None,
    ) -> None:  # fmt: skip
        super().__init__(in_size, V_initializer, spk_fun, spk_reset, ref_var, name)
        self.take(u.nS, g=g)
        self.take(u.pF, C_m=C_m)
        self.take(u.ms, t_ref=t_ref)
        self.take(
            u.mV, E_L=E_L, V_th=V_th, V_reset=V_reset, th_spike_add=th_spike_add, voltage_reset_add=voltage_reset_add
        )
        self.take(u.UNITLESS, voltage_reset_fraction=voltage_reset_fraction)
        self.take(
            u.ms**-1,
            th_spike_decay=th_spike_decay,
            th_voltage_index=th_voltage_index,
            th_voltage_decay=th_voltage_decay,
        )
        currents = {
            "init": (u.pA, asc_init),
            "decay": (u.ms**-1, asc_decay),
            "amps": (u.pA, asc_amps),
            "r": (u.UNITLESS, asc_r),
        }
        lengths = {f"asc_{k}": len(v) for k, (_, v) in currents.items()}
        if len(set(lengths.values())) > 1:
            raise ValueError(
                f"glif_psc: a current has all of asc_init, asc_decay, asc_amps and asc_r; there are {lengths}"
            )
        for what, (unit, values) in currents.items():
            self.take(unit, **{f"asc_{what}_{k}": v for k, v in enumerate(values)})
        self.take(u.ms, **{f"tau_syn_{k}": tau for k, tau in enumerate(tau_syn, 1)})
        self.currents, self.ports = range(lengths["asc_init"]), range(1, len(tau_syn) + 1)
        self.spike_dependent_threshold, self.after_spike_currents = spike_dependent_threshold, after_spike_currents
        self.adapting_threshold = adapting_threshold
        self.check()

    def check(self) -> None:
        super().check()
        for name, unit in {"g": u.nS, "t_ref": u.ms}.items():
            self.above(name, 0.0 * unit)
        for name in ("th_spike_decay", "th_voltage_decay", *(f"asc_decay_{k}" for k in self.currents)):
            self.above(name, 0.0 / u.ms, or_equal=True)
        if self.adapting_threshold and not (self.spike_dependent_threshold and self.after_spike_currents):
            raise ValueError(
                "glif_psc: adapting_threshold is the fifth level, which has spike_dependent_threshold and "
                "after_spike_currents as well; set all three, or leave it out"
            )

    def first(self, batch_size: int | None) -> First:
        hidden = lambda value: (brainstate.HiddenState, self.full(value, batch_size))
        seen = lambda value: (brainstate.ShortTermState, self.full(value, batch_size))
        on = 1.0 if self.after_spike_currents else 0.0
        return {
            **super().first(batch_size),
            **{f"I_syn_{n}": hidden(0.0 * u.pA) for n in self.ports},
            **{f"dI_syn_{n}": hidden(0.0 * u.pA / u.ms) for n in self.ports},
            **{f"asc_{k}": hidden(on * read(getattr(self, f"asc_init_{k}"))) for k in self.currents},
            **dict.fromkeys(("threshold_spike", "threshold_voltage"), hidden(0.0 * u.mV)),
            **dict.fromkeys(("ASCurrents_sum", "I_syn"), seen(0.0 * u.pA)),
            "threshold": seen(read(self.V_th)),
        }

    def get_spike(self, V: Value | None = None) -> jax.Array:
        """Spikes of a voltage before its reset, at the threshold as it is, `[...]`."""
        V, V_th = self.V.value if V is None else V, read(self.V_th)
        return self.spk_fun((V - self.threshold.value) / (V_th - read(self.V_reset)))

    def arrivals(self, spike_events: Events) -> dict[int, jax.Array]:
        """Weights that arrive at each port, in pA.

        Args:
            spike_events: a mapping of ports to arrays `[...]`, or a list of `(port, weight)` and
                `(port, weight, multiplicity)`. A port is its number, from 1, or that as a string. Deltas left by
                `add_delta_input` with a port as label join them; without one they are port 1's.

        Raises:
            ValueError: there is no such port. UnitMismatchError: a weight has another unit.
        """
        total = {n: jnp.zeros(()) for n in self.ports}

        def add(port: int | str, weight: Value, times: Value = 1.0) -> None:
            number = int(port) if str(port).isdigit() else port
            if number not in total:
                raise ValueError(f"glif_psc has no port {port!r}; tau_syn makes it {len(total)}, numbered from 1")
            total[number] = total[number] + plain(weight, u.pA, "glif_psc: a weight") * times

        for label, weight in waiting(self):
            add(1 if label is None else label, weight)
        if isinstance(spike_events, Mapping):
            spike_events = spike_events.items()
        for event in () if spike_events is None else spike_events:
            add(*event)
        return total

    def step(self, p: Numbers, s: Numbers, w: State) -> tuple[State, jax.Array]:
        tau, silent, h = p.C_m / p.g, s.refractory_step_count > 0, p.dt
        held = lambda name, value: jnp.where(silent, getattr(s, name), value)
        new = self.after(p, s, tau)
        leak = propagators.leak(tau, h)
        steady = (s.I_stim + new["ASCurrents_sum"]) / p.g
        V = p.E_L + leak * (s.V - p.E_L) - jnp.expm1(-h / tau) * steady
        for n in self.ports:
            tau_syn, I, dI = (
                getattr(source, f"{name}_{n}") for source, name in ((p, "tau_syn"), (s, "I_syn"), (s, "dI_syn"))
            )
            V = V + propagators.exponential(tau_syn, tau, p.C_m, h) * I + propagators.alpha(tau_syn, tau, p.C_m, h) * dI
        if self.adapting_threshold:
            new["threshold_voltage"] = self.follow(p, s, steady, tau)
        threshold = p.V_th + new["threshold_spike"] + new["threshold_voltage"]
        spikes = jnp.where(silent, 0.0, self.spk_fun((V - threshold) / (p.V_th - p.V_reset)))
        new = self.settle(p, s, {**new, "V": V}, threshold, spikes)
        new = {k: held(k, v) for k, v in new.items()}
        count = jnp.where(spikes > 0, self.silence(p), jnp.maximum(s.refractory_step_count - 1, 0))
        return {**new, **self.synapses(p, s, w), "refractory_step_count": count}, spikes

    def after(self, p: Numbers, s: Numbers, tau: jax.Array) -> State:
        """What spikes left behind, a step later, and the mean of the currents over the step."""
        mean, new = jnp.zeros_like(s.V), {}
        for k in self.currents:
            decay, asc = getattr(p, f"asc_decay_{k}"), getattr(s, f"asc_{k}")
            mean = mean + moment(-decay * p.dt, 0) * asc
            new[f"asc_{k}"] = jnp.exp(-decay * p.dt) * asc
        fades = jnp.exp(-p.th_spike_decay * p.dt) * s.threshold_spike
        I_syn = sum((getattr(s, f"I_syn_{n}") for n in self.ports), jnp.zeros_like(s.V))
        return {
            **new, "ASCurrents_sum": mean, "I_syn": I_syn, "threshold_spike": fades,
            "threshold_voltage": s.threshold_voltage,
        }  # fmt: skip

    def follow(self, p: Numbers, s: Numbers, steady: jax.Array, tau: jax.Array) -> jax.Array:
        """threshold_voltage at the end of a step in which V goes towards `E_L + steady` with the membrane's constant."""
        h, b = p.dt, p.th_voltage_decay
        rest = jnp.exp(-b * h) * moment((b - 1.0 / tau) * h, 0) * (s.V - p.E_L - steady)
        grown = p.th_voltage_index * h * (moment(-b * h, 0) * steady + rest)
        return jnp.exp(-b * h) * s.threshold_voltage + grown

    def settle(self, p: Numbers, s: Numbers, new: State, threshold: jax.Array, spikes: jax.Array) -> State:
        """States after the spikes."""
        reset = p.V_reset
        if self.spike_dependent_threshold:
            reset = p.E_L + p.voltage_reset_fraction * (s.V - p.E_L) + p.voltage_reset_add
            kept = jnp.exp(-p.th_spike_decay * p.t_ref) * new["threshold_spike"]
            new["threshold_spike"] = new["threshold_spike"] + spikes * (p.th_spike_add + kept - new["threshold_spike"])
        for k in self.currents if self.after_spike_currents else ():
            asc, amps = new[f"asc_{k}"], getattr(p, f"asc_amps_{k}")
            kept = getattr(p, f"asc_r_{k}") * jnp.exp(-getattr(p, f"asc_decay_{k}") * p.t_ref) * asc
            new[f"asc_{k}"] = asc + spikes * (amps + kept - asc)
        new["threshold"] = p.V_th + new["threshold_spike"] + new["threshold_voltage"]
        return {**new, "V": self.after_spike(new["V"], spikes, threshold, reset)}

    def synapses(self, p: Numbers, s: Numbers, w: State) -> State:
        """Currents of the ports a step later, with what arrives."""
        new = {}
        for n in self.ports:
            tau, I, dI = getattr(p, f"tau_syn_{n}"), getattr(s, f"I_syn_{n}"), getattr(s, f"dI_syn_{n}")
            leak = propagators.leak(tau, p.dt)
            new[f"I_syn_{n}"] = leak * (I + p.dt * dI)
            new[f"dI_syn_{n}"] = leak * dI + w[n] * jnp.e / tau
        return new
