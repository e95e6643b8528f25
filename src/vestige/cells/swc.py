"""The SWC format: points of a neuron from a text file, in order, and what had to be repaired."""

import heapq
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

SOMA = 1
NAMES = {SOMA: "soma", 2: "axon", 3: "dend", 4: "apic"}
SHOWN = 8  # lines that are printed of each repair


def name_of(kind: int) -> str:
    """What sections of a type are called; those without a name in the format are `dend_<type>`, as NEURON's."""
    return NAMES.get(kind, f"dend_{kind}")


@dataclass(eq=False)
class Points:
    """Points of one tree; a parent comes before its children, else by the file's numbers.

    Attributes:
        line: in the file, `[n]`. kind: type, `[n]`. xyz: um, `[n, 3]`. diam: um, `[n]`.
        parent: number of a point, -1 for the root, `[n]`. joined: whether the file gives no way to the parent, `[n]`.
    """

    line: np.ndarray
    kind: np.ndarray
    xyz: np.ndarray
    diam: np.ndarray
    parent: np.ndarray
    joined: np.ndarray

    def __len__(self) -> int:
        return len(self.line)

    def taken(self, order: np.ndarray) -> "Points":
        """Some points in another order; a parent must be among them."""
        place = np.full(len(self) + 1, -1)
        place[order] = np.arange(len(order))
        rows = (self.line, self.kind, self.xyz, self.diam, place[self.parent], self.joined)
        return Points(*(row[order] for row in rows))


@dataclass(eq=False)
class SwcReport:
    """What was read from an SWC file, and what was done to it; prints as a short text.

    Attributes:
        path: the file. points: how many it has.
        soma: how the soma was read. sections: `{"soma": 1, "dend": 12, ...}`.
        repairs: `{what was done: lines of the file}`; empty if nothing had to be.
    """

    path: str
    points: int = 0
    soma: str = "none"
    sections: dict[str, int] = field(default_factory=dict)
    repairs: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))

    def __repr__(self) -> str:
        sections = ", ".join(f"{n} {name}" for name, n in self.sections.items())
        rows = [f"{self.path}: {self.points} points, sections: {sections}; soma: {self.soma}"]
        for what, lines in self.repairs.items():
            more = f" and {len(lines) - SHOWN} more" if len(lines) > SHOWN else ""
            rows.append(f"  {what}: line{'s' * (len(lines) > 1)} {', '.join(map(str, lines[:SHOWN]))}{more}")
        return "\n".join(rows if self.repairs else [*rows, "  nothing had to be repaired"])


def read(path: str | Path) -> tuple[Points, SwcReport]:
    """The points of a file, one tree.

    Raises:
        FileNotFoundError: no such file.
        ValueError: a line is not seven numbers, a number is out of range, two points have one number, points form a
            ring, no point has a radius, or there is none.
    """
    report = SwcReport(Path(path).name)
    rows = _unique(_rows(Path(path)), report)
    if not rows:
        raise ValueError(f"{path}: no point; each line is `number type x y z radius parent`")
    report.points = len(rows)
    number = {row[1]: k for k, row in enumerate(rows)}
    parent = np.array([number.get(row[7], -1) for row in rows])
    for row in rows:
        if row[7] >= 0 and row[7] not in number:
            report.repairs["its parent is not in the file; taken as the start of a tree"].append(row[0])
    points = Points(
        np.array([row[0] for row in rows]), np.array([row[2] for row in rows]), np.array([row[3:6] for row in rows]),
        2 * np.array([row[6] for row in rows]), parent, np.zeros(len(rows), bool),
    )  # fmt: skip
    points = points.taken(_order(points, np.array([row[1] for row in rows]), report, path))
    points = _one_tree(points, report)
    _radii(points, report, path)
    for kind in sorted(set(points.kind.tolist()) - set(NAMES)):
        what = f"type {kind} is none of {', '.join(NAMES.values())}; its sections are called {name_of(kind)}"
        report.repairs[what] = points.line[points.kind == kind].tolist()
    return points, report


Row = tuple[int, int, int, float, float, float, float, int]


