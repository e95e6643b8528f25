"""What NEST's spiking neurons share: numbers in NEST's units, the buffered current, arriving spikes, silence after a spike."""

from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any, ClassVar

import brainstate
import jax
import jax.numpy as jnp
import numpy as np
import saiunit as u

from ..neurons.integrate import Param, Value, read, time_step
from ..neurons.population import Neuron, Size
from ..neurons.surrogate import Spike, relu_grad
from .events import Events, by_sign, fitting, plain, waiting
from .population import First, Population

Numbers = SimpleNamespace
Initial = Value | Callable[[tuple[int, ...]], Value] | None
TIC = 0.001  # ms; NEST counts time in these


class NESTNeuron(Population, Neuron):
    """A spiking neuron with NEST's parameters, units, order of events and recordables.

    A model says what its states are (`first`) and how they move in one step (`step`), in plain numbers of NEST's units:
    ms, mV, pA, nS, pF. A current that a step is given acts in the next one, as in NEST; `I_e` acts at once.

    Args:
        in_size: shape of the population.
        V_initializer: first voltage, a value or a callable of the shape; E_L unless given.
        spk_fun: surrogate of `(V - V_th) / (V_th - V_reset)`, V the voltage before the reset.
        spk_reset: "hard": V <- V_reset, no gradient through the height of the spike. "soft": V <- V - (V_th - V_reset).
            NEST's is "hard".
        ref_var: keep a boolean state `refractory`.

    Attributes:
        V: voltage after the reset. I_stim: the current for the next step. refractory_step_count: steps of silence left.
        last_spike_time: at the end of its step; -1e7 ms before the first. All `[*in_size]` or `[batch, *in_size]`.
    """

    RECORDABLES: ClassVar[tuple[str, ...]] = ("V_m",)
    STATE_OF: ClassVar[dict[str, str]] = {"V_m": "V"}
    """States that have another name than their recordable."""
    WEIGHT: ClassVar[u.Unit] = u.nS
    """The unit of weights."""

    def __init__(
        self, in_size: Size, V_initializer: Initial = None, spk_fun: Spike = relu_grad, spk_reset: str = "hard",
        ref_var: bool = False, name: str | None = None,
    ) -> None:  # fmt: skip
        super().__init__(in_size, spk_fun=spk_fun, spk_reset=spk_reset, name=name)
        self.ref_var, self.units = ref_var, dict[str, u.Unit]()
        self.V_initializer = V_initializer

    def take(self, unit: u.Unit, **parameters: Param) -> None:
        """Make parameters with one unit.

        Raises:
            UnitMismatchError: one has another. ValueError: an array does not fit the population.
        """
        for name, value in parameters.items():
            setattr(self, name, self.parameter(name, value))
            self.unit(name, 1.0 * unit)
            self.units[name] = unit

    def check(self) -> None:
        """Raise unless V_reset < V_th, t_ref >= 0, and time constants and the capacitance are above 0."""
        self.below("V_reset", "V_th")
        self.positive()

    def below(self, low: str, high: str) -> None:
        """Raise unless one parameter is below another."""
        least, most = read(getattr(self, low)), read(getattr(self, high))
        if np.any(least >= most):
            raise ValueError(f"{type(self).__name__}: {low} is {least}; it must be below {high} = {most}")

    def positive(self) -> None:
        """Raise unless t_ref >= 0, and time constants and the capacitance are above 0."""
        if "t_ref" in self.units:
            self.above("t_ref", 0.0 * u.ms, or_equal=True)
        for name, unit in self.units.items():
            if name.startswith("tau_") or name == "C_m":
                self.above(name, 0.0 * unit)

    @property
    def recordables(self) -> list[str]:
        """Names that `record` knows."""
        return list(self.RECORDABLES)

    def record(self, *names: str) -> dict[str, Value]:
        """Values of these recordables, or of all, after the last step.

        Raises:
            ValueError: a name is none of them.
        """
        unknown = [n for n in names if n not in self.RECORDABLES]
        if unknown:
            raise ValueError(f"{type(self).__name__} does not record {unknown}; it records {self.recordables}")
        return {n: getattr(self, self.STATE_OF.get(n, n)).value for n in names or self.RECORDABLES}

    def first(self, batch_size: int | None) -> First:
        count = jnp.zeros_like(self.full(0.0, batch_size), dtype=int)
        start = read(self.E_L) if self.V_initializer is None else self.V_initializer
        return {
            "V": (brainstate.HiddenState, self.full(start, batch_size)),
            "I_stim": (brainstate.ShortTermState, self.full(0.0 * u.pA, batch_size)),
            "refractory_step_count": (brainstate.ShortTermState, count),
            "last_spike_time": (brainstate.ShortTermState, self.full(-1e7 * u.ms, batch_size)),
            **({"refractory": (brainstate.ShortTermState, count > 0)} if self.ref_var else {}),
        }

    def get_spike(self, V: Value | None = None) -> jax.Array:
        """Spikes of a voltage before its reset, `[...]`; the stored one is after it, so spikes are what `update` returns."""
        if not isinstance(self, NESTNeuron):
            raise TypeError("get_spike belongs to a neuron; what its call returned are the spikes already")
        V, V_th = self.V.value if V is None else V, read(self.V_th)
        return self.spk_fun((V - V_th) / (V_th - read(self.V_reset)))

    def update(self, x: Value = 0.0 * u.pA, spike_events: Events = None) -> jax.Array:
        """One step.

        Args:
            x: current `[...]` that acts from the next step on.
            spike_events: what arrives at the end of this step; see `arrivals`.

        Returns:
            spikes `[...]`, 0 or 1, with the surrogate's slope.

        Raises:
            KeyError: no `dt` in the environment. ValueError, UnitMismatchError: an event that does not fit.
        """
        return self.advance(self.step, x, spike_events)

    def advance(
        self, step: Callable[..., tuple[dict[str, Any], jax.Array]], x: Value, spike_events: Events
    ) -> jax.Array:
        """One step of `update`, by these equations."""
        p = self.numbers()
        what = f"{type(self).__name__}: a current"
        current = fitting(plain(self.sum_current_inputs(x, self.V.value), u.pA, what), self.I_stim.value.shape, what)
        # last of what can be refused: an event may add a port
        w = self.arrivals(spike_events)
        s, units = self.state()
        new, spikes = step(p, s, w)
        new["I_stim"] = jnp.broadcast_to(current, s.V.shape)
        self.store(new, units)
        fired = spikes > 0
        now = brainstate.environ.get("t", None)
        if now is not None:
            last = u.math.where(fired, now + time_step(), self.last_spike_time.value)
            self.last_spike_time.value = jax.tree.map(jax.lax.stop_gradient, last)
        if self.ref_var:
            self.refractory.value = self.refractory_step_count.value > 0
        return spikes

    def step(self, p: Numbers, s: Numbers, w: dict[str, jax.Array]) -> tuple[dict[str, jax.Array], jax.Array]:
        """New states and spikes, from parameters `p` (and `p.dt`), states `s`, and weights `w` by receptor."""
        raise NotImplementedError(f"{type(self).__name__}: a neuron's equations are its `step`")

    def numbers(self) -> Numbers:
        """Parameters and `dt` in NEST's units."""
        values = {k: jnp.asarray(u.Quantity(read(getattr(self, k))).to_decimal(v)) for k, v in self.units.items()}
        return Numbers(dt=float(u.Quantity(time_step()).to_decimal(u.ms)), **values)

    def state(self) -> tuple[Numbers, dict[str, u.Unit]]:
        """States in NEST's units, and the units; those that are smaller than the population (set by hand) are filled."""
        values = {k: u.Quantity(getattr(self, k).value) for k in self.state_names}
        shape = jnp.broadcast_shapes(values["V"].shape, self.I_stim.value.shape)
        plain = {k: jnp.asarray(v.to_decimal(v.unit)) for k, v in values.items()}
        grown = {k: v if v.ndim >= len(shape) else jnp.broadcast_to(v, shape) for k, v in plain.items()}
        return Numbers(**grown), {k: v.unit for k, v in values.items()}

    def store(self, new: dict[str, Any], units: dict[str, u.Unit]) -> None:
        """Write states back with their units."""
        for name, value in new.items():
            unit = units[name]
            getattr(self, name).value = value if unit.is_unitless else u.Quantity(value, unit=unit)

    def arrivals(self, spike_events: Events) -> dict[str, jax.Array]:
        """Weights that arrive at the receptors "ex" and "in", in `WEIGHT`, with their sign.

        Positive weights go to "ex", negative to "in", as NEST sorts connections.

        Args:
            spike_events: a mapping of "ex" and "in" to arrays `[...]`; or a list of weights and of
                `(weight, multiplicity)`, each sorted by its sign. Deltas left by `add_delta_input` join them: those
                labelled "ex" or "in" go there, others are sorted by sign.
        """
        me = type(self).__name__
        total = {k: jnp.zeros(()) for k in ("ex", "in")}

        def add(label: str | None, weight: Value, times: Value = 1.0) -> None:
            weight = plain(weight, self.WEIGHT, f"{me}: a weight") * times
            if label is not None and label not in total:
                raise ValueError(f"{me} has the receptors 'ex' and 'in', not {label!r}")
            for k, v in (by_sign(weight) if label is None else {label: weight}).items():
                total[k] = total[k] + v

        for label, weight in waiting(self):
            add(label, weight)
        if isinstance(spike_events, Mapping):
            for label, weight in spike_events.items():
                add(label, weight)
        else:
            for event in () if spike_events is None else spike_events:
                weight, times = event if isinstance(event, (tuple, list)) else (event, 1.0)
                add(None, weight, times)
        return total

    def spike(self, p: Numbers, V: jax.Array, s: Numbers) -> tuple[dict[str, jax.Array], jax.Array]:
        """Hold the silent at V_reset and test the others: new voltage and count, and the spikes."""
        silent = s.refractory_step_count > 0
        V = jnp.where(silent, p.V_reset, V)
        spikes = jnp.where(silent, 0.0, self.spk_fun((V - p.V_th) / (p.V_th - p.V_reset)))
        left = jnp.where(silent, s.refractory_step_count - 1, 0)
        count = jnp.where(spikes > 0, self.silence(p), left)
        return {"V": self.after_spike(V, spikes, p.V_th, p.V_reset), "refractory_step_count": count}, spikes

    def silence(self, p: Numbers) -> jax.Array:
        """Steps of silence after a spike: `t_ref / dt` rounded up, in NEST's tics of a microsecond."""
        tics = jnp.rint(jax.lax.stop_gradient(p.t_ref) / TIC) / round(p.dt / TIC)
        return jnp.ceil(tics).astype(int)
