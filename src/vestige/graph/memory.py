"""Populations that are leaky sums with one decay: what they owe to the past, a filter on their inputs can tell."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from .._compat import is_key
from .linearize import needs
from .moves import ELEMENTWISE, MOVES
from .program import Atom, Const, Equation, Value, flatten, run, up
from .solver import forwardable
from .types import Graph, Group

MOVED = frozenset(MOVES) - {"concatenate", "pad", "stack"}


def remembers_alike(graph: Graph, e: Equation) -> int | None:
    """The population into which a mark leads, if it is a leaky sum of what the mark delivers and of nothing else that is
    the mark's: `h' = k h + b y + ...` with a scalar `k` and a constant `b`, both free of state and input."""
    into = [n for n, q in enumerate(graph.groups) if _enters(graph, q, e)]
    if len(into) != 1 or graph.groups[into[0]].S != 1:
        return None
    q = graph.groups[into[0]]
    if _bypasses(graph, q, e) or not _is_sum(graph, q, e.outs[0]):
        return None
    return into[0]


def decay_of(graph: Graph, e: Equation) -> Callable[[dict[Value, Any]], jax.Array]:
    """The decay `k` of that population, from values that depend on parameters alone."""
    into = remembers_alike(graph, e)
    assert into is not None
    q = graph.groups[into]
    return lambda env: _slopes(graph, q, [graph.h_in[i] for i in q.states])(env)[0].reshape(-1)[0]


def _enters(graph: Graph, q: Group, e: Equation) -> bool:
    return e.outs[0] in {v for f in q.eqns for v in f.reads} | {graph.h_out[i] for i in q.states}


def _bypasses(graph: Graph, q: Group, e: Equation) -> bool:
    """Does what the mark delivers reach the output, a mark or another state otherwise than by the new state?"""
    new = {graph.h_out[i] for i in q.states}
    seen = {e.outs[0]}
    for f in graph.eqns:
        if any(v in seen and v not in new for v in f.reads):
            if f.is_mark:
                return True
            seen.update(f.outs)
    return any(v in seen and v not in new for v in graph.program.outs)


def _slopes(graph: Graph, q: Group, by: list[Value]) -> Callable[[dict[Value, Any]], list[jax.Array]]:
    """Derivative of the new state by each of `by`, its ones at once; what moves is taken as zero where it is not given."""
    source = [*needs(graph, q), *by]

    def slopes(env: dict[Value, Any]) -> list[jax.Array]:
        have = {**graph.program.consts, **{v: env.get(v, jnp.zeros(v.shape, v.dtype)) for v in source}}

        def slope(v: Value) -> jax.Array:
            def new(a: jax.Array) -> Any:
                return run([forwardable(f) for f in q.eqns], {**have, v: a})[graph.h_out[q.states[0]]]  # type: ignore[index]

            return jax.jvp(new, (have[v],), (jnp.ones_like(have[v]),))[1]

        return [slope(v) for v in by]

    return slopes


def _is_sum(graph: Graph, q: Group, y: Value) -> bool:
    """Are dh'/dh and dh'/dy free of state and input, and dh'/dh one number?"""
    by = [*(graph.h_in[i] for i in q.states), y]
    source = list(dict.fromkeys([*needs(graph, q), *by]))
    shape = lambda v: jax.ShapeDtypeStruct(v.shape, v.dtype)
    slopes = _slopes(graph, q, by)
    program = flatten(jax.make_jaxpr(lambda vals: slopes(dict(zip(source, vals))))([shape(v) for v in source]))
    need = up(program.eqns, program.outs)
    still = {*graph.frontier, *graph.program.consts}
    if any(w in need and v not in still for v, w in zip(source, program.ins)):
        return False
    before = _alike(graph.early, _scalars(graph))
    known = {w for v, w in zip(source, program.ins) if v in before or v.size == 1}
    known |= {v for v, a in program.consts.items() if _level(a)}
    alike = _alike(program.eqns, known)
    slope = program.outs[0]
    return _level(slope.val) if isinstance(slope, Const) else slope in alike or slope.size == 1


def _scalars(graph: Graph) -> set[Value]:
    return {v for v, a in graph.program.consts.items() if _level(a)} | {v for v in graph.program.ins if v.size == 1}


def _alike(eqns: Any, seeds: set[Value]) -> set[Value]:
    """Values whose elements are all equal, whatever the parameters are."""
    known = set(seeds)
    same: Callable[[Atom], bool] = lambda a: a in known if isinstance(a, Value) else _level(a.val)
    for e in eqns:
        if (e.name in ELEMENTWISE or e.name in MOVED) and all(same(a) for a in e.ins):
            known.update(e.outs)
        known.update(v for v in e.outs if v.size == 1)
    return known


def _level(a: Any) -> bool:
    if is_key(a):
        return np.size(a) == 1
    a = np.asarray(a)
    return a.size > 0 and bool((a == a.flat[0]).all())
