"""The shape of a neuron: sections of cable, and which grows from which."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import saiunit as u

from .swc import SwcReport, read
from .swc_sections import pieces

Quantity = u.Quantity
RESISTIVITY, CAPACITANCE = u.ohm * u.cmetre, u.ufarad / u.cmeter2


@dataclass(frozen=True, eq=False, repr=False)
class Section:
    """An unbranched piece of cable, cut into `nseg` compartments of equal length.

    Attributes:
        name: unique in its morphology.
        positions: points along the middle, `[points, 3]`, a length.
        diams: diameters there, `[points]`, a length.
        nseg: number of compartments.
        Ra: axial resistivity. cm: membrane capacitance per area.
        parent, parent_loc: the section that it grows from, and where along it (0 start, 1 end); None for a root.
        placed: whether the positions are places in space; a cylinder has a length alone, and lies along x.
    """

    name: str
    positions: Quantity
    diams: Quantity
    nseg: int
    Ra: Quantity
    cm: Quantity
    parent: str | None = None
    parent_loc: float | None = None
    placed: bool = True

    @cached_property
    def along(self) -> np.ndarray:
        """Length up to each point, um, `[points]`."""
        points = np.asarray(self.positions.to_decimal(u.um))
        return np.concatenate([[0.0], np.linalg.norm(np.diff(points, axis=0), axis=1).cumsum()])

    @property
    def length(self) -> Quantity:
        return float(self.along[-1]) * u.um

    def __repr__(self) -> str:
        Ra, cm = float(self.Ra.to_decimal(RESISTIVITY)), float(self.cm.to_decimal(CAPACITANCE))
        return (
            f"Section<name={self.name!r}, nseg={self.nseg}, points={len(self.diams)}, Ra={Ra} * ohm * cmetre, "
            f"cm={cm} * ufarad / cmeter2, parent={self.parent!r}, parent_loc={self.parent_loc}>"
        )


Nseg = int | Callable[[Section], int]


class Morphology:
    """Sections by name, in the order in which they were added, and the tree that they form.

    Attributes:
        sections: `{name: Section}`.
        n_compartments: compartments of all sections together.
        report: what was read and repaired, if it comes from a file.
    """

    def __init__(self) -> None:
        self.sections: dict[str, Section] = {}
        self.report: SwcReport | None = None

    @classmethod
    def from_swc(
        cls, path: str | Path, nseg: Nseg = 1,
        Ra: Quantity = 100.0 * RESISTIVITY, cm: Quantity = 1.0 * CAPACITANCE,
    ) -> "Morphology":  # fmt: skip
        """Read a neuron from a text file of points, um, with sections `soma[0]`, `axon[k]`, `dend[k]`, `apic[k]`.

        Somata and branches are read as NEURON's Import3d does; `morphology.report` says how, and what had to be repaired.

        Args:
            path: of the file. The others: of all sections, as for `add_point_section`; `nseg=by_length_constant()` suits.

        Raises:
            FileNotFoundError: no such file. ValueError: the file cannot be repaired; the message says where and why.
        """
        points, report = read(path)
        self = cls()
        for piece in pieces(points, report):
            self.add_point_section(piece.name, piece.xyz * u.um, piece.diam * u.um, nseg, Ra, cm)
            if piece.parent is not None:
                self.connect(piece.name, piece.parent, piece.loc)
        self.report = report
        return self

    def add_cylinder_section(
        self, name: str, length: Quantity, diam: Quantity, nseg: Nseg = 1,
        Ra: Quantity = 100.0 * RESISTIVITY, cm: Quantity = 1.0 * CAPACITANCE,
    ) -> None:  # fmt: skip
        """Add a straight cable of one diameter.

        Args:
            name: a new name.
            length, diam: lengths with a unit, above zero.
            nseg: compartments, at least 1; or a rule that says how many, such as `by_length_constant()`.
            Ra: axial resistivity. cm: membrane capacitance per area.

        Raises:
            ValueError: a number is out of range, or the name is taken. UnitMismatchError: a unit is of the wrong kind.
        """
        end = _positive(name, "length", length, u.um)
        diam = _positive(name, "diam", diam, u.um)
        if end.ndim or diam.ndim:
            raise ValueError(f"section '{name}': length and diam are one number each; add_point_section takes many")
        self._add(
            name, np.array([[0.0, 0.0, 0.0], [float(end), 0.0, 0.0]]), np.full(2, diam), nseg, Ra, cm, placed=False
        )

    def add_point_section(
        self, name: str, positions: Quantity, diams: Quantity, nseg: Nseg = 1,
        Ra: Quantity = 100.0 * RESISTIVITY, cm: Quantity = 1.0 * CAPACITANCE,
    ) -> None:  # fmt: skip
        """Add a cable along given points.

        Args:
            positions: `[points, 3]` with a unit of length, at least two points, none twice in a row.
            diams: `[points]` with a unit of length, above zero. The others: as for `add_cylinder_section`.

        Raises:
            ValueError: a shape or number does not fit, or the name is taken. UnitMismatchError: a unit of another kind.
        """
        points = _number(name, "positions", positions, u.um)
        diams = _positive(name, "diams", diams, u.um)
        if points.ndim != 2 or points.shape[1] != 3 or len(points) < 2 or diams.shape != points.shape[:1]:
            raise ValueError(
                f"section '{name}': positions {points.shape} and diams {diams.shape} should be [points, 3] "
                "and [points], with at least two points"
            )
        if not np.linalg.norm(np.diff(points, axis=0), axis=1).all():
            raise ValueError(f"section '{name}': two points in a row are the same; a piece of cable needs a length")
        self._add(name, points, diams, nseg, Ra, cm)

    def connect(self, child: str, parent: str, parent_loc: float = 1.0) -> None:
        """Let a section grow from another.

        Args:
            child, parent: names of sections.
            parent_loc: where along the parent, from 0 (start) to 1 (end).

        Raises:
            KeyError: there is no such section. ValueError: the place is off the parent, the child is connected
                already, or the sections would form a ring.
        """
        self._known(child, parent)
        if isinstance(parent_loc, str) or not 0.0 <= parent_loc <= 1.0:
            raise ValueError(f"parent_loc is {parent_loc!r}; it runs from 0 (start of '{parent}') to 1 (its end)")
        if self.sections[child].parent is not None:
            raise ValueError(f"section '{child}' grows from '{self.sections[child].parent}' already")
        if child in self._line(parent):
            raise ValueError(
                f"connecting '{child}' to '{parent}' would close a ring: {' -> '.join(self._line(parent))}"
            )
        self.sections[child] = replace(self.sections[child], parent=parent, parent_loc=float(parent_loc))

    def set_nseg(self, nseg: Nseg, *names: str) -> None:
        """Cut sections anew; cells that were made before keep their compartments.

        Args:
            nseg: compartments, at least 1; or a rule that says how many, such as `by_length_constant()`.
            names: of the sections; all unless given.

        Raises:
            KeyError: there is no such section. ValueError: nseg is no whole number from 1 on. Nothing is changed then.
        """
        self._known(*names)
        self.sections.update({name: _cut(self.sections[name], nseg) for name in names or self.sections})

    @property
    def n_compartments(self) -> int:
        return sum(section.nseg for section in self.sections.values())

    @property
    def roots(self) -> list[str]:
        """Sections that grow from none; a neuron has one."""
        return [s.name for s in self.sections.values() if s.parent is None]

    def _known(self, *names: str) -> None:
        for name in names:
            if name not in self.sections:
                raise KeyError(f"no section '{name}'; there are {list(self.sections)}")

    def _line(self, name: str | None) -> list[str]:
        line = []
        while name is not None:
            line, name = [*line, name], self.sections[name].parent
        return line

    def _add(
        self, name: str, points: np.ndarray, diams: np.ndarray, nseg: Nseg, Ra: Quantity, cm: Quantity, placed: bool = True
    ) -> None:  # fmt: skip
        if not isinstance(name, str):
            raise TypeError(f"a section's name is a string, not {name!r}")
        if name in self.sections:
            raise ValueError(f"there is a section '{name}' already; give each a name of its own")
        for what, value, unit in (("Ra", Ra, RESISTIVITY), ("cm", cm, CAPACITANCE)):
            if _positive(name, what, value, unit).ndim:
                raise ValueError(f"section '{name}': {what} is one number for all of it")
        self.sections[name] = _cut(Section(name, points * u.um, diams * u.um, 1, Ra, cm, placed=placed), nseg)

    def __repr__(self) -> str:
        rows = ",\n".join(f"    {name!r}: {section}" for name, section in self.sections.items())
        return f"Morphology(\n  sections={{\n{rows}\n  }}\n)"


def _cut(section: Section, nseg: Nseg) -> Section:
    n = nseg(section) if callable(nseg) else nseg
    if isinstance(n, bool) or not isinstance(n, (int, np.integer)) or n < 1:
        raise ValueError(
            f"section '{section.name}': nseg is {n!r}; it counts compartments, so a whole number from 1 on"
        )
    return replace(section, nseg=int(n))


def _number(name: str, what: str, value: Quantity | Sequence, unit: u.Unit) -> np.ndarray:
    if not u.have_same_dim(value, unit):
        raise u.UnitMismatchError(f"section '{name}': {what} is in {u.get_unit(value)}; it needs a unit like {unit}")
    # straight to numpy, in double precision: a single-precision 0.1 would be printed as 0.10000000149
    factor = u.Quantity(1.0, unit=u.get_unit(value)).to_decimal(unit)
    number = np.asarray(u.get_mantissa(value), float) * float(factor)
    if not np.isfinite(number).all():
        raise ValueError(f"section '{name}': {what} is not finite: {number}")
    return number


def _positive(name: str, what: str, value: Quantity | Sequence, unit: u.Unit) -> np.ndarray:
    number = _number(name, what, value, unit)
    if not (number > 0).all():
        raise ValueError(f"section '{name}': {what} must be above zero, is {number} {unit}")
    return number
