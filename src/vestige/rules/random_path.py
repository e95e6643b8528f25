"""Random-path RTRL: influence crosses from neuron to neuron along a few paths, drawn anew at each step."""

from functools import cache, lru_cache
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from ..graph import Graph
from .couplings import couplings
from .influence import back, empty, keys, owed, size, trained
from .types import Obs, Rule, Signal, Update, present


@cache
def random_path(k: int = 4, seed: int = 0) -> Rule:
    """RTRL with k of the n neurons as sources of recurrent credit, drawn anew at each step without repetition.

        M <- (D + (n / k) R Q) M + dh'/dtheta ;      dtheta = present + < dL/dh_0, M_0 >

    dh'/dh = D + R; D: what each neuron (position) does to its own states, always kept; R: what it does to others'; Q: one for the
    states of the neurons drawn, else zero. Draws of different steps are independent, so the mean of a product is the product of
    the means: the mean over draws is BPTT's gradient for every window. At k >= n it is RTRL.

    The paper shows that k random paths of the recurrent Jacobian are enough to learn from. Drawing anew at each step, leaving a
    neuron's own dynamics whole, and the weight n / k are added here: they make the mean right, at the price of variance (k = 1
    of 32 is rarely drawn, and then very large). Neurons that no mark reads are not drawn. Without positions
    (`trace_graph(..., positions=False)`) each state stands for itself.

    Memory `states * parameters` per example; compute per step one pull per state, and per parameter `states * (k + 1) S`
    products instead of `states^2`, S states a neuron.

    Raises:
        ValueError: k is not an integer of at least 1.

    Source: after Shalev Merin, "Massive redundancy in gradient transport enables sparse online learning", 2026, arXiv 2603.15195.
    """
    if not isinstance(k, int) or isinstance(k, bool) or k < 1:
        raise ValueError(f"k is {k!r}; give the number of neurons drawn at each step, an integer of at least 1")

    def init(graph: Graph, static: list[Any]) -> list[jax.Array]:
        n = empty(graph)
        return [jnp.zeros((n.size, *v.shape), jnp.result_type(n, v.dtype)) for v in trained(graph, static)]

    def update(graph: Graph, trace: Any, obs: Obs, signal: Signal) -> Update:
        at, (static, states, xs) = places(graph), obs.at

        def step(trace: Any, now: Any) -> Any:
            key, state, x = now
            like = empty(graph)
            J, local, _ = jax.vmap(back(graph, static, state, x))(jnp.eye(like.size, dtype=like.dtype))
            onward = _transport(at, J, k, key)
            return [(onward(M) + b).astype(M.dtype) for M, b in zip(trace, local)], None

        d, live = owed(graph, signal), trained(graph, static)
        past = [jnp.tensordot(d, M, 1).astype(v.dtype) for M, v in zip(trace, live)]
        new, _ = jax.lax.scan(step, trace, (keys(obs), states, xs))
        return Update(new, present(obs, signal), [None] * len(graph.edges), past)

    return Rule(init, update, "full", seed=seed)


class Places(NamedTuple):
    """`label [n]`: the neuron of each state; `own [S, n]`: all states of that neuron; `sources [Q, S]`: states of the neurons
    from which credit crosses; -1 pads."""

    label: np.ndarray
    own: np.ndarray
    sources: np.ndarray


@lru_cache(64)
def places(graph: Graph) -> Places:
    """Which states are whose."""
    n = size(graph)
    if graph.positions:
        c = couplings(graph)
        label = np.unique(c.position, return_inverse=True)[1]
        cross = (c.onward[:n] & ~c.inside[:n]).any(1)
    else:
        label, cross = np.arange(n), np.ones(n, bool)
    S = int(np.bincount(label).max(initial=0))
    states = np.full((n and label.max() + 1, S), -1)
    for q, row in enumerate(states):
        mine = np.flatnonzero(label == q)
        row[: len(mine)] = mine
    return Places(label, states[label].T, states[np.unique(label[cross])])


def _transport(at: Places, J: jax.Array, k: int, key: jax.Array) -> Any:
    """`(D + (n / k) R Q) M` as a function of M."""
    pick = lambda M, s: jnp.where((s >= 0).reshape(-1, *(1,) * (M.ndim - 1)), M[jnp.maximum(s, 0)], 0)
    own = [jnp.where(s >= 0, jnp.take_along_axis(J, np.maximum(s, 0)[:, None], 1)[:, 0], 0) for s in at.own]
    n = len(at.sources)
    drawn = jnp.asarray(at.sources)
    if k < n:
        drawn = drawn[jax.random.choice(key, n, (k,), replace=False)]
    s = drawn.reshape(-1)
    others = (s >= 0) & (jnp.asarray(at.label)[s] != at.label[:, None])
    crossing = jnp.where(others, J[:, s], 0) * (n / min(k, max(n, 1)))

    def onward(M: jax.Array) -> jax.Array:
        lay = lambda v: v.reshape(-1, *(1,) * (M.ndim - 1))
        stay = sum((lay(j) * pick(M, s) for j, s in zip(own, at.own)), jnp.zeros_like(M))
        return stay + jnp.tensordot(crossing, pick(M, s), 1)

    return onward
