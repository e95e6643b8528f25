"""What a convolution's kernel sees at each position, laid side by side, so that its products are those of matrices."""

from collections.abc import Callable, Sequence
from itertools import product

import jax
import jax.numpy as jnp

Padding = str | tuple[tuple[int, int], ...]
AT_ONCE = 1 << 20  # bytes of patches that are formed at a time: they lie in the cache when they are read


def patches(
    x: jax.Array, kernel: Sequence[int], strides: Sequence[int], padding: Padding, dilation: Sequence[int] | None
) -> jax.Array:
    """Of images `[n, *space, c]`, with the options of `jax.lax.conv_general_dilated`: `[n, *space', places, c]`, the places
    of the kernel in its order."""
    dilation = dilation or (1,) * len(kernel)
    reach = [(k - 1) * d + 1 for k, d in zip(kernel, dilation)]
    pads = jax.lax.padtype_to_pads(x.shape[1:-1], reach, strides, padding) if isinstance(padding, str) else padding
    # numbers below zero cut off
    x = jax.lax.pad(x, jnp.zeros((), x.dtype), [(0, 0, 0), *((lo, hi, 0) for lo, hi in pads), (0, 0, 0)])
    last = [n - r for n, r in zip(x.shape[1:-1], reach)]  # where the last window begins

    def seen(place: tuple[int, ...]) -> jax.Array:
        at = [p * d for p, d in zip(place, dilation)]
        ends = [a + n + 1 for a, n in zip(at, last)]
        return jax.lax.slice(x, (0, *at, 0), (len(x), *ends, x.shape[-1]), (1, *strides, 1))

    return jnp.stack([seen(place) for place in product(*map(range, kernel))], -2)


def by_parts(add: Callable[[jax.Array, jax.Array], jax.Array], x: jax.Array, g: jax.Array, each: int) -> jax.Array:
    """`add(x, g)`, a sum over the leading axis, some of it at a time: `each` bytes of patches an image."""
    many = max(1, AT_ONCE // max(each, 1))
    parts = len(x) // many
    if parts < 2:
        return add(x, g)
    first = [a[: parts * many].reshape(parts, many, *a.shape[1:]) for a in (x, g)]
    zero = jnp.zeros_like(jax.eval_shape(add, x, g))
    total = jax.lax.scan(lambda e, now: (e + add(*now), None), zero, tuple(first))[0]
    return total + add(x[parts * many :], g[parts * many :]) if len(x) % many else total
