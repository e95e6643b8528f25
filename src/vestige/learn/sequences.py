"""Sequences on the host: checked once, cut into batches, time first."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

Sequences = tuple[Any, Any]


def batch(tree: Any, index: np.ndarray, size: int | None) -> Any:
    """Sequences to the layout of a learner: `[N, T, ...]` to `[T, B, ...]`, or `[T, ...]` without a batch."""
    take = (lambda a: a[index[0]]) if size is None else (lambda a: np.ascontiguousarray(a[index].swapaxes(0, 1)))
    return jax.tree.map(take, tree)


def mask_of(mask: Any, steps: int) -> jax.Array:
    mask = jnp.ones(steps) if mask is None else jnp.asarray(mask, float)
    if mask.shape != (steps,) or not float(mask.sum()) > 0:
        raise ValueError(
            f"mask has shape {mask.shape} and sum {float(mask.sum())}; one weight a step is needed: [{steps}]"
        )
    return mask


def checked(data: Sequences, what: str) -> Sequences:
    data = jax.tree.map(np.asarray, tuple(data))
    leads = [a.shape[:2] for a in jax.tree.leaves(data)]
    if len(set(leads)) > 1 or len(leads[0]) < 2 or 0 in leads[0]:
        raise ValueError(
            f"{what}: xs and targets must both lead with [N, T], got {[a.shape for a in jax.tree.leaves(data)]}. "
            "For one label a sequence give it at every step: np.broadcast_to(y[:, None], (N, T))."
        )
    if not all(np.isfinite(a).all() for a in jax.tree.leaves(data) if np.issubdtype(a.dtype, np.inexact)):
        raise ValueError(f"{what} holds values that are not finite (NaN or infinity): clean them first")
    return data
