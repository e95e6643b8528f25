"""SLTT: spatial credit alone, at a few steps out of many."""

from functools import cache
from typing import Any

import jax
import jax.numpy as jnp

from ..graph import Graph
from .types import Obs, Rule, Signal, Update, present


@cache
def sltt(k: int | None = None, of: int | None = None, *, seed: int = 0) -> Rule:
    """Spatial learning through time.

        dW = sum_{t in chosen} x_t dL_t/dy_t ,      `k` steps chosen at random out of every `of`

    All temporal credit is dropped, and with `k < of` (SLTT-K) the backward pass of all other steps: no trace, and about
    `k / of` of the compute of a backward pass where steps are run one by one. Without `k` every step counts, which is the
    gradient of `immediate()`. Other steps draw anew in every block, also across sequences. Parameters that no marked
    weight and no population carries (a gain behind the readout) keep every step's gradient.

    Raises:
        ValueError: `k` and `of` not given together, or not `1 <= k <= of`.

    Source: Meng et al., "Towards memory- and time-efficient backpropagation for training spiking neural networks", 2023.
    """
    if (k is None) != (of is None):
        raise ValueError(f"sltt(k={k!r}, of={of!r}): give both, k steps out of every `of`, or neither")
    k, of = k or 1, of or 1
    if not 1 <= k <= of:
        raise ValueError(f"sltt(k={k}, of={of}): k is at least 1 and at most `of`")

    def chosen(t: jax.Array) -> jax.Array:
        block = jax.random.permutation(jax.random.fold_in(jax.random.key(seed), t // of), of)
        return block[t % of] < k

    def update(graph: Graph, trace: None, obs: Obs, signal: Signal) -> Update:
        K = obs.steps
        on = jax.vmap(chosen)(obs.lasting["steps"].astype(int) + jnp.arange(K))
        kept = [d * on.reshape(-1, *(1,) * (d.ndim - 1)).astype(d.dtype) for d in signal.mark]
        uses = present(obs, signal._replace(mark=kept))
        return Update(None, uses, [None] * len(graph.edges), lasting={"steps": jnp.full((), K, float)})

    start: Any = lambda graph, params: {"steps": jnp.zeros(())}
    return Rule(lambda graph, static: None, update, "instant", lasting=start, stepwise=True)
