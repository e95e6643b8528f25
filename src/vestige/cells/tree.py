"""A morphology cut into compartments: areas, resistances, and the tree that they form."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from .cut import cut
from .edges import oriented, touching, within
from .layout import layout
from .morphology import CAPACITANCE, RESISTIVITY, Morphology

MEGAOHM = 0.01  # of a resistivity of 1 ohm cm over 1 um of length per um2 of cross section
SHOWN = 30  # sections that are printed
Place = str | tuple[str, float]


@dataclass(frozen=True, eq=False)
class Tree:
    """Compartments of one neuron, and the branch points between them; nodes `N = C + branch points`, the branch points last.

    A compartment is a piece of cable of equal potential at its middle. A point where three or more pieces end is a node
    without membrane; where two end, they touch directly. Children in the middle of a section touch the compartment there.

    Attributes:
        spans: compartments of each section, as a slice, in the order in which sections were added.
        area: membrane of a compartment, um2, `[C]`. length: um, `[C]`. diam: of the cylinder with this area, um, `[C]`.
        Ra: ohm cm, `[C]`. cm: uF/cm2, `[C]`.
        parent: node towards the root, `[N]`, -1 for the root.
        near, far: length per cross section of the two halves of the way to the parent, on this node's side and on the
            parent's, 1/um, `[N]`: the resistance is `0.01 (Ra near + Ra_parent far)` megaohm.
        middle: centre of each compartment in space, um, `[C, 3]`.
    """

    spans: dict[str, slice]
    area: np.ndarray
    length: np.ndarray
    Ra: np.ndarray
    cm: np.ndarray
    parent: np.ndarray
    near: np.ndarray
    far: np.ndarray
    middle: np.ndarray

    @property
    def C(self) -> int:
        return len(self.area)

    @property
    def N(self) -> int:
        return len(self.parent)

    @property
    def diam(self) -> np.ndarray:
        return self.area / (np.pi * self.length)

    @cached_property
    def root(self) -> int:
        return int(np.flatnonzero(self.parent < 0)[0])

    def distance(self, origin: Place | int | None = None) -> np.ndarray:
        """Way along the cable from the middle of one compartment to the middle of each, um, `[C]`.

        Args:
            origin: as for `find`, one place; the middle of the root section unless given.

        Raises:
            KeyError, ValueError: as for `find`, or the places are several.
        """
        start = self.find((self._name(self.root), 0.5) if origin is None else origin)
        if len(start) != 1:
            raise ValueError(f"distance is from one compartment; {origin!r} is {len(start)}")
        half = np.append(self.length, np.zeros(self.N - self.C)) / 2
        hop = half * (self.near > 0) + half[self.parent] * (self.far > 0)
        away = np.full(self.N, np.nan)
        away[start[0]], line = 0.0, [int(start[0])]
        for node in line:
            for near, way in self._around[node]:
                if np.isnan(away[near]):
                    away[near] = away[node] + hop[way]
                    line.append(near)
        return away[: self.C]

    @cached_property
    def _around(self) -> list[list[tuple[int, int]]]:
        """Neighbours of each node, each with the node whose way to its parent leads there."""
        around: list[list[tuple[int, int]]] = [[] for _ in range(self.N)]
        for node, up in enumerate(self.parent):
            if up >= 0:
                around[node].append((int(up), node))
                around[up].append((node, node))
        return around

    def conductance(self, Ra: np.ndarray | None = None) -> np.ndarray:
        """Of the way to the parent, uS, `[..., N]`; 0 for the root.

        Args:
            Ra: instead of the morphology's, ohm cm, one number or `[..., C]`.
        """
        Ra = self.Ra if Ra is None else Ra * np.ones(self.C)
        way = MEGAOHM * (Ra[..., self._here] * self.near + Ra[..., self._there] * self.far)
        return self._off_root / (way + 1 - self._off_root)

    @cached_property
    def _off_root(self) -> np.ndarray:
        return (self.parent >= 0).astype(float)

    @cached_property
    def _here(self) -> np.ndarray:
        return np.where(np.arange(self.N) < self.C, np.arange(self.N), 0)

    @cached_property
    def _there(self) -> np.ndarray:
        return np.where((self.parent >= 0) & (self.parent < self.C), self.parent, 0)

    def find(self, where: Place | Iterable[Place] | np.ndarray | int | None) -> np.ndarray:
        """Compartments at places.

        Args:
            where: None for all; a section's name for all of it; `(name, loc)` with loc from 0 to 1 for the one there; a
                number or array of numbers of compartments; or several of these.

        Returns:
            numbers, in the order given, `[k]`.

        Raises:
            KeyError: no such section. ValueError: loc or a number is out of range.
        """
        if where is None:
            return np.arange(self.C)
        if isinstance(where, str):
            return np.arange(self.C)[self._span(where)]
        if isinstance(where, tuple) and len(where) == 2 and isinstance(where[0], str) and not isinstance(where[1], str):
            return np.array([self._at(*where)])
        if isinstance(where, (int, np.integer)) and not isinstance(where, bool):
            if not 0 <= where < self.C:
                raise ValueError(f"there is no compartment {where}; they are 0 to {self.C - 1}")
            return np.array([int(where)])
        found = [self.find(place) for place in where]
        return np.concatenate(found) if found else np.zeros(0, int)

    def _name(self, compartment: int) -> str:
        return next(name for name, span in self.spans.items() if span.start <= compartment < span.stop)

    def _span(self, name: str) -> slice:
        if name not in self.spans:
            raise KeyError(f"no section '{name}'; there are {list(self.spans)}")
        return self.spans[name]

    def _at(self, name: str, loc: float) -> int:
        span = self._span(name)
        if not 0.0 <= loc <= 1.0:
            raise ValueError(f"loc is {loc}; it runs from 0 (start of '{name}') to 1 (its end)")
        return within(span, loc)

    def __repr__(self) -> str:
        """Its sections as a table: of each, its size and what it grows from."""
        away, rows = self.distance(), []
        for name, span in list(self.spans.items())[:SHOWN]:
            area, length = self.area[span].sum(), self.length[span].sum()
            up = self._above(span)
            rows.append(
                f"  {name:<16} {span.stop - span.start:>5} {length:>10.2f} {area / (np.pi * length):>8.2f} {area:>11.2f}"
                f" {away[span].min():>9.1f} {away[span].max():>9.1f}   {self._name(up) if up >= 0 else '-'}"
            )
        if len(self.spans) > SHOWN:
            rows.append(f"  ... {len(self.spans) - SHOWN} more")
        joints = self.N - self.C
        return "\n".join([
            f"Tree of {len(self.spans)} sections: {self.C} compartments, {joints} branch point{'s' * (joints != 1)}, "
            f"{self.length.sum():.2f} um of cable, {self.area.sum():.2f} um2 of membrane",
            f"  {'':<16} {'':>5} {'length':>10} {'diam':>8} {'area':>11} {'away':>9} {'to':>9}",
            f"  {'section':<16} {'nseg':>5} {'um':>10} {'um':>8} {'um2':>11} {'um':>9} {'um':>9}   grows from", *rows,
        ])  # fmt: skip

    def _above(self, span: slice) -> int:
        """The compartment towards the root from a section; -1 for the root's."""
        up = int(self.parent[span.start])
        while up >= self.C:
            up = int(self.parent[up])
        return up


