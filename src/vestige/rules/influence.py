"""The states that learn in one row, and the derivative of the step from row to row: what influence of parameters moves by."""

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from .._compat import is_float
from ..graph import Const, Graph, GraphError, plain_step
from ..graph.program import FLAT, Value, down, up
from ..graph.solver import cross
from .types import Obs, Signal

# cotangents of the new row -> of the old row `[n]`, of trained values, and of what chosen marks deliver
Back = Callable[[jax.Array], tuple[jax.Array, list[jax.Array], list[jax.Array]]]


@lru_cache(64)
def learning(graph: Graph) -> tuple[int, ...]:
    """The states on which some trained value leaves its mark, by number; the others have no influence to keep.

    Raises:
        GraphError: such a state is complex.
    """
    seeds = [v for v, on in zip(graph.frontier, graph.trained) if on]
    eqns = [e for e in graph.eqns if e.name not in FLAT and any(is_float(v) for v in e.outs)]
    found: set[int] = set()
    while True:
        reached = down(eqns, [*seeds, *(graph.h_in[i] for i in found)])
        more = {i for i, (h, new) in enumerate(zip(graph.h_in, graph.h_out)) if is_float(h) and new in reached}
        if more == found:
            break
        found = more
    odd = [graph.state_names[i] for i in found if jnp.issubdtype(graph.h_in[i].dtype, jnp.complexfloating)]
    if odd:
        raise GraphError(f"state `{odd[0]}` is complex; keep its real and its imaginary part apart, or use `tbptt()`")
    return tuple(sorted(found))


def size(graph: Graph) -> int:
    """The length n of a row: scalars of the states that learn."""
    return sum(graph.h_in[i].size for i in learning(graph))


def row(graph: Graph, leaves: Sequence[Any]) -> jax.Array:
    """All state leaves -> those that learn, in one row `[n]`."""
    return _join([leaves[i] for i in learning(graph)])


def leaves(graph: Graph, flat: jax.Array) -> list[jax.Array]:
    """A row `[n]` -> the state leaves that learn, and those alone."""
    like = [graph.h_in[i] for i in learning(graph)]
    parts = jnp.split(flat, np.cumsum([v.size for v in like])[:-1].tolist()) if like else []
    return [p.reshape(v.shape).astype(v.dtype) for p, v in zip(parts, like)]


def empty(graph: Graph) -> jax.Array:
    """A row of zeros."""
    return row(graph, [jnp.zeros(v.shape, v.dtype) if is_float(v) else None for v in graph.h_in])


def owed(graph: Graph, signal: Signal) -> jax.Array:
    """dL/dh of the state that enters the window, in one row."""
    return row(graph, [None if d is None else d[0] for d in signal.leaves])


def keys(obs: Obs) -> jax.Array:
    """A random key for each step of the window."""
    return jax.random.split(obs.key, len(jax.tree.leaves(obs.at[1:])[0]))


def trained(graph: Graph, static: Sequence[Any]) -> list[Any]:
    """The trained ones of the frontier's values."""
    return [s for s, on in zip(static, graph.trained) if on]


def ahead(graph: Graph, static: Sequence[Any], state: Sequence[Any], x: Sequence[Any], tangent: jax.Array) -> jax.Array:
    """`(dh'/dh) v` for a row `v`, by forward mode."""
    on = learning(graph)
    outs = [graph.h_out[i] for i in on]
    move = lambda h: plain_step(graph, static, _put(graph, state, h), x, outs)
    moved = jax.jvp(move, ([state[i] for i in on],), (leaves(graph, tangent),))[1]
    return _join(moved)


def back(
    graph: Graph, static: Sequence[Any], state: Sequence[Any], x: Sequence[Any], marks: Sequence[Value] = ()
) -> Back:
    """The step's reverse mode, from row to row. What `marks` deliver gets cotangents of its own, and then their weights none."""
    on = learning(graph)

    def move(h: list[Any], live: list[Any], nudge: list[Any]) -> list[Any]:
        values = dict(zip(trained(graph, graph.frontier), live))
        return _advance(graph, static, values, _put(graph, state, h), x, dict(zip(marks, nudge)))

    nudge = [jnp.zeros(y.shape, y.dtype) for y in marks]
    pull = jax.vjp(move, [state[i] for i in on], trained(graph, static), nudge)[1]

    def run(cotangent: jax.Array) -> tuple[jax.Array, list[jax.Array], list[jax.Array]]:
        h, values, delivered = pull(leaves(graph, cotangent))
        return _join(h), values, delivered

    return run


def _join(arrays: Sequence[jax.Array]) -> jax.Array:
    return jnp.concatenate([a.reshape(-1) for a in arrays]) if arrays else jnp.zeros(0)


def _put(graph: Graph, state: Sequence[Any], h: Sequence[Any]) -> list[Any]:
    now = dict(zip(learning(graph), h))
    return [now.get(i, s) for i, s in enumerate(state)]


def _advance(
    graph: Graph, static: Sequence[Any], live: dict[Value, Any], state: Sequence[Any], x: Sequence[Any],
    nudge: dict[Value, Any],
) -> list[Any]:  # fmt: skip
    """The new states that learn, so that reverse mode crosses every equation; `live` values stand for those of the frontier."""
    fixed = {**graph.program.consts, **dict(zip(graph.frontier, static))}
    env = {**fixed, **live, **dict(zip(graph.program.ins[graph.n_params :], [*state, *x]))}
    outs = [graph.h_out[i] for i in learning(graph)]
    need = up(graph.eqns, outs)
    get = lambda a, of: a.val if isinstance(a, Const) else of[a]
    for e in (e for e in graph.eqns if any(v in need for v in e.outs)):
        args = [get(a, env) for a in e.ins]
        if e.outs[0] in nudge:
            made = [e(args[0], get(e.ins[1], fixed))[0] + nudge[e.outs[0]]]
        else:
            made = cross(e, graph.solvers[e], args) if e in graph.solvers else e(*args)
        env.update(zip(e.outs, made))
    return [get(v, env) for v in outs]
