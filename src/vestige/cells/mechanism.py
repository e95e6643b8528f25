"""What sits in the membrane of some compartments: its parameters, its states, the current through it."""

from types import SimpleNamespace
from typing import Any, ClassVar

import brainstate
import jax
import jax.numpy as jnp
import numpy as np
import saiunit as u

from ..neurons.checks import Bound, check
from ..neurons.integrate import Param, Value, param, read
from .rates import relaxed
from .tree import Tree

Numbers = SimpleNamespace
Rates = dict[str, tuple[jax.Array, jax.Array]]

DENSITY = u.siemens / u.cmeter2
mM = u.mmolar


def rows(a: Value, ndim: int) -> jax.Array:
    """`[..., k]` as `[k, ...]` of `ndim` axes, so that neurons come last; a single number stays one.

    A compiler makes quick loops over the last axis, which neurons fill better than a few compartments.
    """
    a = jnp.asarray(a)
    if not a.ndim:
        return a
    a = jnp.moveaxis(a, -1, 0)
    return a.reshape(len(a), *[1] * (ndim - a.ndim), *a.shape[1:])


def in_rows(numbers: Numbers, ndim: int) -> Numbers:
    """All of them as rows."""
    return Numbers(**{k: rows(a, ndim) for k, a in vars(numbers).items()})


