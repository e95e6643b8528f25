"""Positions, groups and edges: populations as connected components of the elements of a step."""

from collections.abc import Iterator
from dataclasses import replace

import jax
import numpy as np

from .._compat import is_float
from ..ops import Own
from .components import Pairs, components, distinct_pairs, lookup, reach
from .constants import Constants
from .draft import Draft, Nodes
from .errors import GraphError
from .ids import Walk
from .layout import Layout, OwnLayout, dense_layout
from .moves import ELEMENTWISE
from .program import Equation, Program, Value, down, has_while, up
from .types import Edge, Group

SMALL, LARGE = 16, 48  # states per position: from where on counting is worth it; above, dh'/dh is too large

Solvers = dict[Equation, tuple[list[Layout | None], list[Layout | None]]]


Found = tuple[tuple[Edge, ...], tuple[Group, ...], frozenset[Value], Solvers]


def analyse(d: Draft, positions: bool) -> Found:
    """Edges, groups, values without a trace, and layouts of equations that reverse mode cannot cross."""
    marks = [Edge(e.params["op"], d.origin(e.ins[1]), e.ins[0], e.ins[1], e.outs[0]) for e in d.marks]  # type: ignore[arg-type]
    dense = lambda atoms: [dense_layout(a.shape) if isinstance(a, Value) and is_float(a) else None for a in atoms]
    solvers: Solvers = {e: (dense(e.ins), dense(e.outs)) for e in d.eqns if has_while(e.eqn)}
    if not positions:
        return tuple(marks), (), frozenset(d.own_step), solvers
    body, driven, own = _dynamics(d)
    nodes = Nodes.of([*driven.values(), *dict.fromkeys(v for e in d.eqns if e.is_mark for v in e.outs)])
    params = Nodes.of(own, nodes.n)
    walk = _walk(d, body, driven, nodes, params)
    label = walk.label()
    _check_positions(d, walk, nodes, driven, label)
    pairs = reach(np.arange(nodes.n, params.n), walk.flows, nodes.n, params.n)
    found, wide = [], set(d.own_step)
    for members, pos in _populations(nodes, driven, label):
        mine, late = _driving(d, marks, own, nodes, params, pairs, pos, [d.h_in[i] for i in members])
        wide |= late
        found.append((members, pos, mine))
        for e, (into, outs) in walk.solvers.items():
            lays = _solver(d, e, into, outs, pos, nodes.n, params.n, pairs)
            solvers[e] = lays or solvers[e]
    return *_assemble(d, body, marks, found, wide, nodes), frozenset(wide), solvers


def _dynamics(d: Draft) -> tuple[list[Equation], dict[int, Value], list[Value]]:
    """Equations between marks and states; states that a mark or a parameter can move; parameter values they read."""
    floats = [i for i, h in enumerate(d.h_in) if is_float(h) and isinstance(d.h_out[i], Value)]
    needed = up(d.eqns, [d.h_out[i] for i in floats], marks=False)
    body = [e for e in d.eqns if not e.is_mark and any(v in needed for v in e.outs)]
    read = {v for e in body for v in e.reads} | {d.h_out[i] for i in floats}
    own = [
        v for v in d.frontier if is_float(v) and v in d.of_params and v in needed and v in read and v not in d.own_step
    ]
    driven: set[int] = set()
    seeds = [*(v for e in d.eqns if e.is_mark for v in e.outs), *own]
    while True:
        reached = down(body, [*seeds, *(d.h_in[i] for i in driven)])
        more = {i for i in floats if d.h_out[i] in reached}
        if more == driven:
            return body, {i: d.h_in[i] for i in sorted(driven)}, own
        driven = more


def _walk(d: Draft, body: list[Equation], driven: dict[int, Value], nodes: Nodes, params: Nodes) -> Walk:
    ids = {v: which.ids(v) for which in (nodes, params) for v in which.base}
    walk = Walk(nodes.n)
    outs = tuple(d.h_out[i] for i in driven)
    part = Program((), tuple(body), outs, d.program.consts)
    new = walk.run(part, dict(ids), Constants(Program((), (*d.early, *d.eqns), (), d.program.consts)), fixed=ids)
    for (_, h), o in zip(driven.items(), new):
        walk.meet(nodes.ids(h), o, None)
    return walk


