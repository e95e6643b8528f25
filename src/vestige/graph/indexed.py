"""Primitives that take elements by index, or sum products of them: what they do to an array of ids."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import jax
import numpy as np

from .program import Equation

if TYPE_CHECKING:
    from .ids import Walk

Ids = np.ndarray


def _dot(walk: "Walk", e: Equation, ids: list[Ids], vals: list[Any]) -> Ids:
    (ca, cb), (ba, bb) = e.params["dimension_numbers"]
    sides = []
    for x, c, d in ((ids[0], ca, ba), (ids[1], cb, bb)):
        free = [i for i in range(x.ndim) if i not in c and i not in d]
        x = x.transpose(*d, *free, *c)
        sides.append(walk.join(x, range(len(d) + len(free), x.ndim), e).reshape(x.shape[: len(d) + len(free)]))
    a, b = sides
    n = len(ba)
    return walk.meet(
        a.reshape(a.shape + (1,) * (b.ndim - n)), b.reshape(b.shape[:n] + (1,) * (a.ndim - n) + b.shape[n:]), e
    )


def _dynamic_slice(walk: "Walk", e: Equation, ids: list[Ids], vals: list[Any]) -> Ids:
    start, sizes = [v() for v in vals[1:]], e.params["slice_sizes"]
    if any(s is None for s in start):
        # a moving window: every element along the axes that it cuts may be read
        cut = [d for d, (a, b) in enumerate(zip(ids[0].shape, sizes)) if a != b]
        return np.broadcast_to(walk.join(ids[0], cut, e), sizes)
    at = [int(np.clip(s, 0, n - k)) for s, n, k in zip(start, ids[0].shape, sizes)]
    return ids[0][tuple(slice(a, a + k) for a, k in zip(at, sizes))]


def _dynamic_update_slice(walk: "Walk", e: Equation, ids: list[Ids], vals: list[Any]) -> Ids:
    start, sizes = [v() for v in vals[2:]], ids[1].shape
    if any(s is None for s in start):
        cut = [d for d, (a, b) in enumerate(zip(ids[0].shape, sizes)) if a != b]
        return walk.meet(walk.join(ids[0], cut, e), walk.join(ids[1], cut, e), e)
    out = ids[0].copy()
    at = [int(np.clip(s, 0, n - k)) for s, n, k in zip(start, out.shape, sizes)]
    out[tuple(slice(a, a + k) for a, k in zip(at, sizes))] = ids[1]
    return out


def _gather(walk: "Walk", e: Equation, ids: list[Ids], vals: list[Any]) -> Ids:
    index = vals[1]()
    if index is None:
        return np.broadcast_to(walk.unknown(e, ids, vals)[0], e.outs[0].shape)
    taken = _taken(e, ids[0], index)
    if taken is not None:
        return taken
    with jax.ensure_compile_time_eval():
        out = np.asarray(e(jax.numpy.asarray(ids[0], np.int32), index)[0])
    return np.where((out < 0) | (out >= np.iinfo(np.int32).max), -1, out)


def _taken(e: Equation, ids: Ids, index: Any) -> Ids | None:
    """Whole slices along one axis, the most frequent gather: without asking the compiler."""
    d, at = e.params["dimension_numbers"], np.asarray(index)
    axes = tuple(d.start_index_map)
    if len(axes) != 1 or tuple(d.collapsed_slice_dims) != axes or at.shape[-1] != 1 or d.operand_batching_dims:
        return None
    (axis,), at = axes, at[..., 0]
    whole = all(n == size for k, (n, size) in enumerate(zip(ids.shape, e.params["slice_sizes"])) if k != axis)
    after = tuple(k for k in range(at.ndim + ids.ndim - 1) if not axis <= k < axis + at.ndim)
    inside = not at.size or (at.min() >= 0 and at.max() < ids.shape[axis])
    return np.take(ids, at, axis) if whole and inside and tuple(d.offset_dims) == after else None


INDEXED: dict[str, Callable[..., Any]] = {
    "dot_general": _dot, "gather": _gather,
    "dynamic_slice": _dynamic_slice, "dynamic_update_slice": _dynamic_update_slice,
}  # fmt: skip
