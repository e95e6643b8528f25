"""Traces `[S, *unshared]` of an edge: how they move with their neurons, and what a product of factors forms."""

import jax
import jax.numpy as jnp

from ..graph import Edge
from .block import UNROLLED, times


def imprints(edge: Edge, x: jax.Array, f: jax.Array) -> jax.Array:
    """`sum_t f_t x_t` for each state, `[S, *unshared]`: `x [K, *in]`, `f [K, S, *out]`."""
    one = lambda f: edge.op.imprint(x, f)
    if f.shape[1] > UNROLLED:
        return jax.vmap(one, 1)(f)
    return jnp.stack([one(f[:, s]) for s in range(f.shape[1])])


def roll(edge: Edge, D: jax.Array, e: jax.Array) -> jax.Array:
    """`D e` over the block, `D: [S, S, P]`."""
    return times(jax.vmap(jax.vmap(edge.op.at_post))(edge.spread(D)), e)
