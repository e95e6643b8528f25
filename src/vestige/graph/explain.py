"""What becomes of every weight, in words: traced, exact, dropped on the way, or never read."""

from collections.abc import Sequence
from typing import NamedTuple

from .._compat import is_float
from .draft import Draft
from .program import Atom, Value, up
from .report import Report
from .types import Edge, Group


def explain(
    d: Draft,
    edges: Sequence[Edge],
    groups: Sequence[Group],
    untraced: frozenset[Value],
    fresh: frozenset[Value],
    positions: bool,
) -> Report:
    """The report of a graph."""
    traced = [f"{e.name} -> {', '.join(groups[e.group].names)}" for e in edges if e.group is not None]
    reads = [_read(d, e.x, {d.h_in[i] for g in groups for i in g.states}, fresh) for e in edges]
    behind = {v for e, read in zip(edges, reads) if e.group is not None for v in read.params}
    why = lambda v: "acts through the input of others" if v in behind else "reaches no state, its gradient is exact"
    driving = {e.w for e in edges if e.group is not None}
    other = [v for v in d.frontier if v in d.of_params and is_float(v) and v not in driving | untraced]
    direct = [f"{d.origin(v)}: {why(v)}" for v in other if positions]
    late = [
        f"{d.origin(v)}: too many values per position, or asked for by `untraced`" for v in untraced if v in d.of_params
    ]
    read = up([*d.early, *d.eqns], d.program.outs)
    unread = [n for n, v in zip(d.param_names, d.program.ins) if v not in read]
    how = lambda g: ", pushed by forward mode" if g.pushed else ""
    lines = [f"{', '.join(g.names)}: {g.P} positions with blocks of {g.S}{how(g)}" for g in groups]
    dropped = _dropped(d, edges, groups, reads) if positions else []
    notes = [] if positions else ["positions were not asked for: only `rtrl()` and `tbptt()` apply"]
    if positions and groups and not dropped and not late:
        notes.append("D-RTRL is exact here: it equals BPTT")
    return Report(tuple(lines), tuple(traced), tuple(direct + late), tuple(unread), tuple(dropped), tuple(notes))


class _Read(NamedTuple):
    """What the input of a mark is made of: previous states, read as constants; previous states behind values of this
    step that it reads; trained values on the way."""

    old: set[Value]
    new: set[Value]
    params: set[Value]


def _read(d: Draft, x: Atom | None, states: set[Value], fresh: frozenset[Value]) -> _Read:
    read, made = _Read(set(), set(), set()), {v: e for e in d.eqns for v in e.outs}
    todo, seen = [x], set()
    while todo:
        v = todo.pop()
        if not isinstance(v, Value) or v in seen:
            continue
        seen.add(v)
        if v in states:
            read.old.add(v)
        elif v in d.of_params and is_float(v):
            read.params.add(v)
        elif v in fresh:
            read.new.update(up(d.eqns, [v], marks=False) & states)
        elif v in made:
            todo += made[v].ins
    return read


def _dropped(d: Draft, edges: Sequence[Edge], groups: Sequence[Group], reads: Sequence[_Read]) -> list[str]:
    """Paths through the input of a mark that credit cannot take back in time."""
    lines, name = [], dict(zip(d.h_in, d.state_names))
    told = lambda values: ", ".join(sorted(name[h] for h in values))
    for e, read in zip(edges, reads):
        if read.old:
            lines.append(f"{e.name} reads the previous {told(read.old)}: no credit through it to earlier steps")
        if e.group is None:
            continue
        to = ", ".join(groups[e.group].names)
        if read.new:
            lines.append(
                f"{e.name} carries {told(read.new)} into {to}, which remembers: credit for what the former did before this step"
            )
        if read.params:
            behind = ", ".join(sorted({d.origin(v) for v in read.params}))
            lines.append(f"{e.name} carries {behind} into {to}, which remembers: credit of this step only")
    return lines
