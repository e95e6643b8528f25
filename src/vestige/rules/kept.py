"""Where a sparse influence lies: per trained scalar the states that it may reach, and no room for others."""

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from ..graph import Graph
from ..graph.components import Pairs
from ..graph.draft import origin
from ..graph.program import Value
from .couplings import Couplings, couplings, either
from .influence import size, trained

# nodes that an element acts on at once, and by the input of a mark
Nodes = tuple[tuple[int, ...], tuple[int, ...]]
# of couplings and such nodes: which states are kept `[n]`
Choose = Callable[[Couplings, Nodes], np.ndarray]


class Part(NamedTuple):
    """Elements of one value that keep about as many states; `C` rows of elements that keep the same ones; -1 pads.

    states `[C, w]`: which, by place in the row of states; members `[C, m]`: which elements; local `[C, m, w]`: where, among the
    pulls `[k, elements]` laid flat, stands what an element does to a state in one step (-1: it does nothing).
    """

    states: np.ndarray
    members: np.ndarray
    local: np.ndarray


class Kept(NamedTuple):
    """Of one trained value. pulls `[k, n]`: states whose cotangents are pulled back together, because no element acts on two of
    them in one step."""

    pulls: np.ndarray
    parts: tuple[Part, ...]

    @property
    def numbers(self) -> int:
        """How many numbers are kept, padding aside."""
        return sum(int(((p.states >= 0).sum(1) * (p.members >= 0).sum(1)).sum()) for p in self.parts)


@lru_cache(64)
def layout(graph: Graph, choose: Choose) -> list[Kept]:
    """What is kept, per trained value."""
    c = couplings(graph)
    each = zip(trained(graph, graph.frontier), c.touched, c.read)
    return [_laid(c, choose, v, touched, read) for v, touched, read in each]


def told(graph: Graph, choose: Choose) -> list[str]:
    """What is kept, in words, per trained value."""
    names, values = dict(zip(graph.param_names, graph.program.ins)), trained(graph, graph.frontier)
    return [
        f"{origin(graph.early, names, v)}: {k.numbers} of {v.size * size(graph)} influences kept"
        for v, k in zip(values, layout(graph, choose))
    ]


def _laid(c: Couplings, choose: Choose, v: Value, touched: Pairs, read: Pairs) -> Kept:
    alike = _alike(touched, read)
    acts = {nodes: either(c.onward, [*nodes[0], *nodes[1]]) for nodes in alike}
    groups: dict[bytes, list[Nodes]] = {}
    for nodes in alike:
        groups.setdefault(choose(c, nodes).tobytes(), []).append(nodes)
    rows = [(np.frombuffer(row, bool), members) for row, members in groups.items() if any(row)]
    if not rows:
        return Kept(np.zeros((0, c.n)), ())
    color = _colors(np.array([*acts.values()]), np.any([acts[nodes] & row for row, some in rows for nodes in some], 0))
    # lists padded to at most twice their length
    sizes = sorted({int(row.sum()).bit_length() for row, _ in rows})
    parts = [[(row, some) for row, some in rows if int(row.sum()).bit_length() == s] for s in sizes]
    return Kept(
        color == np.arange(color.max() + 1)[:, None], tuple(_part(some, alike, acts, color, v.size) for some in parts)
    )


def _part(
    rows: list[tuple[np.ndarray, list[Nodes]]], alike: dict[Nodes, np.ndarray], acts: dict[Nodes, np.ndarray],
    color: np.ndarray, elements: int,
) -> Part:  # fmt: skip
    counts, widest = [sum(len(alike[n]) for n in some) for _, some in rows], max(int(row.sum()) for row, _ in rows)
    # long rows are cut, so that short ones need little padding; each piece costs a block of the Jacobian
    length = min(set(counts), key=lambda m: sum(-(-count // m) for count in counts) * (m + widest))
    states, members, local = [], [], []
    for row, some in rows:
        at = np.flatnonzero(row)
        who = np.concatenate([alike[n] for n in some])
        pull = np.concatenate([np.where(acts[n], color, -1)[at][None].repeat(len(alike[n]), 0) for n in some])
        place = np.where(pull >= 0, pull * elements + who[:, None], -1)
        for a in range(0, len(who), length):
            states.append(at)
            members.append(who[a : a + length])
            local.append(place[a : a + length])
    whole = np.full((len(local), length, widest), -1)
    for out, some in zip(whole, local):
        out[: len(some), : some.shape[1]] = some
    return Part(_padded(states, widest), _padded(members, length), whole)


def _alike(touched: Pairs, read: Pairs) -> dict[Nodes, np.ndarray]:
    """Elements by the nodes that they act on."""
    first, second = _of_each(touched), _of_each(read)
    out: dict[Nodes, list[int]] = {}
    for element in sorted({*first, *second}):
        out.setdefault((first.get(element, ()), second.get(element, ())), []).append(element)
    return {nodes: np.array(elements) for nodes, elements in out.items()}


def _of_each(pairs: Pairs) -> dict[int, tuple[int, ...]]:
    element, node = pairs
    starts = np.flatnonzero(np.r_[True, element[1:] != element[:-1]][: len(element)])
    parts = np.split(node, starts[1:]) if len(starts) else []
    return {int(e): tuple(p.tolist()) for e, p in zip(element[starts], parts)}


def _colors(acts: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """A colour per wanted state (-1: others); states that one element acts on differ."""
    apart = acts[:, wanted].astype(np.float32)
    apart = apart.T @ apart > 0
    color = np.full(len(apart), -1)
    for s in range(len(apart)):
        taken = set(color[apart[s]].tolist())
        color[s] = next(c for c in range(len(apart)) if c not in taken)
    out = np.full(len(wanted), -1)
    out[wanted] = color
    return out


def _padded(lists: Sequence[np.ndarray], length: int) -> np.ndarray:
    out = np.full((len(lists), length), -1)
    for row, some in zip(out, lists):
        row[: len(some)] = some
    return out
