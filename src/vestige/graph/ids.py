"""Which scalars of a step belong together: a walk over the step on arrays of element ids.

Every element of a state or of a mark's output is a node (ids below `n`); nodes that meet in one scalar join. Elements
of parameters (ids from `n` up) do not join: it is noted into which nodes they flow.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import reduce
from typing import Any

import numpy as np

from .._compat import is_float, scan_counts
from .components import Pairs, components, distinct
from .constants import Constants
from .indexed import INDEXED
from .moves import ELEMENTWISE, MOVES
from .probe import mixes
from .program import (
    FLAT,
    INLINE,
    Equation,
    Program,
    Value,
    body_of,
    flatten,
    has_while,
    sloped,
)
from .solver import pushed

Ids = np.ndarray


@dataclass(eq=False)
class Walk:
    """Joins between nodes (with the equation that made each) and flows from parameter elements."""

    n: int
    joins: list[tuple[np.ndarray, np.ndarray, Equation | None]] = field(default_factory=list)
    flows: list[Pairs] = field(default_factory=list)
    solvers: dict[Equation, tuple[list[Ids], list[Ids]]] = field(default_factory=dict)
    met: dict[tuple[int, int], tuple[Ids, Ids, Ids]] = field(default_factory=dict)

    def meet(self, a: Ids, b: Ids, eqn: Equation | None) -> Ids:
        """Elementwise: what meets joins (nodes) or is noted to flow (parameters); nodes win."""
        if (id(a), id(b)) not in self.met:
            wide_a, wide_b = np.broadcast_arrays(a, b)
            self.met[id(a), id(b)] = a, b, self._meet(wide_a, wide_b, eqn)
        return self.met[id(a), id(b)][2]

    def _meet(self, a: Ids, b: Ids, eqn: Equation | None) -> Ids:
        both = (a >= 0) & (b >= 0) & (a != b)
        keep_a: Any = True
        if both.any():
            p, q = a[both], b[both]
            node_p, node_q = p < self.n, q < self.n
            self.joins.append((p[node_p & node_q], q[node_p & node_q], eqn))
            self.flows += [(p[~node_p & node_q], q[~node_p & node_q]), (q[node_p & ~node_q], p[node_p & ~node_q])]
            neither = ~node_p & ~node_q
            a_finer = len(distinct(p[neither])) >= len(distinct(q[neither]))
            self.flows.append((q[neither], p[neither]) if a_finer else (p[neither], q[neither]))
            keep_a = (a < self.n) | ((b >= self.n) & a_finer)
        out = np.where(a < 0, b, np.where((b < 0) | keep_a, a, b))
        return a if (out == a).all() else out  # the same array, so that its next meetings are known

    def meet_all(self, ids: Iterable[Ids], eqn: Equation) -> Ids:
        return reduce(lambda a, b: self.meet(a, b, eqn), ids)

    def join(self, ids: Ids, axes: Iterable[int], eqn: Equation) -> Ids:
        """All elements along `axes` become one; the axes stay, with length 1."""
        axes = tuple(axes)
        if not axes or not ids.size:
            return ids
        low = np.where(ids < self.n, ids, -1).max(axes, keepdims=True)
        rep = np.where(low >= 0, low, ids.max(axes, keepdims=True))
        into = np.broadcast_to(rep, ids.shape)
        param = (ids >= self.n) & (ids != into)
        node = (ids >= 0) & (ids < self.n) & (ids != into)
        self.flows.append((ids[param], into[param]))
        self.joins.append((ids[node], into[node], eqn))
        return rep

    def run(self, program: Program, ids: dict[Value, Ids], known: Constants, fixed: Iterable[Value] = ()) -> list[Ids]:
        """Walk the equations; `ids` is extended in place; values in `fixed` keep the ids they have."""
        fixed = set(fixed)
        useful = sloped(program.eqns, program.outs)
        get = lambda a: ids[a] if a in ids else np.full(a.shape if isinstance(a, Value) else np.shape(a.val), -1)
        for e in program.eqns:
            into = [get(a) for a in e.ins]
            if not any(v in useful and is_float(v) for v in e.outs) or not any((i >= 0).any() for i in into):
                continue
            for v, out in zip(e.outs, self.step(e, into, [lambda a=a: known(a) for a in e.ins])):
                if v not in fixed and out is not None and is_float(v):
                    ids[v] = out if out.shape == v.shape else np.broadcast_to(out, v.shape)
            if has_while(e.eqn):
                self.solvers[e] = into, [get(v) for v in e.outs]
        return [get(a) for a in program.outs]

    def inner(self, jaxpr: Any, ids: Sequence[Ids], vals: Sequence[Callable[[], Any]]) -> list[Ids]:
        program = flatten(jaxpr)
        known = Constants(program, lambda v: next((val() for i, val in zip(program.ins, vals) if i is v), None))
        return self.run(program, dict(zip(program.ins, ids)), known)

    def step(self, e: Equation, ids: list[Ids], vals: list[Callable[[], Any]]) -> Sequence[Ids | None]:
        name, shape = e.name, e.outs[0].shape
        if name in FLAT:
            return [None] * len(e.outs)
        if name in INLINE:
            return self.inner(body_of(e.eqn), ids, vals)
        if name.startswith(("custom_jvp_call", "custom_vjp_call")):
            return self.derivative(e, ids)
        if name in LOOPS:
            return LOOPS[name](self, e, ids, vals)
        if name in ELEMENTWISE:
            live = [i for i in ids if (i >= 0).any()]
            return [self.meet_all([i if i.shape == shape else np.broadcast_to(i, shape) for i in live], e)]
        if name in MOVES:
            out = MOVES[name](*ids, **e.params)
            return out if isinstance(out, list) else [out]
        if name.startswith("reduce_") and "axes" in e.params:
            return [np.squeeze(self.join(ids[0], e.params["axes"], e), tuple(e.params["axes"]))]
        if name in INDEXED:
            return [INDEXED[name](self, e, ids, vals)]
        return self.unknown(e, ids, vals)

    def derivative(self, e: Equation, ids: list[Ids]) -> list[Ids | None]:
        """A derivative of the user's own, as of a surrogate spike: not the body tells what depends on what, the rule does."""
        tangents, places = pushed(e)
        found = iter(self.run(tangents, dict(zip(tangents.ins, [ids[n] for n in places])), Constants(tangents)))
        return [next(found) if is_float(v) else None for v in e.outs]

    def unknown(self, e: Equation, ids: list[Ids], vals: list[Callable[[], Any]]) -> list[Ids]:
        """No rule for this primitive: ask it whether it mixes its leading axis, and join all the rest."""
        live = [n for n, i in enumerate(ids) if (i >= 0).any()]
        nodes = [n for n in live if ((ids[n] >= 0) & (ids[n] < self.n)).any()]
        lead = next((ids[n].shape[0] for n in nodes if ids[n].ndim), 1)
        fits = all(ids[n].shape[:1] == (lead,) for n in nodes) and all(v.shape[:1] == (lead,) for v in e.outs)
        if not fits or not nodes or mixes(e, nodes, [v() for v in vals]):
            rep = self.meet_all([self.join(ids[n].reshape(-1), (0,), e) for n in live], e)
            return [np.broadcast_to(rep.reshape((1,) * len(v.shape)), v.shape) for v in e.outs]
        rep = np.full(lead, -1)
        for n in live:
            rows = (
                ids[n].reshape(lead, -1) if n in nodes else np.broadcast_to(ids[n].reshape(1, -1), (lead, ids[n].size))
            )
            rep = self.meet(rep, self.join(rows, (1,), e)[:, 0], e)
        return [np.broadcast_to(rep.reshape(-1, *(1,) * (len(v.shape) - 1)), v.shape) for v in e.outs]

    def label(self, upto: int | None = None) -> np.ndarray:
        """Component of each node."""
        return components(self.n, [(a, b) for a, b, _ in self.joins[:upto]])


