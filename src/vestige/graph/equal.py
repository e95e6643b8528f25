"""Which numbers of a program are equal whatever its parameters, states and inputs are: a walk on arrays of number ids."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from .._compat import is_key
from .moves import ELEMENTWISE, MOVES
from .program import Atom, Equation, Value

Ids = np.ndarray

# elements of one id are one number; of what is UNKNOWN nothing is said
UNKNOWN, ZERO = -1, 0
COMPARES = frozenset("eq ne lt le gt ge and or not xor".split())
SAME = frozenset("copy copy_p stop_gradient untraced".split())
KEEPS_ZERO = frozenset("neg abs sign convert_element_type reduce_precision".split())
SUMS = frozenset("dot_general reduce_sum cumsum dynamic_slice gather".split())
MOVED = frozenset(MOVES) - {"pad"}  # there -1 fills up


def compact(a: np.ndarray) -> np.ndarray:
    """The same with length one along every axis along which nothing changes."""
    for axis, size in enumerate(a.shape):
        if size > 1:
            first = a[(slice(None),) * axis + (slice(1),)]
            a = first if a.strides[axis] == 0 or (a == first).all() else a
    return a


def level(ids: Ids) -> bool:
    """Is it one number, known to be?"""
    return bool((compact(ids) >= 0).all()) and compact(ids).size == 1


def zero(ids: Ids) -> bool:
    return bool((compact(ids) == ZERO).all())


class Numbers:
    """Ids by value. Single numbers have ids of their own; of other arrays that are not constants nothing is known."""

    def __init__(self, consts: dict[Value, Any]):
        self.ids: dict[Value, Ids] = {}
        self.consts, self.seen, self.count = consts, {0.0: ZERO}, 1

    def __call__(self, a: Atom) -> Ids:
        if not isinstance(a, Value):
            return self._constant(a.val)
        if a not in self.ids:
            self.ids[a] = self._constant(self.consts[a]) if a in self.consts else self._given(a.shape)
        return self.ids[a]

    def run(self, eqns: Iterable[Equation]) -> "Numbers":
        for e in eqns:
            for v, out in zip(e.outs, self._step(e, [self(a) for a in e.ins])):
                self.ids[v] = self._given(v.shape) if out is None else np.broadcast_to(compact(out), v.shape)
        return self

    def _step(self, e: Equation, ids: list[Ids]) -> Sequence[Ids | None]:
        if e.name in SAME:
            return ids
        if e.name in ELEMENTWISE or e.name in COMPARES:
            out = self._elementwise(e.name, list(np.broadcast_arrays(*map(compact, ids))))
            return [None if out.size == 1 and (out < 0).all() and e.outs[0].size == 1 else out]
        if e.name in MOVED:
            out = MOVES[e.name](*ids, **e.params)
            return out if isinstance(out, list) else [out]
        nothing = e.name in SUMS and any(zero(i) for i in ids[: 2 if e.name == "dot_general" else 1])
        return [np.full((1,) * len(v.shape), ZERO) if nothing else None for v in e.outs]

    def _elementwise(self, name: str, ids: list[Ids]) -> Ids:
        a, b = ids[0], ids[-1]
        if name == "mul":
            return np.where((a == ZERO) | (b == ZERO), ZERO, self._new(ids))
        if name in ("add", "add_any"):
            return np.where(a == ZERO, b, np.where(b == ZERO, a, self._new(ids)))
        if name == "sub":
            return np.where(b == ZERO, a, self._new(ids))
        if name == "div" or name in KEEPS_ZERO:
            return np.where(a == ZERO, ZERO, self._new(ids))
        if name == "select_n":
            return np.where(np.all([i == b for i in ids[1:]], 0), b, self._new(ids))
        return self._new(ids)

    def _new(self, ids: list[Ids]) -> Ids:
        """One new id for each set of operands."""
        rows = np.stack([i.reshape(-1) for i in ids])
        _, at = np.unique(rows, axis=1, return_inverse=True)
        out = np.where((rows < 0).any(0), UNKNOWN, at.reshape(-1) + self.count)
        self.count += rows.shape[1]
        return out.reshape(ids[0].shape)

    def _given(self, shape: tuple[int, ...]) -> Ids:
        self.count += 1
        return np.broadcast_to(self.count - 1 if np.prod(shape) == 1 else UNKNOWN, shape)

    def _constant(self, val: Any) -> Ids:
        if is_key(val):
            return self._given(np.shape(val))
        a = np.asarray(val)
        small = compact(a)
        numbers, at = np.unique(small, return_inverse=True)
        known = []
        for n in numbers.tolist():
            known.append(self.seen.setdefault(n, self.count))
            self.count += 1
        return np.broadcast_to(np.asarray(known, int)[at].reshape(small.shape), a.shape)
