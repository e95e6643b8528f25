"""Full real-time recurrent learning: the influence of every parameter on every state."""

from functools import cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from .._compat import is_float
from ..graph import Graph, plain_step
from .types import Obs, Rule, Signal, Update, present


@cache
def rtrl() -> Rule:
    """Exact online gradients for any step, whatever it couples.

        M <- (dh'/dh) M + dh'/dtheta ;      dtheta = present + < dL/dh_0, M_0 >

    Memory `states * parameters`, compute per step one forward tangent of the whole step per parameter: for small networks
    and as the reference of the others. Needs no positions. Equals BPTT.

    Source: Williams & Zipser, "A learning algorithm for continually running fully recurrent neural networks", 1989.
    """

    def init(graph: Graph, static: list[Any]) -> list[Any]:
        n = sum(s.size for s in _trained(graph, static))
        return [jnp.zeros((n, *h.shape), h.dtype) if is_float(h) else None for h in graph.h_in]

    def update(graph: Graph, trace: Any, obs: Obs, signal: Signal) -> Update:
        static, states, xs = obs.at
        live = _trained(graph, static)
        owed = [jnp.einsum("n...,...->n", m, d[0]) for m, d in zip(trace, signal.leaves) if m is not None]
        past = _split(jnp.stack(owed).sum(0), live) if owed else [jnp.zeros_like(s) for s in live]

        def step(influence: Any, now: Any) -> Any:
            state, x = now
            return _push(graph, static, state, x, influence), None

        trace, _ = jax.lax.scan(step, trace, (states, xs))
        return Update(trace, present(obs, signal), [None] * len(graph.edges), past)

    return Rule(init, update, "full")


def _trained(graph: Graph, static: list[Any]) -> list[Any]:
    return [s for s, on in zip(static, graph.trained) if on]


def _split(flat: jax.Array, like: list[Any]) -> list[jax.Array]:
    parts = jnp.split(flat, np.cumsum([s.size for s in like])[:-1].tolist())
    return [p.reshape(s.shape).astype(s.dtype) for p, s in zip(parts, like)]


def _push(graph: Graph, static: list[Any], state: list[Any], x: list[Any], influence: list[Any]) -> list[Any]:
    """One step of forward mode per parameter: `[N, *h]` -> `[N, *h']`."""
    on = [m is not None for m in influence]
    live = _trained(graph, static)

    def advance(h: list[Any], params: list[Any]) -> list[Any]:
        h, params = list(h), list(params)
        full_h = [h.pop(0) if k else s for k, s in zip(on, state)]
        full_p = [params.pop(0) if k else s for k, s in zip(graph.trained, static)]
        new = plain_step(graph, full_p, full_h, x, graph.h_out)
        return [a for a, k in zip(new, on) if k]

    flat = jnp.eye(sum(s.size for s in live))
    basis = [
        b.reshape(-1, *s.shape).astype(s.dtype)
        for b, s in zip(jnp.split(flat, np.cumsum([s.size for s in live])[:-1].tolist(), 1), live)
    ]
    here = [s for s, k in zip(state, on) if k]
    tangent = lambda m, b: jax.jvp(advance, (here, live), (m, b))[1]
    moved = iter(jax.vmap(tangent)([m for m in influence if m is not None], basis))
    return [next(moved) if k else None for k in on]
