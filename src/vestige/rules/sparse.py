"""A sparse influence moved by the step: what SnAp-n and coupled OSTL share."""

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ..graph import Graph
from .influence import back, empty, owed, trained
from .kept import Choose, Kept, Part, layout
from .types import Obs, Rule, Signal, Update, present


def sparse(choose: Choose) -> Rule:
    """The rule whose influence keeps the states that `choose` tells; one step a window.

    M <- ((dh'/dh) M + dh'/dtheta) on what is kept ;      dtheta = present + < dL/dh_0, M_0 >
    """

    def init(graph: Graph, static: list[Any]) -> list[list[jax.Array]]:
        dtype = empty(graph).dtype
        return [[jnp.zeros(p.local.shape, dtype) for p in k.parts] for k in layout(graph, choose)]

    def update(graph: Graph, trace: Any, obs: Obs, signal: Signal) -> Update:
        kept, (static, states, xs) = layout(graph, choose), obs.at
        d, live = owed(graph, signal), trained(graph, static)
        past = [_read(k, M, d, v) for k, M, v in zip(kept, trace, live)]
        now = [a[0] for a in states], [a[0] for a in xs]
        return Update(_advance(graph, kept, trace, static, *now), present(obs, signal), [None] * len(graph.edges), past)

    return Rule(init, update, "full", window=1)


def _advance(graph: Graph, kept: Sequence[Kept], trace: Any, static: list[Any], state: list[Any], x: list[Any]) -> Any:
    pull, like = back(graph, static, state, x), empty(graph)
    J = jax.vmap(lambda c: pull(c)[0])(jnp.eye(like.size, dtype=like.dtype))
    # values with the same pulls share them
    share: dict[bytes, list[int]] = {}
    for v, k in enumerate(kept):
        if k.parts:
            share.setdefault(k.pulls.tobytes(), []).append(v)
    new = list(trace)
    for values in share.values():
        masks = jnp.asarray(kept[values[0]].pulls, like.dtype)
        local = jax.vmap(lambda c, values=values: [pull(c)[1][v] for v in values])(masks)
        for v, here in zip(values, local):
            flat = jnp.append(here.reshape(-1), 0).astype(like.dtype)
            new[v] = [_moved(p, J, M, flat).astype(M.dtype) for p, M in zip(kept[v].parts, trace[v])]
    return new


def _moved(p: Part, J: jax.Array, M: jax.Array, pulled: jax.Array) -> jax.Array:
    """`J M + dh'/dtheta`; `pulled`: the pulls laid flat, and a zero for what does nothing."""
    some, at = p.states >= 0, np.maximum(p.states, 0)
    inner = jnp.where(some[:, :, None] & some[:, None, :], J[at[:, :, None], at[:, None, :]], 0)
    here = jnp.take(pulled, np.where(p.local >= 0, p.local, pulled.size - 1), mode="clip")
    return jnp.einsum("cij,cmj->cmi", inner, M) + here


def _read(k: Kept, trace: list[jax.Array], d: jax.Array, value: jax.Array) -> jax.Array:
    """`< dL/dh, M >`, laid on the value."""
    got = jnp.zeros(value.size, value.dtype)
    for p, M in zip(k.parts, trace):
        wanted = jnp.where(p.states >= 0, d[np.maximum(p.states, 0)], 0)
        at = np.where(p.members >= 0, p.members, value.size)
        got = got.at[at].add(jnp.einsum("ci,cmi->cm", wanted, M).astype(got.dtype), mode="drop")
    return got.reshape(value.shape)
