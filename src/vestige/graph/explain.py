"""What becomes of every weight, in words: traced, exact, dropped on the way, or never read."""

from collections.abc import Sequence

from .._compat import is_float
from .draft import Draft
from .paths import dropped_paths, learning, reading
from .program import Value, up
from .report import Path, Report
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
    moved = learning(d)
    behind = {v for e in edges if e.group is not None for v in reading(d, e.x, moved, fresh).params}
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
    paths = dropped_paths(d, edges, groups, untraced, fresh) if positions else ()
    dropped = tuple(str(p) for p in paths if p.mark is not None)
    notes = [] if positions else ["positions were not asked for: only `rtrl()` and `tbptt()` apply"]
    exact, alone = _exact(d, edges, groups, paths) if positions else ((), [])
    if alone and exact:
        notes.append(_why(exact, alone, whole=not paths))
    return Report(tuple(lines), tuple(traced), tuple(direct + late), tuple(unread), dropped, tuple(notes), paths, exact)


def _exact(
    d: Draft, edges: Sequence[Edge], groups: Sequence[Group], paths: Sequence[Path]
) -> tuple[tuple[str, ...], list[Group]]:
    """Parameters for which D-RTRL equals BPTT, and the populations that no dropped path reads."""
    handed_on = {h for p in paths if p.kind != "own step" for h in p.source}
    alone = [g for g in groups if not handed_on & {*g.names}]
    short = {v for p in paths if p.kind == "own step" for v in p.cut}
    short |= {e.w for e in edges if e.group is not None and groups[e.group] not in alone}
    inexact, read = up(d.early, short), up([*d.early, *d.eqns], d.program.outs)
    params = [(n, v) for n, v in zip(d.param_names, d.program.ins) if v in read and is_float(v)]
    return tuple(n for n, v in params if v not in inexact), alone


def _why(exact: Sequence[str], alone: Sequence[Group], whole: bool) -> str:
    memory = f"the past of each position of {' and of '.join(', '.join(g.names) for g in alone)} acts on its own future alone"
    if whole:
        return f"D-RTRL is exact here: it equals BPTT, since {memory}"
    return f"D-RTRL equals BPTT for {', '.join(exact)}: {memory}"
