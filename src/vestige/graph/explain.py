"""What becomes of every weight, in words: traced, exact, dropped on the way, or never read."""

from collections.abc import Sequence

from .._compat import is_float
from .draft import Draft
from .paths import dropped_paths, learning, reading
from .program import FLAT, Value, up
from .report import FEEDBACK, LARGE, Path, Report, Way
from .types import Edge, Group


def explain(
    d: Draft,
    edges: Sequence[Edge],
    groups: Sequence[Group],
    untraced: frozenset[Value],
    fresh: frozenset[Value],
    positions: bool,
    way: Way,
) -> Report:
    """The report of a graph; `way`: what a route changes."""
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
    paths = _but_kept(d, dropped_paths(d, edges, groups, untraced, fresh), groups, way) if positions else ()
    dropped = tuple(str(p) for p in paths if p.mark is not None)
    notes = [] if positions else ["positions were not asked for: only `rtrl()` and `tbptt()` apply"]
    exact, alone = _exact(d, edges, groups, paths) if positions and not way.elsewhere else ((), [])
    if alone and exact:
        notes.append(_why(exact, alone, whole=not paths))
    notes += way.notes
    around = _around(d, groups, fresh)
    marked = {n for n, e in enumerate(edges) if e.x is not None}
    large = tuple(f"{', '.join(g.names)}, {g.S} a position" for g in groups if g.S > LARGE and marked & {*g.edges})
    traced, direct = tuple(traced), tuple(direct + late)
    return Report(tuple(lines), traced, direct, tuple(unread), dropped, tuple(notes), paths, exact, around, large)


def _but_kept(d: Draft, paths: Sequence[Path], groups: Sequence[Group], way: Way) -> tuple[Path, ...]:
    """Paths that remain where memories tell what a reader's population remembers, and nothing behind that remembers too;
    each told once, by the weight of the way forward."""
    back = {e.outs[0] for e in d.eqns if e.is_mark and FEEDBACK in d.origin(e.ins[1])}
    sources = {
        name: {n for g in groups if set(g.names) & set(held) for n in g.names} for name, held in way.kept.items()
    }
    read = {n for p in paths for n in p.source}
    ends = lambda p: len(p.into) == 1 and p.into[0] not in read
    told = lambda p: p.kind == "carried" and ends(p) and set(p.source) <= sources.get(p.weight, set())
    return tuple(p for p in paths if not told(p) and p.mark not in back)


def _around(d: Draft, groups: Sequence[Group], fresh: frozenset[Value]) -> tuple[str, ...]:
    """Populations of which the output or a mark reads more than the new state, so that credit reaches them around it."""
    out, new, moved = [], set(d.h_out), learning(d)
    steps = [e for e in d.eqns if not e.is_mark and e.name not in FLAT]
    read = {v for e in d.eqns if e.is_mark for v in reading(d, e.ins[0], moved, fresh).fresh}
    for g in groups:
        own = {d.h_in[i] for i in g.states}
        seen = set(own)
        for e in steps:
            if any(v in seen and v not in new for v in e.reads):
                seen.update(e.outs)
        ends = {*d.program.outs[len(d.h_in) :], *(read & {v for e in g.eqns for v in e.outs})}
        if any(v in seen and v not in new for v in ends):
            out.append(", ".join(g.names))
    return tuple(out)


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
