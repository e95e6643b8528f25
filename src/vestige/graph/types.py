"""What one step does, as a value: edges (marks), groups (populations), and the program between them."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import jax
import jax.numpy as jnp
import numpy as np

from ..ops import Operator
from .layout import Layout
from .program import Atom, Equation, Program, Value
from .report import Report

T = TypeVar("T")


@dataclass(frozen=True, eq=False)
class Edge:
    """One weight that drives one group (or none: present only). `x` None: an unmarked parameter, its own edge."""

    op: Operator
    name: str
    x: Atom | None
    w: Value
    y: Value
    group: int | None = None
    layout: Layout | None = None

    @property
    def out(self) -> tuple[int, ...]:
        """Shape of `post` and of the signal that meets the trace."""
        return self.layout.out if self.layout else self.y.shape

    def of(self, by_group: Sequence[T]) -> T:
        """What belongs to the group that this edge drives."""
        assert self.group is not None
        return by_group[self.group]

    def spread(self, v: jax.Array) -> jax.Array:
        """One value per position `[..., P]` on what the edge delivers `[..., *out]`."""
        assert self.layout is not None
        return self.layout.spread(v)

    def trace_layout(self, shape: tuple[int, ...]) -> Layout:
        """How a slice of the unshared trace, `[*e]`, lies over the positions."""
        assert self.layout is not None
        with jax.ensure_compile_time_eval():
            at = np.asarray(self.op.at_post(jnp.asarray(self.layout.positions)))
        return Layout.of(np.broadcast_to(at, shape), shape, self.layout.P)

    def share(self, v: jax.Array) -> jax.Array:
        """`[..., *out]` summed onto the shape of `y`."""
        return self.layout.share(v) if self.layout else v


@dataclass(frozen=True, eq=False)
class Group:
    """States of one population, coupled position by position: `P` positions with a block of `S` scalars each.

    `large`: dh'/dh is too large to form. `pushed`: tangents are pushed through the step, as that or cheaper.
    """

    names: tuple[str, ...]
    states: tuple[int, ...]
    layouts: tuple[Layout, ...]
    P: int
    S: int
    eqns: tuple[Equation, ...]
    edges: tuple[int, ...]
    large: bool
    pushed: bool

    def fold(self, arrays: list[jax.Array]) -> jax.Array:
        """The states' arrays `[..., *state]` as blocks `[..., S, P]`."""
        return jnp.concatenate([lay.fold(a) for lay, a in zip(self.layouts, arrays)], -2)

    def unfold(self, v: jax.Array) -> list[jax.Array]:
        """Blocks `[..., S, P]` as the states' arrays."""
        ends = np.cumsum([lay.depth for lay in self.layouts])[:-1].tolist()
        return [lay.unfold(part) for lay, part in zip(self.layouts, jnp.split(v, ends, -2))]


@dataclass(frozen=True, eq=False)
class Graph:
    """One step, analysed: a value returned by `trace_graph`; `print(graph.report)` says what is learned and how.

    `program` takes (parameters, state, input) leaves and gives (new state, output) leaves. `early` equations need
    parameters and constants alone; the rest, `eqns`, reads their results, the `frontier`; `trained` says which get a gradient.
    """

    program: Program
    early: tuple[Equation, ...]
    eqns: tuple[Equation, ...]
    frontier: tuple[Value, ...]
    trained: tuple[bool, ...]
    edges: tuple[Edge, ...]
    groups: tuple[Group, ...]
    untraced: frozenset[Value]
    fresh: frozenset[Value]
    saved: tuple[Value, ...]
    spikes: dict[str, Value]
    solvers: dict[Equation, tuple[list[Layout | None], list[Layout | None]]]
    n_params: int
    n_state: int
    in_tree: Any
    out_tree: Any
    limits: dict[str, Any]
    param_names: tuple[str, ...]
    state_names: tuple[str, ...]
    positions: bool
    report: Report = field(default_factory=Report)

    @property
    def h_in(self) -> tuple[Value, ...]:
        return self.program.ins[self.n_params : self.n_params + self.n_state]

    @property
    def h_out(self) -> tuple[Atom, ...]:
        return self.program.outs[: self.n_state]

    def only(self, edges: Sequence[int]) -> "Graph":
        """The same step with some of its edges, for rules that treat weights differently."""
        return replace(self, edges=tuple(self.edges[n] for n in edges))

    def __str__(self) -> str:
        return str(self.report)