class Mechanism(brainstate.nn.Module):
    """Equations that some compartments of a cell obey, in plain numbers of the field's units.

    mV, ms, mM; densities in S/cm2 and mA/cm2, points in uS and nA; a current that leaves the cell is positive.
    A subclass takes its parameters in `__init__`, then says what its gates tend to (`rates`) and what flows (`current`).
    `cell.insert(mechanism, where)` gives it its places.

    Attributes:
        at: compartments, `[k]`. shape: `(*pop_size, k)`, the shape of its states.
        units: unit of each parameter.
    """

    ION: ClassVar[str | None] = None
    """The ion that it carries: its current moves this ion's pool."""
    POOL: ClassVar[str | None] = None
    """The ion whose concentration it keeps, in a state of this name."""

    def __init__(self) -> None:
        super().__init__()
        self.units: dict[str, u.Unit] = {}
        self.state_names: tuple[str, ...] = ()

    def take(self, unit: u.Unit, bound: Bound | None = None, /, **parameters: Param) -> None:
        """Keep parameters with one unit; each is a number, `[k]` or `[*pop_size, k]`, or a state that holds one.

        Args:
            bound: of `vestige.neurons.checks`: `NOT_NEGATIVE` for conductances, `ABOVE_ZERO` for times; None: any number.

        Raises:
            UnitMismatchError: one has another unit. ValueError: one is NaN, or outside the bound.
        """
        for name, value in parameters.items():
            check(type(self).__name__, name, value, unit, bound)
            setattr(self, name, value)
            self.units[name] = unit

    def settle(self, tree: Tree, at: np.ndarray, pop_size: tuple[int, ...]) -> None:
        """Take the places that a cell gives.

        Raises:
            ValueError: it has places already, or a parameter does not fit them.
        """
        if hasattr(self, "at"):
            raise ValueError(f"{type(self).__name__} is in a cell already; make another for these places")
        self.at, self.shape = at, (*pop_size, len(at))
        for name in self.units:
            setattr(self, name, param(getattr(self, name), self.shape))
        self.share = self.membrane(tree)
        # a run of compartments is a slice, much quicker than places one by one
        self.run = slice(int(at[0]), int(at[-1]) + 1) if (np.diff(at) == 1).all() else None
        self.everywhere = self.run == slice(0, tree.C)

    def membrane(self, tree: Tree) -> np.ndarray:
        """What turns `current` into nA (and its slope into uS), `[k]`: here the area under a density."""
        return 0.01 * tree.area[self.at]

    def numbers(self) -> Numbers:
        """Parameters in their units."""
        return Numbers(
            **{k: jnp.asarray(u.Quantity(read(getattr(self, k))).to_decimal(v)) for k, v in self.units.items()}
        )

    def rates(self, p: Numbers, v: jax.Array, ions: Numbers) -> Rates:
        """Where each gate goes and how fast, `{gate: (limit, time constant in ms)}`, at this voltage `[k, ...]`, neurons last."""
        return {}

    def current(self, p: Numbers, s: Numbers, v: jax.Array, ions: Numbers) -> jax.Array:
        """Current out of the cell `[k, ...]`; its slope by `v` is taken by forward mode."""
        return jnp.zeros_like(v)

    def flow(self, p: Numbers, s: Numbers, v: jax.Array, ions: Numbers) -> tuple[jax.Array, jax.Array]:
        """The current, and its slope by the voltage."""
        # ones that the step makes: a conductance times them is not one value to trace for each compartment, beside its own
        ones = jnp.isfinite(v).astype(v.dtype)
        return jax.jvp(lambda v: self.current(p, s, v, ions), (v,), (ones,))

    def first(self, p: Numbers, v: jax.Array, ions: Numbers) -> dict[str, jax.Array]:
        """First states: gates where they would come to rest at this voltage."""
        return {k: jnp.broadcast_to(limit, v.shape) for k, (limit, _) in self.rates(p, v, ions).items()}

    def advance(
        self, p: Numbers, s: Numbers, v: jax.Array, ions: Numbers, flow: Any, dt: float
    ) -> dict[str, jax.Array]:
        """States after a step: gates move exactly, at the new voltage held still."""
        rates = self.rates(p, v, ions)
        return {k: relaxed(getattr(s, k), limit, tau, dt) for k, (limit, tau) in rates.items()}

    def receive(self, p: Numbers, s: Numbers, x: Value) -> Numbers:
        """States after what arrived at the beginning of this step.

        Raises:
            ValueError: this mechanism takes no input.
        """
        raise ValueError(f"{type(self).__name__} takes no input")

    def pick(self, x: jax.Array) -> jax.Array:
        """Rows of its places `[k, ...]`, of those of all compartments."""
        if self.everywhere:
            return x
        return x[self.at] if self.run is None else x[self.run]

    def add(self, total: jax.Array, x: jax.Array) -> jax.Array:
        """Rows of all compartments, with its own added at its places."""
        if self.everywhere:
            return total + x
        if self.run is None:
            # neurons lead where elements are scattered, so that it is seen that none meet
            return jnp.moveaxis(jnp.moveaxis(total, 0, -1).at[..., self.at].add(jnp.moveaxis(x, 0, -1)), -1, 0)
        return total + jnp.pad(x, [(self.run.start, len(total) - self.run.stop)] + [(0, 0)] * (x.ndim - 1))

    def spread(self, all_of_them: jax.Array, x: jax.Array) -> jax.Array:
        """Rows of all compartments, with its own instead at its places."""
        if self.everywhere:
            return x
        if self.run is None:
            return jnp.moveaxis(jnp.moveaxis(all_of_them, 0, -1).at[..., self.at].set(jnp.moveaxis(x, 0, -1)), -1, 0)
        return jnp.concatenate([all_of_them[: self.run.start], x, all_of_them[self.run.stop :]])

    def look(self, ions: Numbers) -> Numbers:
        """Concentrations at its places, and the temperature."""
        return Numbers(**{k: v if k == "celsius" else self.pick(v) for k, v in vars(ions).items()})

    def begin(self, first: dict[str, jax.Array]) -> None:
        """Make the states, from plain numbers; its cell does this, when its own are made."""
        self.state_names = tuple(first)
        for name, value in first.items():
            setattr(self, name, brainstate.HiddenState(value))

    def state(self) -> Numbers:
        """States in plain numbers."""
        return Numbers(**{k: getattr(self, k).value for k in self.state_names})

    def store(self, new: dict[str, jax.Array]) -> None:
        """Write states back."""
        for name, value in new.items():
            getattr(self, name).value = value
