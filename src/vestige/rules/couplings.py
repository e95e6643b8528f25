"""Which scalars of a step may act on which within one step: states, what marks deliver, and trained values; never too few."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from .._compat import is_float
from ..graph import Graph, GraphError
from ..graph.components import Pairs, components, concat, distinct_pairs, reach
from ..graph.constants import Constants
from ..graph.draft import Nodes
from ..graph.ids import Walk
from ..graph.program import Atom, Equation, Program, Value, up
from .influence import learning, trained
from .structure import Weights


@dataclass(frozen=True, eq=False)
class Couplings:
    """Nodes: the scalars of the states that learn, `n` of them in the order of their row; those that marks deliver; and those of
    the new states, `n` again.

    inside `[nodes, n]`: on which new states a node may act without a mark between; crossed `[nodes, nodes]`: from which nodes
    one mark leads to which; onward `[nodes, n]`: on which new states by whatever the step does; position, population: labels
    of the states; touched: per trained value, pairs (element, node that it acts on at once), read: the same by the input of
    a mark, often after a state that it acts on.
    """

    n: int
    inside: np.ndarray
    crossed: np.ndarray
    onward: np.ndarray
    position: np.ndarray
    population: np.ndarray
    touched: list[Pairs]
    read: list[Pairs]


@lru_cache(64)
def couplings(graph: Graph) -> Couplings:
    """The couplings of a step whose neurons mix through marks alone.

    Raises:
        GraphError: the graph was traced without positions.
    """
    if not graph.positions:
        raise GraphError(
            "what a parameter reaches is found position by position, and this step was traced without: use "
            "`trace_graph(..., positions=True)`, or `rtrl()`, `uoro()`, `kf_rtrl()` or `tbptt()`, which need none"
        )
    marks = [e for e in graph.eqns if e.is_mark and is_float(e.outs[0])]
    states = [graph.h_in[i] for i in learning(graph)]
    nodes = Nodes.of([*states, *(e.outs[0] for e in marks)])
    params = Nodes.of(trained(graph, graph.frontier), nodes.n)
    n, (label, flows) = sum(h.size for h in states), _dynamics(graph, nodes, params)
    crossed, touched, read = _crossings(graph, marks, nodes, params)
    label, crossed = np.r_[label, label[:n]], np.pad(crossed, (0, n))
    inside, through = label[:, None] == label[None, :n], np.eye(len(label), dtype=bool)
    for e in marks:
        at = slice(nodes.base[e.outs[0]], nodes.base[e.outs[0]] + e.outs[0].size)
        through[:, at] |= join(through, crossed[:, at])
    # what a value does to a position is done to its new states, not to what the marks of this step still read
    home = np.full(len(label), -1)
    home[label[:n]] = nodes.n + np.arange(n)
    flows = flows[0], home[label[flows[1]]]
    whole = [(nodes.ids(h).reshape(-1), np.full(h.size, nodes.base[h])) for h in states]
    population = components(len(label), [(np.arange(len(label)), label), *whole])[:n]
    by_value = lambda pairs: _apart([(a[b >= 0], b[b >= 0]) for a, b in pairs], params, len(label))
    onward = join(through, inside)
    return Couplings(n, inside, crossed, onward, label[:n], population, by_value([flows, *touched]), by_value(read))


def join(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Where some path leads by a, then by b."""
    return (a.astype(np.float32) @ b.astype(np.float32)) > 0


def either(rows: np.ndarray, some: Sequence[int]) -> np.ndarray:
    """Where one of these rows is true."""
    return np.logical_or.reduce(rows[list(some)], 0)


def _apart(pairs: list[Pairs], params: Nodes, n: int) -> list[Pairs]:
    """Distinct pairs, value by value, elements counted within each."""
    element, node = distinct_pairs(*concat(pairs), n)
    ends = [np.searchsorted(element, [at, at + v.size]) for v, at in params.base.items()]
    return [(element[a:b] - at, node[a:b]) for (a, b), at in zip(ends, params.base.values())]


def is_linear(op: Any, x: Any, w: Any) -> bool:
    """Is an operator linear in its input? Asked at two points, of both signs."""
    rng, shape = np.random.default_rng(0), lambda a: a.shape if hasattr(a, "shape") else np.shape(a.val)
    with jax.ensure_compile_time_eval():
        a, b, v = (jnp.asarray(rng.normal(size=s), jnp.float32) for s in (shape(x), shape(x), shape(w)))
        whole, parts = op.apply(2 * a - b, v), 2 * op.apply(a, v) - op.apply(b, v)
        return bool(jnp.abs(whole - parts).max(initial=0) <= 1e-3 * (jnp.abs(parts).max(initial=0) + 1e-30))


def _constants(graph: Graph) -> Constants:
    return Constants(Program((), (*graph.early, *graph.eqns), (), graph.program.consts))


def _body(graph: Graph, outs: list[Atom]) -> tuple[Equation, ...]:
    """The equations behind some values, back to marks."""
    need = up(graph.eqns, outs, marks=False)
    return tuple(e for e in graph.eqns if not e.is_mark and any(v in need for v in e.outs))


