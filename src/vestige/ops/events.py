"""Sparse products that look only at the synapses of inputs that are not zero."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

CHUNK = 1 << 14  # synapses handled at once
FEW = 8  # events pay while at most one input, and one synapse, in so many takes part

Add = Callable[[Any, jax.Array, jax.Array, jax.Array], Any]


def take(a: jax.Array, at: jax.Array) -> jax.Array:
    """`a[at]`, for indices known to lie inside."""
    return a.at[at].get(mode="promise_in_bounds", wrap_negative_indices=False)


def add_at(a: jax.Array, at: jax.Array, v: jax.Array) -> jax.Array:
    """`a` with `v` added at those places, one after the other."""
    return a.at[at].add(v, mode="promise_in_bounds", wrap_negative_indices=False)


def few(start: jax.Array, x: jax.Array) -> jax.Array:
    """Do so few of the inputs `x [K, n]` differ from zero, in every step, that events are cheaper? `start [n + 1]` is where
    each input's synapses begin."""
    on = x != 0
    reached = jnp.where(on, jnp.diff(start), 0).sum(-1)
    return (on.sum(-1).max() <= _room(x.shape[-1])) & (reached.max() * FEW <= start[-1])


def walk(start: jax.Array, x: jax.Array, chunk: int, add: Add, total: Any) -> Any:
    """`total <- add(total, x_i, synapse, real)` over the synapses of inputs `x [n]` that are not zero, `chunk` of them at a
    time and in order; where not `real`, the place only fills the chunk."""
    n, room = len(x), _room(len(x))
    (at,) = jnp.nonzero(x, size=room, fill_value=n)
    at = at.astype(start.dtype)
    first = take(start, at)
    count = jnp.where(at < n, take(start, jnp.minimum(at + 1, n)) - first, 0)
    end = jnp.cumsum(count)

    def body(now: Any) -> Any:
        k, total = now
        j = k + jnp.arange(chunk, dtype=k.dtype)
        i = jnp.minimum(jnp.searchsorted(end, j, side="right"), room - 1)
        real = j < end[-1]
        synapse = jnp.where(real, take(first - end + count, i) + j, 0)
        return k + chunk, add(total, take(x, jnp.minimum(take(at, i), n - 1)), synapse, real)

    return jax.lax.while_loop(lambda now: now[0] < end[-1], body, (jnp.zeros((), start.dtype), total))[1]


def _room(n: int) -> int:
    return -(-n // FEW)
