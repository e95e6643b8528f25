"""Which compartments touch, and where branch points are."""

from collections import defaultdict, deque

import numpy as np

from .morphology import Section

Half = tuple[int, float]


def touching(
    sections: dict[str, Section], spans: dict[str, slice], halves: dict[tuple[str, str], np.ndarray]
) -> tuple[int, list[tuple[Half, Half]]]:
    """Number of branch points, and pairs of touching nodes, each with its half of the way."""
    C = max(s.stop for s in spans.values())
    edges: list[tuple[Half, Half]] = []
    ends: dict[tuple[str, float], list[Half]] = defaultdict(list)  # what meets at the start (0) or end (1) of a section
    for name, s in sections.items():
        span, left, right = spans[name], halves[name, "left"], halves[name, "right"]
        edges += [((span.start + k, right[k]), (span.start + k + 1, left[k + 1])) for k in range(s.nseg - 1)]
        ends[name, 1.0].append((span.stop - 1, right[-1]))
        first: Half = (span.start, left[0])
        parent, loc = _grows_at(sections, s)
        if loc in (0.0, 1.0):
            ends[parent, loc].append(first)
        else:
            edges.append((first, (within(spans[parent], loc), 0.0)))
    joints = [meeting for meeting in ends.values() if len(meeting) > 2]
    edges += [(meeting[0], meeting[1]) for meeting in ends.values() if len(meeting) == 2]
    edges += [(end, (C + k, 0.0)) for k, meeting in enumerate(joints) for end in meeting]
    return len(joints), edges


def _grows_at(sections: dict[str, Section], s: Section) -> tuple[str, float]:
    """Section and place where `s` begins; the start of a section that grows from another is that other's place."""
    while s.parent is not None and s.parent_loc == 0.0 and sections[s.parent].parent is not None:
        s = sections[s.parent]
    return (s.name, 0.0) if s.parent is None else (s.parent, float(s.parent_loc or 0.0))


def within(span: slice, loc: float) -> int:
    """The compartment of a section at `loc`; the last one reaches to the end."""
    n = span.stop - span.start
    return span.start + min(int(loc * n), n - 1)


def oriented(
    C: int, joints: int, edges: list[tuple[Half, Half]], root: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Parent and both halves of the way to it, for each node, seen from the root."""
    N = C + joints
    around: list[list[tuple[int, float, float]]] = [[] for _ in range(N)]
    for (a, half_a), (b, half_b) in edges:
        around[a].append((b, half_b, half_a))
        around[b].append((a, half_a, half_b))
    parent, near, far = np.full(N, -1), np.zeros(N), np.zeros(N)
    seen, todo = {root}, deque([root])
    while todo:
        a = todo.popleft()
        for b, half_b, half_a in around[a]:
            if b not in seen:
                seen.add(b)
                todo.append(b)
                parent[b], near[b], far[b] = a, half_b, half_a
    return parent, near, far
