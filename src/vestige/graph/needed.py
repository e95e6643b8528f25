"""Which readings of a step anything looks at: the others are not run."""

from functools import lru_cache

from .._compat import is_float
from .program import Equation, Value, down
from .types import Graph

# readings: everything live; what marks read; what the next step inherits; what the output reads
NOW, INPUT, CARRY, SEEN = READINGS = range(4)


@lru_cache(64)
def taking_part(g: Graph, shifted: bool) -> dict[Equation, tuple[int, ...]]:
    """By equation, the readings whose results something needs. `shifted`: others read a new state beside itself, as a sum."""
    new = {v for v in g.h_out if isinstance(v, Value)}
    need: list[set[Value]] = [set(), set(), set(new), {v for v in g.program.outs if isinstance(v, Value)}]
    alike = {*g.saved, *g.spikes.values()}
    out = {}

    def made(v: Value) -> set[int]:
        """In which readings a value is made, rather than taken over from the first."""
        wanted = {n for n in READINGS if v in need[n]}
        over = {INPUT, SEEN} if shifted and v in new and is_float(v) else {INPUT} if v in g.fresh else set()
        if wanted & over or (v in alike and not wanted):
            wanted |= {NOW}
        return wanted - over

    for e in reversed(g.eqns):
        on = set[int]().union(*map(made, e.outs)) or ({NOW} if e.eqn.effects else set())
        out[e] = tuple(sorted(on))
        for n in {INPUT} if e.is_mark and on else on:
            need[n].update(e.reads)
    return out


@lru_cache(64)
def driven(g: Graph) -> set[Value]:
    """Values that credit could reach: what depends on a state or on a trained parameter, not on the input alone."""
    return down(g.eqns, [*g.h_in, *(v for v, on in zip(g.frontier, g.trained) if on)])
