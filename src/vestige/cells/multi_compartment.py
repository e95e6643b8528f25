"""Populations of neurons that all have one shape: the cable equation, and what sits in the membrane."""

from functools import partial
from typing import Any

import brainstate
import jax
import jax.numpy as jnp
import saiunit as u

from ..neurons.checks import ABOVE_ZERO, check, population
from ..neurons.integrate import Param, Value, param, read, time_step
from ..neurons.population import Neuron
from ..neurons.surrogate import Spike, relu_grad
from ..nn.states import ETraceGroupState
from .falling import Answer, curved, held
from .mechanism import Mechanism, Numbers, in_rows, rows
from .morphology import CAPACITANCE, RESISTIVITY, Morphology
from .solve import solve
from .tree import Place, tree

SOFT = 20.0  # mV over which the surrogate of a spike sees the voltage
RESTING = {"ca": 5e-5}  # mM, where no pool says otherwise


class MultiCompartment(Neuron):
    """A population whose neurons have compartments.

        cm area dV/dt = - sum of currents through the membrane + sum over neighbours g (V_neighbour - V)

    One step is implicit in the voltage, with each current's slope, as NEURON's fixed step: voltage first, at the gates of
    the step before; then pools, and gates at the new voltage and concentrations. Stable for any dt. A subclass may instead
    give itself other states and equations in `init_state` and `update`.

    Args:
        pop_size: shape of the population, an integer or a tuple.
        morphology: the shape of one neuron, all its sections connected.
        V_init: first voltage, one number, `[n_compartments]` or `[*pop_size, n_compartments]`, or a function of that shape.
        Ra, cm: instead of the morphology's; of the same shapes, or a state that is trained.
        celsius: temperature; each channel scales its rates from its own.
        V_th: what the voltage crosses in a spike. spike_at: where; the middle of the root section unless given.
        spk_fun: surrogate of `(V - V_th) / 20 mV`.

    Attributes:
        V: voltage `[*pop_size, n_compartments]`.
        pop_size: shape of the population, always a tuple.
        varshape: `(*pop_size, n_compartments)`, the shape of a state such as the voltage.
        n_compartments: compartments of one neuron. tree: how they hang together.
        mechanisms: what was inserted, by name.

    Raises:
        TypeError: the morphology is none. ValueError: it has no section, or more than one root; a parameter does not fit,
            is NaN, or not above zero where it has to be; pop_size is no whole number from 1 on.
        UnitMismatchError: a parameter has another unit.
    """

    def __init__(
        self, pop_size: int | tuple[int, ...], morphology: Morphology, V_init: Value = -65.0 * u.mV,
        Ra: Param | None = None, cm: Param | None = None, celsius: float = 6.3, V_th: Value = 0.0 * u.mV,
        spike_at: Place | None = None, spk_fun: Spike = relu_grad, name: str | None = None,
    ) -> None:  # fmt: skip
        if not isinstance(morphology, Morphology):
            raise TypeError(f"MultiCompartment: morphology is {type(morphology).__name__}; give a Morphology")
        if len(morphology.roots) != 1:
            raise ValueError(f"MultiCompartment: one neuron grows from one section, this one from {morphology.roots}")
        self.pop_size = population(pop_size)
        self.morphology, self.tree, self.n_compartments = morphology, tree(morphology), morphology.n_compartments
        super().__init__((*self.pop_size, self.n_compartments), spk_fun=spk_fun, name=name)
        Ra, cm = self.tree.Ra * RESISTIVITY if Ra is None else Ra, self.tree.cm * CAPACITANCE if cm is None else cm
        for what, value in (("V_init", V_init), ("V_th", V_th)):
            check("MultiCompartment", what, value, u.mV)
        for what, value, unit in (("Ra", Ra, RESISTIVITY), ("cm", cm, CAPACITANCE)):
            check("MultiCompartment", what, value, unit, ABOVE_ZERO)
        check("MultiCompartment", "celsius", celsius, u.UNITLESS)
        if not callable(V_init):
            param(V_init, self.varshape)
        self.V_init, self.V_th, self.celsius = V_init, V_th, celsius
        self.Ra, self.cm = param(Ra, self.varshape), param(cm, self.varshape)
        self.spike_at = int(self.tree.find((morphology.roots[0], 0.5) if spike_at is None else spike_at)[0])
        self._inserted: list[str] = []

    @property
    def mechanisms(self) -> dict[str, Mechanism]:
        """What was inserted, by name."""
        # attributes alone hold them: a state is then named after its mechanism whatever the name
        return {name: getattr(self, name) for name in self._inserted}

    def insert(self, mechanism: Mechanism, where: Any = None, name: str | None = None) -> Mechanism:
        """Put a mechanism into the membrane.

        Args:
            mechanism: a channel, pool, synapse or clamp, one for each call.
            where: as for `tree.find`: None everywhere, a section's name, `(section, loc)`, numbers, or a list of these.
            name: under which the cell has it; that of its class in lower case unless given.

        Returns:
            the mechanism.

        Raises:
            TypeError: no mechanism. ValueError: the name is taken, no place was given, or a parameter does not fit them.
        """
        if not isinstance(mechanism, Mechanism):
            said = getattr(mechanism, "__name__", type(mechanism).__name__)
            raise TypeError(
                f"insert takes a mechanism, such as Leak(); {said} is none{' yet' * isinstance(mechanism, type)}"
            )
        name = type(mechanism).__name__.lower() if name is None else name
        if hasattr(self, name):
            raise ValueError(f"{type(self).__name__} has a `{name}` already; insert(..., name=...) gives another name")
        at = self.tree.find(where)
        if not len(at):
            raise ValueError(f"{type(mechanism).__name__}: no place was given; None is everywhere")
        mechanism.settle(self.tree, at, self.pop_size)
        setattr(self, name, mechanism)
        self._inserted.append(name)
        return mechanism

    def init_state(self, batch_size: int | None = None, **kwargs) -> None:
        """Make the states: gates at rest at the first voltage."""
        V, first = self._first(batch_size)
        self.V = ETraceGroupState(V)
        for name, m in self.mechanisms.items():
            m.begin(first[name])

    def reset_state(self, batch_size: int | None = None, **kwargs) -> None:
        """Set the states to their first values."""
        V, first = self._first(batch_size)
        self.V.value = V
        for name, m in self.mechanisms.items():
            m.store(first[name])

    def _first(self, batch_size: int | None) -> tuple[Value, dict[str, dict[str, jax.Array]]]:
        V = param(self.V_init, self.varshape) * brainstate.nn.init.param(
            brainstate.nn.init.Constant(1.0), self.varshape, batch_size
        )
        v = jnp.moveaxis(u.Quantity(V).to_decimal(u.mV), -1, 0)
        ions = Numbers(**{k: jnp.full_like(v, c) for k, c in RESTING.items()}, celsius=self.celsius)
        first = {}
        # pools first, since gates may look at them
        for name, m in sorted(self.mechanisms.items(), key=lambda item: item[1].POOL is None):
            made = m.first(in_rows(m.numbers(), v.ndim), m.pick(v), m.look(ions))
            if m.POOL is not None:
                setattr(ions, m.POOL, m.spread(getattr(ions, m.POOL), made[m.POOL]))
            first[name] = _back(made)
        return V, first

    def update(self, x: Value = 0.0 * u.nA, **inputs: Value) -> jax.Array:
        """One step.

        Args:
            x: current into the compartments `[*pop_size, n_compartments]`, or a number.
            inputs: what arrives now, by the name of the mechanism that takes it, `[*pop_size, places]`.

        Returns:
            spikes `[*pop_size]`, 0 or 1, with the surrogate's slope: the voltage has come above `V_th` in this step.

        Raises:
            KeyError: no `dt` in the environment, or no such mechanism. ValueError, UnitMismatchError: an input that does
                not fit.
        """
        dt = float(u.Quantity(time_step()).to_decimal(u.ms))
        unknown = [k for k in inputs if k not in self.mechanisms]
        if unknown:
            raise KeyError(f"{type(self).__name__} has no mechanism {unknown}; it has {list(self.mechanisms)}")
        v = self.V.value.to_decimal(u.mV)
        x = self._injected(self.sum_current_inputs(x, self.V.value), v)
        p = {k: m.numbers() for k, m in self.mechanisms.items()}
        s = {k: m.receive(p[k], m.state(), inputs[k]) if k in inputs else m.state() for k, m in self.mechanisms.items()}
        # from here on compartments lead
        v, x = rows(v, v.ndim), rows(x, v.ndim)
        p, s = ({k: in_rows(a, v.ndim) for k, a in each.items()} for each in (p, s))
        ions = self._ions(s, v)
        answer = self._cable(v)
        leak, b, flows = self._membrane(p, s, v, ions, dt, answer)
        new = answer(leak, b + x)
        # pools first: gates that an ion opens see what this step has let in
        for name in sorted(self.mechanisms, key=lambda name: self.mechanisms[name].POOL is None):
            m = self.mechanisms[name]
            after = m.advance(p[name], s[name], m.pick(new), m.look(ions), m.pick(flows.get(m.POOL, 0.0 * v)), dt)
            m.store(_back(after))
            if m.POOL is not None:
                s[name] = Numbers(**after)
                ions = self._ions(s, new)
        self.V.value = jnp.moveaxis(new, 0, -1) * u.mV
        return self._crossed(v[self.spike_at], new[self.spike_at])

    def _injected(self, x: Value, v: jax.Array) -> jax.Array:
        """The current from outside, nA."""
        if not u.have_same_dim(x, u.nA):
            raise u.UnitMismatchError(f"{type(self).__name__}: a current is needed, this has the unit {u.get_unit(x)}")
        x = jnp.asarray(u.Quantity(x).to_decimal(u.nA), v.dtype)
        if x.shape not in ((), v.shape, v.shape[-x.ndim :]):
            raise ValueError(
                f"{type(self).__name__}: a current of shape {x.shape} does not fit; give {self.varshape}, one for each "
                "compartment, or insert a Clamp where it enters"
            )
        return x

    def _ions(self, s: dict[str, Numbers], v: jax.Array) -> Numbers:
        """Concentration of each ion in each compartment, mM, and the temperature."""
        ions = Numbers(**{k: jnp.full_like(v, c) for k, c in RESTING.items()}, celsius=self.celsius)
        for name, m in self.mechanisms.items():
            if m.POOL is not None:
                setattr(ions, m.POOL, m.spread(getattr(ions, m.POOL), getattr(s[name], m.POOL)))
        return ions

    def _membrane(
        self, p: dict[str, Numbers], s: dict[str, Numbers], v: jax.Array, ions: Numbers, dt: float, answer: Answer
    ) -> tuple[jax.Array, jax.Array, dict[str, jax.Array]]:
        """What holds the voltage, uS; what drives it, nA; and the current of each ion, mA/cm2."""
        hold = (1e-5 / dt * rows(u.Quantity(read(self.cm)).to_decimal(CAPACITANCE), v.ndim)).astype(v.dtype)
        area = rows(self.tree.area, v.ndim)
        out, slopes = jnp.zeros_like(v), jnp.zeros_like(v)
        flows, falls = dict[str, jax.Array](), False
        for name, m in self.mechanisms.items():
            flow = partial(m.flow, p[name], s[name], ions=m.look(ions))
            (i, slope), falls = flow(m.pick(v)), falls or curved(flow, m.pick(v))
            share = rows(m.share, v.ndim)
            out, slopes = m.add(out, share * i), m.add(slopes, share * slope)
            if m.ION is not None:
                per_area = i * (share / (0.01 * area[m.at]))
                flows[m.ION] = m.add(flows.get(m.ION, jnp.zeros_like(v)), per_area)
        leak = held(hold, area, slopes, answer if falls else None)
        return leak, leak * v - out, flows

    def _cable(self, v: jax.Array) -> Answer:
        """The tree's `(what holds it, current) -> voltage`: branch points have no membrane, and no state."""
        C, N = self.tree.C, self.tree.N
        link = jnp.asarray(self.tree.conductance(u.Quantity(read(self.Ra)).to_decimal(RESISTIVITY)), v.dtype)
        # `solve` turns its own to rows again, and the compiler drops both
        wide = lambda a: jnp.pad(a, [(0, 0)] * (a.ndim - 1) + [(0, N - C)]) if N > C else a
        ends = lambda a: wide(jnp.moveaxis(a, 0, -1))
        return lambda leak, b: jnp.moveaxis(solve(self.tree.parent, ends(leak), link, ends(b))[..., :C], -1, 0)

    def _crossed(self, old: jax.Array, new: jax.Array) -> jax.Array:
        top = u.Quantity(read(self.V_th)).to_decimal(u.mV)
        return self.spk_fun((new - top) / SOFT) * (1.0 - self.spk_fun((old - top) / SOFT))

    def get_spike(self, *args: Value) -> jax.Array:
        """Not for this neuron: a crossing is not seen in one voltage.

        Raises:
            TypeError: always.
        """
        raise TypeError("a spike of a cell is the crossing of V_th; its spikes are what `update` returns")


def _back(states: dict[str, jax.Array]) -> dict[str, jax.Array]:
    """Rows as they are kept, compartments last."""
    return {k: jnp.moveaxis(a, 0, -1) for k, a in states.items()}