def _separates(label: np.ndarray, index: np.ndarray, n: int) -> bool:
    """Does each component lie on one value of the index?"""
    low, high = np.full(n, index.size), np.full(n, -1)
    np.minimum.at(low, label, index)
    np.maximum.at(high, label, index)
    return bool((low[label] == high[label]).all())


def _mixed(nodes: Nodes, driven: dict[int, Value], label: np.ndarray) -> int | None:
    """A state none of whose axes separates the components: some pair of its neurons couples; one of one neuron has no pair."""
    for i, h in driven.items():
        if len(h.shape) > 1 and h.shape[0] == 1:
            continue
        indices = [ix.reshape(-1) for ix, n in zip(np.indices(h.shape, sparse=False), h.shape) if n > 1]
        own = nodes.part(h, label)
        if indices and not any(_separates(own, index, len(label)) for index in indices):
            return i
    return None


def _check_positions(d: Draft, walk: Walk, nodes: Nodes, driven: dict[int, Value], label: np.ndarray) -> None:
    if _mixed(nodes, driven, label) is None:
        return
    # bisect for the first join that mixes
    low, high = 0, len(walk.joins)
    while high - low > 1:
        mid = (low + high) // 2
        low, high = (low, mid) if _mixed(nodes, driven, walk.label(mid)) is not None else (mid, high)
    label = walk.label(high)
    i = _mixed(nodes, driven, label) or 0
    # a sum or product that joins neurons says more than the addition that brings it to the state
    mixed = set(nodes.part(driven[i], label).tolist())
    joined = [e for a, _, e in walk.joins[:high] if e and e.name not in ELEMENTWISE and mixed & set(label[a].tolist())]
    e = joined[-1] if joined else walk.joins[high - 1][2]
    # no equation: the new state lies elsewhere than the old one
    last = e or next((e for e in d.eqns if d.h_out[i] in e.outs), None)
    what, at = f"`{e.name}`" if e else "a shift", last.site if last else "the step"
    raise GraphError(
        f"{what} mixes positions (neurons) of state `{d.state_names[i]}` with one another ({at}). Mark the mixing weight as a "
        "trainable operator, move it after the state, or use `rtrl()` (`trace_graph(..., positions=False)`)."
    )


def _populations(nodes: Nodes, driven: dict[int, Value], label: np.ndarray) -> Iterator[tuple[list[int], np.ndarray]]:
    """Arrays that share a component are one population: its states, and the position of every node (-1: elsewhere)."""
    whole = [(nodes.part(h, label), np.full(h.size, label[nodes.base[h]])) for h in driven.values()]
    root = components(len(label), [(np.arange(len(label)), label), *whole])
    groups: dict[int, list[int]] = {}
    for i, h in driven.items():
        groups.setdefault(int(root[nodes.base[h]]), []).append(i)
    for members in groups.values():
        inside = np.concatenate([nodes.part(driven[i], label) for i in members])
        # positions count in the order in which the states' elements show them first
        first = np.full(len(label), len(inside))
        np.minimum.at(first, inside, np.arange(len(inside)))
        leads = first[inside] == np.arange(len(inside))
        pos = np.full(len(label), -1)
        pos[inside[leads]] = np.arange(leads.sum())
        yield members, pos[label]


