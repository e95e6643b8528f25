"""A window gone through step by step, and pairs of all its steps in one product."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from ..graph import Graph


def step_by_step(
    one: Callable[..., Any], grads: list[jax.Array], state: Any, trace: Any, lasting: Any, key: Any, data: Any
) -> Any:
    """`one(state, trace, data, lasting, key)`, a window of a single step, for each of the K of `data`; with the pairs of all of
    them, `[K, ...]`. Of a step nothing else outlives it. `grads`: zeros, like the gradients."""

    def step(c: Any, now: Any) -> Any:
        state, trace, grads, learned = c
        data, key = jax.tree.map(lambda a: a[None], now[0]), now[1]
        w = one(state, trace, data, lasting=jax.tree.map(jnp.add, lasting, learned), key=key)
        learned = learned if w.learned is None else jax.tree.map(jnp.add, learned, w.learned)
        seen = jax.tree.map(lambda a: a[0], (w.losses, w.outputs, w.firing, w.uses))
        return (w.state, w.trace, jax.tree.map(jnp.add, grads, w.grads), learned), seen

    keys = None if key is None else jax.random.split(key, len(jax.tree.leaves(data.xs)[0]))
    start = state, trace, grads, jax.tree.map(jnp.zeros_like, lasting)
    (state, trace, grads, learned), seen = jax.lax.scan(step, start, (data, keys))
    losses, outputs, firing, uses = seen
    return state, trace, grads, losses, outputs, firing, learned, uses


def correlated(g: Graph, grads: list[Any], uses: list[Any], batch: int | None, parts: int) -> list[jax.Array]:
    """Gradients, and what pairs add to them."""
    place = {v: n for n, v in enumerate(v for v, on in zip(g.frontier, g.trained) if on)}
    grads, flat = list(grads), _flat(batch, parts)
    for edge, pairs in zip(g.edges, uses):
        n = place[edge.w]
        for x, d in pairs:
            grads[n] += edge.op.correlate(flat(x), flat(d)).astype(grads[n].dtype)
    return grads


def _flat(batch: int | None, parts: int) -> Callable[[jax.Array], jax.Array]:
    """Time and batch as one axis; examples first where devices share them, so that none leaves its device."""
    if batch is None:
        return lambda a: a
    return lambda a: (a if parts == 1 else jnp.swapaxes(a, 0, 1)).reshape(-1, *a.shape[2:])