def _dynamics(graph: Graph, nodes: Nodes, params: Nodes) -> tuple[np.ndarray, Pairs]:
    """Positions as labels of the nodes; pairs (trained element, node whose position it reaches without a mark)."""
    outs = [graph.h_out[i] for i in learning(graph)]
    ids = {v: which.ids(v) for which in (nodes, params) for v in which.base}
    walk = Walk(nodes.n)
    part = Program((), _body(graph, outs), tuple(outs), graph.program.consts)
    for i, new in zip(learning(graph), walk.run(part, dict(ids), _constants(graph), fixed=ids)):
        walk.meet(nodes.ids(graph.h_in[i]), new, None)
    return walk.label(), reach(np.arange(nodes.n, params.n), walk.flows, nodes.n, params.n)


def _crossings(
    graph: Graph, marks: list[Equation], nodes: Nodes, params: Nodes
) -> tuple[np.ndarray, list[Pairs], list[Pairs]]:
    """Which nodes marks lead to which; pairs (trained element, node) of weights, and of what the marks' inputs are made of."""
    crossed, touched, read = np.zeros((nodes.n, nodes.n), bool), [], []
    weights = Weights(graph)
    for e in marks:
        base = nodes.base[e.outs[0]]
        source, y = _through(_inputs(graph, e, nodes, params), _links(e, weights(e.ins[1])))
        node = source < nodes.n
        crossed[source[node], base + y[node]] = True
        read.append((source[~node], base + y[~node]))
        if e.ins[1] in params.base:
            element, y = _feeds(e, weights(e.ins[1]))
            touched.append((params.base[e.ins[1]] + element, base + y))
    return crossed, touched, read


def _inputs(graph: Graph, e: Equation, nodes: Nodes, params: Nodes) -> Pairs:
    """Pairs (node or trained element, element of the mark's input that it acts on)."""
    x = e.ins[0]
    if not isinstance(x, Value) or not is_float(x):
        return np.empty(0, int), np.empty(0, int)
    need = up(graph.eqns, [x], marks=False)
    # here sources flow, and the input's elements are where they end
    ids = {v: x.size + which.ids(v) for which in (nodes, params) for v in which.base if v in need}
    walk = Walk(x.size)
    part = Program((), _body(graph, [x]), (x,), graph.program.consts)
    (found,) = walk.run(part, dict(ids), _constants(graph), fixed=ids)
    walk.meet(np.arange(x.size).reshape(x.shape), found, e)
    sources = np.concatenate([np.empty(0, int), *(a.reshape(-1) for a in ids.values())])
    source, at = reach(sources, walk.flows, x.size, x.size + params.n)
    return source - x.size, at


def _through(pairs: Pairs, links: np.ndarray) -> Pairs:
    """Pairs (source, element of the output) from pairs (source, element of the input)."""
    sources, row = np.unique(pairs[0], return_inverse=True)
    hit = np.zeros((len(sources), len(links)), bool)
    hit[row, pairs[1]] = True
    row, y = np.nonzero(join(hit, links))
    return sources[row], y


def _links(e: Equation, filled: np.ndarray) -> np.ndarray:
    """`[x, y]`: which elements of its input a mark leads to which of its output."""
    x, op = e.ins[0], e.params["op"]
    if not isinstance(x, Value):
        return np.ones((np.size(x.val), e.outs[0].size), bool)
    if not is_float(x) or not is_linear(op, x, e.ins[1]):
        return np.ones((x.size, e.outs[0].size), bool)
    with jax.ensure_compile_time_eval():
        each = jnp.eye(x.size, dtype=jnp.float32).reshape(-1, *x.shape)
        out = jax.vmap(lambda u: op.apply(u, jnp.asarray(filled, jnp.float32)))(each)
        return np.asarray(out).reshape(x.size, -1) != 0


def _feeds(e: Equation, filled: np.ndarray) -> Pairs:
    """Pairs (element of the weight, element of the output that it feeds), by the operator's unshared layout."""
    op, (x, w), y = e.params["op"], e.ins, e.outs[0]
    assert isinstance(w, Value)
    given = lambda a: jax.ShapeDtypeStruct((1, *a.shape), a.dtype) if isinstance(a, Value) else jnp.asarray(a.val)[None]
    trace = jax.eval_shape(op.imprint, given(x), given(y))
    with jax.ensure_compile_time_eval():
        to = np.asarray(op.at_post(jnp.arange(y.size).reshape(y.shape)))
        spread = jax.linear_transpose(op.drain, jax.ShapeDtypeStruct(trace.shape, jnp.float32))
        # numbers of elements in two digits, so that single precision holds them
        digit = lambda n: np.asarray(spread(jnp.asarray(n, jnp.float32).reshape(w.shape))[0]).astype(np.int64)
        high, low = map(digit, divmod(np.arange(w.size), 4096))
    element, to = (high * 4096 + low).reshape(-1), np.broadcast_to(to, trace.shape).reshape(-1)
    some = filled.reshape(-1)[element]
    return element[some], to[some]
