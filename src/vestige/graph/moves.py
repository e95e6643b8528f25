"""Primitives that only move elements: what they do to an array of ids. -1 is `no id`."""

from collections.abc import Callable
from typing import Any

import numpy as np

Ids = np.ndarray

# one output element depends on the elements at the same place alone
ELEMENTWISE = frozenset(
    """add add_any sub mul div rem neg exp exp2 expm1 log log1p tanh logistic sin cos tan asin acos atan sinh cosh asinh
    acosh atanh atan2 max min pow integer_pow sqrt rsqrt cbrt square abs select_n clamp convert_element_type erf erfc
    erf_inv lgamma digamma igamma igammac copy copy_p nextafter reduce_precision optimization_barrier pvary real imag
    untraced heaviside_surrogate_gradient bessel_i0e bessel_i1e regularized_incomplete_beta""".split()
)


def _broadcast(a: Ids, *, shape: Any, broadcast_dimensions: Any, **_: Any) -> Ids:
    lay = [1] * len(shape)
    for n, d in enumerate(broadcast_dimensions):
        lay[d] = a.shape[n]
    return np.broadcast_to(a.reshape(lay), shape)


def _slice(a: Ids, *, start_indices: Any, limit_indices: Any, strides: Any, **_: Any) -> Ids:
    steps = strides or (1,) * a.ndim
    return a[tuple(slice(b, e, s) for b, e, s in zip(start_indices, limit_indices, steps))]


def _pad(a: Ids, _: Ids, *, padding_config: Any, **__: Any) -> Ids:
    for axis, (low, high, inner) in enumerate(padding_config):
        n = a.shape[axis]
        wide = np.full((*a.shape[:axis], n + max(n - 1, 0) * inner, *a.shape[axis + 1 :]), -1)
        wide[(slice(None),) * axis + (slice(None, None, inner + 1),)] = a
        wide = np.pad(
            wide, [(max(low, 0), max(high, 0)) if d == axis else (0, 0) for d in range(a.ndim)], constant_values=-1
        )
        cut = slice(max(-low, 0), wide.shape[axis] - max(-high, 0))
        a = wide[(slice(None),) * axis + (cut,)]
    return a


def _split(a: Ids, *, sizes: Any, axis: int, **_: Any) -> list[Ids]:
    return np.split(a, np.cumsum(sizes)[:-1], axis)


def _unstack(a: Ids, *, axis: int, **_: Any) -> list[Ids]:
    return list(np.moveaxis(a, axis, 0))


def _tile(a: Ids, *, reps: Any = None, repeats: Any = None, **_: Any) -> Ids:
    return np.tile(a, tuple(reps if reps is not None else repeats))


MOVES: dict[str, Callable[..., Any]] = {
    "reshape": lambda a, *_, new_sizes, **__: a.reshape(new_sizes),
    "transpose": lambda a, *, permutation, **_: a.transpose(permutation),
    "squeeze": lambda a, *, dimensions, **_: np.squeeze(a, tuple(dimensions)),
    "expand_dims": lambda a, *, dimensions, **_: np.expand_dims(a, tuple(dimensions)),
    "rev": lambda a, *, dimensions, **_: np.flip(a, tuple(dimensions)),
    "concatenate": lambda *a, dimension, **_: np.concatenate(a, dimension),
    "stack": lambda *a, axis, **_: np.stack(a, axis),
    "broadcast_in_dim": lambda a, *_, **k: _broadcast(a, **k),
    "slice": _slice,
    "pad": _pad,
    "split": _split,
    "unstack": _unstack,
    "tile": _tile,
}
