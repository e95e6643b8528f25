"""Rows of a table picked by an integer."""

from dataclasses import dataclass

import jax
import jax.numpy as jnp

from .operator import Unshared


@dataclass(frozen=True)
class Embedding(Unshared):
    """`y = w[x]` with an integer `x: []` and `w: [num, features]`."""

    num: int

    def apply(self, x: jax.Array, w: jax.Array) -> jax.Array:
        return jnp.take(w, x, axis=0)

    def correlate(self, x: jax.Array, g: jax.Array) -> jax.Array:
        return jnp.zeros((self.num, *g.shape[1:]), g.dtype).at[x].add(g)

    def at_post(self, v: jax.Array) -> jax.Array:
        return v[None]
