"""A loop over the steps of a window; of a single step there is none to compile."""

from collections.abc import Callable
from typing import Any

import jax


def over_steps(f: Callable[[Any, Any], tuple[Any, Any]], carry: Any, xs: Any) -> tuple[Any, Any]:
    """`jax.lax.scan(f, carry, xs)`."""
    if len(jax.tree.leaves(xs)[0]) > 1:
        return jax.lax.scan(f, carry, xs)
    carry, y = f(carry, jax.tree.map(lambda a: a[0], xs))
    return carry, jax.tree.map(lambda a: jax.numpy.asarray(a)[None], y)
