"""Products over the block of a position: tiny matrices, one for each of many positions."""

import jax
import jax.numpy as jnp

# CPU compilers are slow at sums over a tiny axis; written out, the products of a block fuse with all around them
UNROLLED = 8


def times(D: jax.Array, v: jax.Array) -> jax.Array:
    """`D v`: `[S, S, ...]` by `[S, ...]`; what trails is broadcast."""
    S = len(v)
    if S > UNROLLED:
        return (D * v[None]).sum(1)
    return jnp.stack([over(D[i], v) for i in range(S)])


def over(a: jax.Array, b: jax.Array) -> jax.Array:
    """`<a, b>` over the leading axis; what trails is broadcast."""
    if len(b) > UNROLLED:
        return (a * b).sum(0)
    out = a[0] * b[0]
    for s in range(1, len(b)):
        out = out + a[s] * b[s]
    return out


def after(D: jax.Array, E: jax.Array) -> jax.Array:
    """`D E`: both `[S, S, P]`."""
    return jax.vmap(times, (None, 1), 1)(D, E)
