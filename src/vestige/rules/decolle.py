"""DECOLLE: every layer has a loss of its own, at a fixed random readout."""

from functools import lru_cache
from typing import Any

import jax
import jax.numpy as jnp

from ..graph import Graph, Route
from .d_rtrl import d_rtrl
from .told import output_of, parts, projections, rows
from .types import Rule, Teaching, Told


@lru_cache(typed=True)
def decolle(seed: int = 0) -> Rule:
    """Deep continuous local learning.

        eps <- D eps + f x^T ;      dW_l = sum_t (dL(G_l s_l,t , y*_t)/ds_l) (ds_l/dh) eps_t

    Each population that a marked weight reads is judged by the user's loss on a fixed random readout `G_l` of what is read
    of it, of the size of the output; no credit passes from layer to layer. The readout itself learns from the loss. Memory as
    `d_rtrl`, plus `neurons * outputs` for each G. Not the gradient of the loss; the gradient of the sum of local losses
    exactly, for layers without recurrent weights.

    Source: Kaiser, Mostafa & Neftci, "Synaptic plasticity dynamics for deep continuous local learning (DECOLLE)", 2020.
    """

    def start(graph: Graph, params: Any) -> dict[str, jax.Array]:
        n = max(output_of(graph, "DECOLLE").size, 1)
        return projections(seed, {name: (x.size, n) for name, x in parts(graph).items()})

    def wanted(readouts: dict[str, jax.Array], told: Told) -> jax.Array:
        shape, total = jnp.shape(jax.tree.leaves(told.output)[0]), jnp.zeros(())
        for name, read in told.shown.read.items():
            G = readouts[name].astype(read.dtype)
            said = jax.tree.unflatten(jax.tree.structure(told.output), [(rows(read, len(G)) @ G).reshape(shape)])
            total += told.loss(said, told.target)
        return total

    return d_rtrl()._replace(route=Route(told=True), teach=Teaching(step=wanted), lasting=start)