def tree(morphology: Morphology) -> Tree:
    """Cut a morphology into compartments.

    Raises:
        ValueError: there is no section, or sections hang on more than one root.
    """
    sections = morphology.sections
    if not sections:
        raise ValueError("the morphology has no section; add one with add_cylinder_section or add_point_section")
    if len(morphology.roots) != 1:
        raise ValueError(f"a neuron grows from one section, this one from {morphology.roots}; connect the others")
    spans, start = {}, 0
    for s in sections.values():
        spans[s.name], start = slice(start, start + s.nseg), start + s.nseg
    lies = layout(morphology)
    cuts = {s.name: cut(s, lies[s.name]) for s in sections.values()}
    halves = {(n, side): getattr(cuts[n], side) for n in sections for side in ("left", "right")}
    parent, near, far = oriented(start, *touching(sections, spans, halves), spans[morphology.roots[0]].start)
    join = lambda what: np.concatenate([getattr(cuts[n], what) for n in sections])
    each = lambda unit, what: np.concatenate(
        [np.full(s.nseg, float(getattr(s, what).to_decimal(unit))) for s in sections.values()]
    )
    return Tree(
        spans, join("area"), join("length"), each(RESISTIVITY, "Ra"), each(CAPACITANCE, "cm"), parent, near, far, join("middle")
    )  # fmt: skip
