"""Points of an SWC file as sections of cable, with somata and branches as NEURON reads them."""

from collections import Counter
from dataclasses import dataclass

import numpy as np

from .swc import SOMA, Points, SwcReport, name_of


@dataclass(frozen=True, eq=False)
class Piece:
    """A section: its points `[points, 3]` and diameters `[points]`, um, what it grows from, and where along that."""

    name: str
    xyz: np.ndarray
    diam: np.ndarray
    parent: str | None
    loc: float | None


def pieces(points: Points, report: SwcReport) -> list[Piece]:
    """Sections, parents first.

    A section is an unbranched run of points of one type, and begins with a copy of the point that it grows from; at a soma,
    with its own diameter. A soma of one point is a sphere, which is a cylinder as long as wide, of the same area; one of
    three is too, if the second and third stand on both sides of the first, a radius away. A longer one is a cable, that
    goes on where others grow from it. What grows from a sphere or from inside a cable begins at its own first point, and
    meets the middle of the soma.
    """
    points = _ball(points)
    runs = _runs(points)
    home = {p: first for first, run in runs.items() for p in run}
    made: dict[int, Piece] = {}
    skipped: dict[int, tuple[str | None, float | None]] = {}
    counts: Counter[str] = Counter()
    for first, run in runs.items():
        xyz, diam = _apart(points, _copied(points, runs, home, first) + run, first, report)
        above, loc = _grows(points, runs, home, first)
        parent, loc = skipped[above] if above in skipped else (made[above].name if above in made else None, loc)
        if above is None and len(diam) == 1:
            xyz, diam = xyz + diam / 2 * np.array([[-1.0, 0, 0], [1.0, 0, 0]]), diam.repeat(2)
        if len(diam) < 2:
            report.repairs["a section without a length; left out"].append(int(points.line[first]))
            skipped[first] = parent, loc
            continue
        kind = name_of(int(points.kind[first]))
        made[first] = Piece(f"{kind}[{counts[kind]}]", xyz, diam, parent, loc)
        counts[kind] += 1
    report.sections, report.soma = dict(counts), _soma(points, runs)
    return list(made.values())


def _ball(points: Points) -> Points:
    """A soma of three points that stands for a sphere, as its first point."""
    soma = np.flatnonzero(points.kind == SOMA)
    if len(soma) != 3 or points.parent[soma].tolist() != [-1, soma[0], soma[0]] or np.ptp(points.diam[soma]) > 0:
        return points
    apart = np.linalg.norm(points.xyz[soma[1:]] - points.xyz[soma[0]], axis=1).sum()
    if abs(apart / points.diam[soma[0]] - 1) >= 0.01 or np.isin(points.parent, soma[1:]).any():
        return points
    return points.taken(np.setdiff1d(np.arange(len(points)), soma[1:]))


def _runs(points: Points) -> dict[int, list[int]]:
    """Points of each section, by its first."""
    children: list[list[int]] = [[] for _ in range(len(points))]
    for p in np.flatnonzero(points.parent >= 0):
        children[points.parent[p]].append(int(p))
    runs: dict[int, list[int]] = {}
    run_of: dict[int, list[int]] = {}
    for p in range(len(points)):
        run = run_of.get(p)
        if run is None:
            run = runs[p] = []
        run.append(p)
        further = _next(points, children[p], p, run[0] == p)
        if further is not None:
            run_of[further] = run
    return runs


def _next(points: Points, children: list[int], p: int, first: bool) -> int | None:
    """The child with which a section goes on, if it does not end here."""
    alike = [c for c in children if points.kind[c] == points.kind[p] and not points.joined[c]]
    root = points.parent[p] < 0
    if points.kind[p] == SOMA:
        return alike[0] if len(alike) == 1 or (alike and root) else None
    # where others leave the first point out of a soma, all leave the soma
    on = len(children) == 1 or (first and (root or points.kind[points.parent[p]] == SOMA))
    return alike[0] if on and alike else None


def _grows(
    points: Points, runs: dict[int, list[int]], home: dict[int, int], first: int
) -> tuple[int | None, float | None]:
    """The section from which one grows, by its first point, and where along it."""
    up = int(points.parent[first])
    if up < 0:
        return None, None
    above = home[up]
    run, root = runs[above], points.parent[above] < 0
    if points.kind[up] == SOMA and points.kind[first] != SOMA and root and len(run) == 1:
        return above, 0.5
    if up == run[0] and root:
        return above, 0.0
    if up == run[-1]:
        return above, 1.0
    return above, 0.5 if points.kind[up] == SOMA else 0.0


def _copied(points: Points, runs: dict[int, list[int]], home: dict[int, int], first: int) -> list[int]:
    """The parent's point, if a section begins with it."""
    up = int(points.parent[first])
    if up < 0:
        return []
    if len(runs[first]) == 1:
        return [up]
    leaves_soma = points.kind[up] == SOMA and points.kind[first] != SOMA
    forked = ((points.parent == up) & (points.kind == SOMA)).sum() > 1
    wire = points.joined[first] or (leaves_soma and (forked or _grows(points, runs, home, first)[1] == 0.5))
    return [] if wire else [up]


def _apart(points: Points, of: list[int], first: int, report: SwcReport) -> tuple[np.ndarray, np.ndarray]:
    """Positions and diameters of points; of several at one place, the last."""
    xyz, diam = points.xyz[of], points.diam[of].copy()
    if of[0] != first and points.kind[of[0]] == SOMA and points.kind[first] != SOMA:
        diam[0] = diam[1]
    keep = np.append((np.diff(xyz, axis=0) != 0).any(1), True)
    if not keep.all():
        lines = points.line[np.array(of)[np.flatnonzero(~keep) + 1]].tolist()
        report.repairs["at the same place as the point before; taken as one"] += lines
    return xyz[keep], diam[keep]


def _soma(points: Points, runs: dict[int, list[int]]) -> str:
    """In words, how the soma was read."""
    soma = [run for run in runs.values() if points.kind[run[0]] == SOMA]
    if not soma:
        return f"none; line {points.line[0]} is the root"
    if len(soma) > 1:
        return f"{len(soma)} sections"
    return "a sphere" if len(soma[0]) == 1 else f"a cable of {len(soma[0])} points"