def _scan(walk: Walk, e: Equation, ids: list[Ids], vals: list[Any]) -> list[Ids]:
    c, k = scan_counts(e.eqn)
    xs = [walk.join(i, (0,), e)[0] for i in ids[c + k :]]
    open_vals = [*vals[:c], *[lambda: None] * (k + len(xs))]
    carry, ys = _loop(walk, lambda s: walk.inner(e.params["jaxpr"], [*ids[:c], *s, *xs], open_vals), ids[c : c + k], e)
    return carry + [y[None] for y in ys]


def _while(walk: Walk, e: Equation, ids: list[Ids], vals: list[Any]) -> list[Ids]:
    a, b = e.params["cond_nconsts"], e.params["body_nconsts"]
    open_vals = [*vals[a : a + b], *[lambda: None] * (len(ids) - a - b)]
    return _loop(walk, lambda s: walk.inner(e.params["body_jaxpr"], [*ids[a : a + b], *s], open_vals), ids[a + b :], e)[
        0
    ]


def _cond(walk: Walk, e: Equation, ids: list[Ids], vals: list[Any]) -> list[Ids]:
    outs = [walk.inner(j, ids[1:], vals[1:]) for j in e.params["branches"]]
    return [walk.meet_all(o, e) for o in zip(*outs)]


def _loop(walk: Walk, body: Any, carry: Sequence[Ids], e: Equation) -> tuple[list[Ids], list[Ids]]:
    """Turn until no element of the carry gains an id; joins are remembered, so one more turn closes them."""
    while True:
        out = body(carry)
        new = [walk.meet(np.asarray(c), o, e) for c, o in zip(carry, out)]
        done = all(((c < 0) == (m < 0)).all() for c, m in zip(carry, new))
        carry = new
        if done:
            return list(carry), out[len(carry) :]


def _linear_solve(walk: Walk, e: Equation, ids: list[Ids], vals: list[Any]) -> list[Ids]:
    """What the solution of linear equations depends on, its own program tells, where the equations themselves are given."""
    b = len(ids) - len(e.params["jaxprs"].solve.jaxpr.invars) + e.params["const_lengths"].solve
    if any((i >= 0).any() for i in ids[:b]):
        return walk.unknown(e, ids, vals)
    start = sum(e.params["const_lengths"][:2])
    end = start + e.params["const_lengths"].solve
    return walk.inner(e.params["jaxprs"].solve, [*ids[start:end], *ids[b:]], [*vals[start:end], *vals[b:]])


LOOPS: dict[str, Callable[..., Any]] = {
    "scan": _scan, "while": _while, "cond": _cond, "custom_linear_solve": _linear_solve
}  # fmt: skip
