"""What a route changes of what a graph tells its user."""

from collections.abc import Sequence

from .memory import remembers_alike
from .program import Value
from .readers import Reader
from .report import Way
from .types import Graph


def way_of(
    graph: Graph, kappa: bool | float, told: bool, reading: dict[str, Reader], kept: dict[tuple[str, Value], str],
    back: Sequence[str], mixed: Sequence[str],
) -> Way:  # fmt: skip
    """What the report is to say of a route; `mixed`: readers before which no memory is kept, as neurons meet there."""
    held = {n: tuple(dict.fromkeys(kept[n, v] for v in r.parts if (n, v) in kept)) for n, r in reading.items()}
    held = {n: keys for n, keys in held.items() if keys}
    notes = []
    for n in held:
        whose = f"a decay of {kappa}, whatever its population remembers"
        into = remembers_alike(graph, reading[n].mark)
        if kappa is True and into is not None:
            whose = f"the decay of {', '.join(graph.groups[into].names)}, one for all: credit through it is kept"
        notes.append(f"what {n} reads is remembered with {whose}")
    if kappa is True:
        leaky = "is not a leaky sum with one decay, so no memory before it tells what it remembers"
        marks = {n: r.mark.outs[0] for n, r in reading.items() if n not in held and n not in mixed}
        into = {
            p.weight: ", ".join(p.into) for p in graph.report.paths if p.kind == "carried" and p.mark in marks.values()
        }
        notes += [f"{into[n]}, which {n} drives, {leaky}" for n in marks if n in into]
    notes += [f"what {n} reads joins neurons with one another, so no memory of each is kept before it" for n in mixed]
    notes += [f"credit crosses {n} by weights of its own" for n in back]
    notes += [f"no credit crosses {n}: the rule says what is wanted of what it reads" for n in reading if told]
    found = held if kappa is True else {}
    return Way(found, bool(back) or told, tuple(notes))