def _rows(path: Path) -> list[Row]:
    """Line, number, type, x, y, z, radius, parent."""
    rows: list[Row] = []
    for line, text in enumerate(path.read_text("utf-8-sig", errors="replace").splitlines(), 1):
        words = text.split("#")[0].replace(",", " ").split()
        if not words:
            continue
        try:
            n, kind, x, y, z, radius, parent = map(float, words[:7])
        except ValueError:
            raise ValueError(f"{path}, line {line}: {text!r} is not `number type x y z radius parent`") from None
        whole = (
            np.isfinite([n, kind, parent]).all() and n == int(n) >= 0 and kind == int(kind) and parent == int(parent)
        )
        if not whole:
            raise ValueError(f"{path}, line {line}: number, type and parent are whole numbers, in {text!r}")
        if not np.isfinite([x, y, z, radius]).all() or radius < 0:
            raise ValueError(f"{path}, line {line}: x, y, z are finite and a radius at least 0, in {text!r}")
        rows.append((line, int(n), int(kind), x, y, z, radius, int(parent)))
    return rows


def _unique(rows: list[Row], report: SwcReport) -> list[Row]:
    seen: dict[int, Row] = {}
    for row in rows:
        before = seen.setdefault(row[1], row)
        if before[1:] != row[1:]:
            raise ValueError(
                f"{report.path}: lines {before[0]} and {row[0]} both are point {row[1]}; give one another number"
            )
        if before is not row:
            report.repairs["the same point again; left out"].append(row[0])
    return list(seen.values())


def _order(points: Points, number: np.ndarray, report: SwcReport, path: str | Path) -> np.ndarray:
    """Parents first, else by number."""
    order = _parents_first(points.parent, number)
    if len(order) < len(points):
        ring = np.setdiff1d(points.line, points.line[order])
        raise ValueError(f"{path}: no root leads to lines {ring[:SHOWN].tolist()}; their points form a ring")
    before = np.maximum.accumulate(order)
    late = order < before
    if late.any():
        report.repairs["out of order; sorted by number, parents first"] = sorted(points.line[order[late]].tolist())
    return order


def _parents_first(parent: np.ndarray, number: np.ndarray) -> np.ndarray:
    children = defaultdict(list)
    for k, up in enumerate(parent):
        children[int(up)].append(k)
    ready, order = [(number[k], k) for k in children[-1]], []
    heapq.heapify(ready)
    while ready:
        k = heapq.heappop(ready)[1]
        order.append(k)
        for c in children[k]:
            heapq.heappush(ready, (number[c], c))
    return np.array(order, int)


def _one_tree(points: Points, report: SwcReport) -> Points:
    """Further trees are joined to the nearest point of the one with the soma; the gap itself gets no membrane."""
    whose = np.arange(len(points))
    for k in np.flatnonzero(points.parent >= 0):
        whose[k] = whose[points.parent[k]]
    roots, somata = np.flatnonzero(points.parent < 0), np.flatnonzero(points.kind == SOMA)
    main = whose[somata[0]] if len(somata) else roots[0]
    inside = whose == main
    for root in roots[roots != main]:
        away = np.where(inside, np.linalg.norm(points.xyz - points.xyz[root], axis=1), np.inf)
        near = int(away.argmin())
        points.parent[root], points.joined[root] = near, True
        inside |= whose == root
        what = f"start of a tree of its own; joined to line {points.line[near]}, {away[near]:.4g} um away"
        report.repairs[what].append(int(points.line[root]))
    return points.taken(_parents_first(points.parent, np.arange(len(points)))) if len(roots) > 1 else points


def _radii(points: Points, report: SwcReport, path: str | Path) -> None:
    """A radius of zero becomes that of the nearest point towards the root, or else of the first point that has one."""
    zero = points.diam == 0
    if zero.all():
        raise ValueError(f"{path}: no point has a radius")
    first = points.diam[~zero][0]
    for k in np.flatnonzero(zero):
        up = points.parent[k]
        points.diam[k] = points.diam[up] if up >= 0 else first
    if zero.any():
        report.repairs["radius 0; taken from the point before"] = points.line[zero].tolist()