def _driving(
    d: Draft, marks: list[Edge], own: list[Value], nodes: Nodes, params: Nodes,
    pairs: Pairs, pos: np.ndarray, states: list[Value],
) -> tuple[list[Edge], set[Value]]:  # fmt: skip
    """Edges into one population (group number still open), and parameter values that are too many for a trace."""
    P = int(pos.max()) + 1
    lay = lambda v: Layout.of(nodes.part(v, pos), v.shape, P)
    limit = max(d.max_own, sum(lay(h).depth for h in states))
    edges = [replace(e, layout=lay(e.y)) for e in marks if e.w not in d.own_step and (nodes.part(e.y, pos) >= 0).any()]
    wide: set[Value] = set()
    element, at = pairs[0], pos[pairs[1]]
    for u in own:
        mine = (element >= params.base[u]) & (element < params.base[u] + u.size) & (at >= 0)
        read, by = distinct_pairs(element[mine] - params.base[u], at[mine], P)
        colored = OwnLayout.color(read, by, u.shape, P, limit)
        if colored is not None:
            edges.append(Edge(Own(colored.where, u.shape), d.origin(u), None, u, u, None, colored))
        elif read.size:
            wide.add(u)
    return edges, wide


def _assemble(
    d: Draft, body: list[Equation], marks: list[Edge], found: list[tuple[list[int], np.ndarray, list[Edge]]],
    wide: set[Value], nodes: Nodes,
) -> tuple[tuple[Edge, ...], tuple[Group, ...]]:  # fmt: skip
    """Number groups and edges; a weight into two populations is two edges, one into none is present only."""
    edges: list[Edge] = []
    groups: list[Group] = []
    for members, pos, mine in found:
        mine = [replace(e, group=len(groups)) for e in mine if e.w not in wide]
        if not mine:
            continue
        P = int(pos.max()) + 1
        states = [d.h_in[i] for i in members]
        layouts = tuple(Layout.of(nodes.part(h, pos), h.shape, P) for h in states)
        after = down(body, [*states, *(e.y for e in mine)])
        before = up(body, [d.h_out[i] for i in members])
        eqns = tuple(e for e in body if any(v in after for v in e.outs) and any(v in before for v in e.outs))
        numbers = tuple(range(len(edges), len(edges) + len(mine)))
        names = tuple(d.state_names[i] for i in members)
        S = sum(lay.depth for lay in layouts)
        large = (LARGE if d.max_block is None else d.max_block) < S
        groups.append(Group(names, tuple(members), layouts, P, S, eqns, numbers, large, _pushed(large, d, S, mine, P)))
        edges += mine
    driving = {e.y for e in edges}
    return (*edges, *(e for e in marks if e.y not in driving)), tuple(groups)


def _pushed(large: bool, d: Draft, S: int, edges: list[Edge], P: int) -> bool:
    """Traces of few columns are cheaper to push than dh'/dh to form, by a push for each state, and to multiply."""
    x = lambda e: () if e.x is None else e.x.shape if isinstance(e.x, Value) else np.shape(e.x.val)
    columns = lambda e: jax.eval_shape(e.op.imprint, *(jax.ShapeDtypeStruct((1, *a), e.y.dtype) for a in (x(e), e.out)))
    return large or (d.max_block is None and S >= SMALL and sum(columns(e).size for e in edges) <= P * S)


def _solver(
    d: Draft,
    e: Equation,
    into: list[np.ndarray],
    outs: list[np.ndarray],
    pos: np.ndarray,
    n: int,
    total: int,
    pairs: Pairs,
) -> tuple[list[Layout | None], list[Layout | None]] | None:
    """Layouts of what goes in and out of an equation inside one population; None where they are not clear."""
    P = int(pos.max()) + 1

    def layout(ids: np.ndarray) -> Layout | None:
        flat = ids.reshape(-1)
        if (flat < n).all():
            return Layout.of(pos[flat], ids.shape, P)
        if (flat < n).any():
            raise LookupError
        index, node = lookup(flat, pairs, total)
        here = pos[node] >= 0
        return OwnLayout.color(*distinct_pairs(index[here], pos[node[here]], P), ids.shape, P, d.max_own)

    try:
        ins = [layout(i) if (i >= 0).any() and is_float(a) else None for i, a in zip(into, e.ins)]
        out = [layout(o) if (o >= 0).all() and is_float(a) else None for o, a in zip(outs, e.outs)]
    except LookupError:
        return None
    here = all(lay is None or (lay.pos >= 0).all() for lay in out) and any(out)
    return (ins, out) if here else None
