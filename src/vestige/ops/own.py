"""The identity edge of an unmarked parameter that each position reads as its own."""

from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np


@dataclass(frozen=True, eq=False)
class Own:
    """`y = w`: position `p` owns, in colour `c`, element `where[c, p]` of the flat value (-1: none). Trace: `[C, P]`."""

    where: np.ndarray
    shape: tuple[int, ...]

    def apply(self, x: jax.Array, w: jax.Array) -> jax.Array:
        return w

    def correlate(self, x: jax.Array, g: jax.Array) -> jax.Array:
        return (g * x.reshape(-1, *(1,) * len(self.shape))).sum(0)

    def imprint(self, x: jax.Array, g: jax.Array) -> jax.Array:
        return (g * x[:, None, None]).sum(0)

    def at_post(self, v: jax.Array) -> jax.Array:
        return v

    def drain(self, e: jax.Array) -> jax.Array:
        if self.where.size == np.prod(self.shape) and (self.where.reshape(-1) == np.arange(self.where.size)).all():
            return e.reshape(self.shape)
        hit = jnp.where(self.where >= 0, e, 0)
        flat = jnp.zeros(int(np.prod(self.shape)), e.dtype)
        return flat.at[np.maximum(self.where, 0).reshape(-1)].add(hit.reshape(-1)).reshape(self.shape)
