"""Full traces read step by step: each step's own signal meets the trace that its step began with."""

from typing import Any

import jax
import jax.numpy as jnp

from ..graph import Edge, Graph, GraphError, jacobians
from .block import over, times
from .d_rtrl import advance, suffix_products
from .types import Obs, Signal, Update, present


def instant(graph: Graph, trace: Any, obs: Obs, signal: Signal) -> Update:
    """`e <- D e + f x^T ; dW = sum_t x_t dL_t/dy_t + < dL_t/dh_{t-1}, e_{t-1} >`, with the `D` that `obs` shows."""
    trans = jacobians(graph, obs.trans)
    ways = [suffix_products(d) for d in trans]
    late = [arrears(d, s) for d, s in zip(trans, signal.entry)]
    uses, past, new = present(obs, signal), list[Any]([None] * len(trace)), list(trace)
    for n, (edge, e) in enumerate(zip(graph.edges, trace)):
        if e is not None:
            new[n], uses[n], past[n] = step_by_step(edge, e, n, obs, signal, edge.of(ways), edge.of(late))
    return Update(new, uses, past)


def step_by_step(edge: Edge, e: Any, n: int, obs: Obs, signal: Signal, way: Any, late: Any) -> tuple[Any, Any, Any]:
    """One edge: its next trace, what its inputs meet, and what its old trace meets."""
    first, c = late
    owed = edge.share(jax.vmap(over)(edge.spread(c), obs.post[n]))
    return (
        advance(edge, e, obs.pre[n], obs.post[n], *way),
        [(obs.pre[n], signal.mark[n] + owed)],
        (edge.spread(first), e),
    )


def arrears(D: jax.Array, entry: jax.Array) -> tuple[jax.Array, jax.Array]:
    """`c_t = L_{t+1} + D_{t+1}^T c_{t+1}`: credit of later steps for the state after step t; c_0 for the window's entry."""

    def step(c: jax.Array, now: Any) -> Any:
        d, signal = now
        return signal + times(jnp.swapaxes(d, 0, 1), c), c

    return jax.lax.scan(step, jnp.zeros_like(entry[0]), (D, entry), reverse=True)


def formed_only(graph: Graph, rule: str) -> None:
    """Raises GraphError where dh'/dh is not formed."""
    large = [q for q in graph.groups if q.large]
    if large:
        raise GraphError(
            f"{rule} needs dh'/dh of {', '.join(large[0].names)}, whose blocks of {large[0].S} states are too large to form "
            f"it; use D-RTRL, or trace with `max_block={large[0].S}`"
        )
