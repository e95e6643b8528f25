"""Ways of credit that local and instant rules drop: through the input of a mark, or past a parameter without a trace."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from .._compat import is_float
from .draft import Draft
from .program import FLAT, Atom, Equation, Value, down, up
from .report import Path
from .types import Edge, Group


class Read(NamedTuple):
    """What the input of a mark is made of: previous states, read as constants; values of this step with a history, and the
    previous states behind them; trained values on the way; the equations between these and the input."""

    old: set[Value]
    fresh: set[Value]
    behind: set[Value]
    params: set[Value]
    cone: tuple[Equation, ...]


def reading(d: Draft, x: Atom | None, states: set[Value], fresh: frozenset[Value], drives: bool = True) -> Read:
    """How a mark comes by its input, back to `states` and parameters. One that drives no state reads what is fresh whole."""
    read, made = Read(set(), set(), set(), set(), ()), {v: e for e in d.eqns for v in e.outs}
    todo, seen, cone = [x], set(), set()
    while todo:
        v = todo.pop()
        if not isinstance(v, Value) or v in seen:
            continue
        seen.add(v)
        behind = up(d.eqns, [v], marks=False) & states if v in fresh else set()
        if v in states:
            read.old.add(v)
        elif v in d.of_params and is_float(v):
            read.params.add(v)
        elif behind or (v in fresh and not drives):
            read.fresh.add(v)
            read.behind.update(behind)
        elif v in made:
            cone.add(made[v])
            todo += made[v].ins
    return read._replace(cone=tuple(e for e in d.eqns if e in cone))


def dropped_paths(
    d: Draft, edges: Sequence[Edge], groups: Sequence[Group], untraced: frozenset[Value], fresh: frozenset[Value]
) -> tuple[Path, ...]:
    """Every path that `local` and `instant` rules drop, in the order of the marks."""
    out, moved, name = [], learning(d), dict(zip(d.h_in, d.state_names))
    told = lambda values: tuple(sorted(name[h] for h in values))
    for weight, x, y, states in _marks(d, edges, groups, moved):
        read = reading(d, x, moved, fresh, bool(states))
        into = tuple(d.state_names[i] for i in states)
        if read.old:
            out.append(Path("recurrent", weight, told(read.old), (), y, frozenset(read.old), read.cone, ()))
        if states and read.fresh:
            behind = told(read.behind)
            out.append(Path("carried", weight, behind, into, y, frozenset(read.fresh), read.cone, states))
        if states and read.params:
            behind = tuple(sorted({d.origin(v) for v in read.params}))
            out.append(Path("own step", weight, behind, into, y, frozenset(read.params), read.cone, states))
    every = tuple(range(len(d.h_in)))
    late = [v for v in untraced if v in d.of_params]
    out += [Path("own step", d.origin(v), (), (), None, frozenset([v]), (), every) for v in late]
    return tuple(dict.fromkeys(out))  # a mark that drives two populations reads the past once


def learning(d: Draft) -> set[Value]:
    """Previous states on which some parameter has left its mark: those through which credit goes back in time."""
    params = [v for v in d.frontier if v in d.of_params and is_float(v)]
    found: set[Value] = set()
    while True:
        reached = down(_sloping(d.eqns), [*params, *found])
        more = {h for h, new in zip(d.h_in, d.h_out) if is_float(h) and new in reached}
        if more == found:
            return found
        found = more


def _sloping(eqns: Sequence[Equation]) -> list[Equation]:
    """Equations that may carry a derivative."""
    return [e for e in eqns if e.name not in FLAT and any(is_float(v) for v in e.outs)]


def _marks(
    d: Draft, edges: Sequence[Edge], groups: Sequence[Group], moved: set[Value]
) -> Iterator[tuple[str, Atom | None, Value, tuple[int, ...]]]:
    """(weight, input, what it delivers, states that it drives), once for each population; fixed weights too."""
    traced = {e.y for e in edges if e.group is not None}
    for e in edges:
        if e.group is not None:
            yield e.name, e.x, e.y, groups[e.group].states
    for e in (e for e in d.eqns if e.is_mark and e.outs[0] not in traced):
        weight = d.origin(e.ins[1]) if e.ins[1] in d.of_params else "a fixed weight"
        for states in _driven(d, e.outs[0], groups, moved) or [()]:
            yield weight, e.ins[0], e.outs[0], states


def _driven(d: Draft, y: Value, groups: Sequence[Group], moved: set[Value]) -> list[tuple[int, ...]]:
    """States into which a mark without a trace leads, population by population, if any credit ever reads them."""
    reached = down(_sloping(d.eqns), [y], marks=False)
    read = up(d.eqns, d.program.outs) & moved
    on = {i for i, h in enumerate(d.h_out) if h in reached and d.h_in[i] in read}
    whole = [g.states for g in groups if on & {*g.states}]
    rest = tuple(sorted(on - {i for states in whole for i in states}))
    return [*whole, *([rest] if rest else [])]
