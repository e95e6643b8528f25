"""One step around its own values: what each weight does to its population, and what the population does to itself."""

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp

from .program import Const, run
from .solver import forwardable, jacobian
from .types import Graph

stop = jax.lax.stop_gradient


def linearize(
    g: Graph, static: Sequence[jax.Array], saved: Sequence[jax.Array]
) -> tuple[list[Any], list[Any], list[Any]]:
    """`pre`: x per edge; `post`: dh'/dy per edge `[S, *out]`; `trans`: dh'/dh per group `[S, S, P]`."""
    env = {**g.program.consts, **dict(zip([*g.frontier, *g.saved], [*static, *saved]))}
    post: list[Any] = [None] * len(g.edges)
    trans = []
    for q in g.groups:
        edges = [g.edges[n] for n in q.edges]
        source = [*(g.h_in[i] for i in q.states), *(e.y for e in edges)]
        lays = [*q.layouts, *(e.layout for e in edges if e.layout is not None)]
        steps = [forwardable(e) for e in q.eqns]

        def advance(*vals: Any) -> jax.Array:
            new = run(steps, {**env, **dict(zip(source, vals))})  # noqa: B023
            return q.fold([new[g.h_out[i]] for i in q.states])  # noqa: B023  # type: ignore[index]

        columns = jacobian(advance, [env[v] for v in source], lays)  # [S + sum of depths, S, P]
        trans.append(jnp.swapaxes(columns[: q.S], 0, 1))
        at = q.S
        for n, lay in zip(q.edges, lays[len(q.states) :]):
            post[n] = lay.unfold(jnp.swapaxes(columns[at : at + lay.depth], 0, 1))
            at += lay.depth
    one = lambda e: jnp.ones((), e.y.dtype)
    pre = [one(e) if e.x is None else e.x.val if isinstance(e.x, Const) else env[e.x] for e in g.edges]
    return stop((pre, post, trans))
