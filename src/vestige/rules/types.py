"""What a learning rule is, what it is shown, and what it gives back."""

from collections.abc import Callable
from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp

from ..graph import Edge, Graph

Scope = Literal["instant", "local", "full"]
Reads = Literal["start", "entry", "state"]


class Obs(NamedTuple):
    """A window of K steps, one example; tiny axes lead. Per edge: `pre` x `[K, *in]`, `post` dh'/dy `[K, S, *out]`; per
    group: `trans` dh'/dh `[K, S, S, P]`. `at`: the points themselves, (frontier, state leaves `[K, ...]`, input leaves)."""

    pre: list[Any]
    post: list[Any]
    trans: list[Any]
    at: tuple[list[Any], list[Any], list[Any]]


class Signal(NamedTuple):
    """What the loss wants. `mark`: dL/dy per edge `[K, *y]`; `entry`: dL/dh of the state that enters, per group
    `[1, S, P]` for the window or `[K, S, P]` for each step; `state`: dL/dh' by what others read of it `[K, S, P]`;
    `leaves`: dL/dh of the state that enters the window, per state leaf."""

    mark: list[Any]
    entry: list[Any]
    state: list[Any]
    leaves: list[Any]


class Update(NamedTuple):
    """What a rule gives back. `uses[n]`: pairs (x, g), correlated over time and batch in one product; `past[n]`: (signal
    `[S, *out]`, trace `[S, *e]`), contracted one example at a time; `static`: gradients of frontier values themselves."""

    trace: Any
    uses: list[list[tuple[jax.Array, jax.Array]]]
    past: list[tuple[jax.Array, jax.Array] | None]
    static: list[jax.Array] | None = None


class Rule(NamedTuple):
    """How eligibility moves in time: pure functions.

    `init(graph, static)`: the trace of one example, zero. `update(graph, trace, obs, signal)`: one window.
    `scope`: how far credit may travel inside a window (`instant`: not at all; `local`: in a population's own dynamics;
    `full`: everywhere). `reads`: which `Signal` it needs beside `mark`: at the window's `start`, at each step's `entry`,
    or of the new `state`. `first(graph, empty trace, obs)`: the trace after a sequence's first window in any form that
    `update` reads, if a cheaper one is at hand.
    """

    init: Callable[[Graph, list[Any]], Any]
    update: Callable[[Graph, Any, Obs, Signal], Update]
    scope: Scope = "local"
    reads: Reads = "start"
    first: Callable[[Graph, Any, Obs], Any] | None = None


def present(obs: Obs, signal: Signal) -> list[list[tuple[jax.Array, jax.Array]]]:
    """The exact present: `sum_t x_t dL/dy_t`."""
    return [[(x, d)] for x, d in zip(obs.pre, signal.mark)]


def trace_shape(edge: Edge, weight: Any) -> jax.ShapeDtypeStruct:
    """One slice of an edge's unshared trace."""
    x = jax.ShapeDtypeStruct((1, *(() if edge.x is None else _shape(edge.x))), _dtype(edge, weight))
    return jax.eval_shape(edge.op.imprint, x, jax.ShapeDtypeStruct((1, *edge.out), weight.dtype))


def _shape(atom: Any) -> tuple[int, ...]:
    return atom.shape if hasattr(atom, "shape") else jnp.shape(atom.val)


def _dtype(edge: Edge, weight: Any) -> Any:
    dtype = getattr(edge.x, "dtype", weight.dtype)
    return dtype if jnp.issubdtype(dtype, jnp.integer) else weight.dtype


def picks(edge: Edge) -> bool:
    """Is the weight picked by an integer rather than multiplied by a number?"""
    return jnp.issubdtype(getattr(edge.x, "dtype", jnp.float32), jnp.integer)


def pre_zeros(edge: Edge, weight: Any) -> jax.Array:
    """A presynaptic trace of zeros `[*in]`."""
    return jnp.zeros(() if edge.x is None else _shape(edge.x), weight.dtype)


def weights(graph: Graph, static: list[Any]) -> list[Any]:
    """The frontier value that each edge carries."""
    where = {v: n for n, v in enumerate(graph.frontier)}
    return [static[where[e.w]] for e in graph.edges]
