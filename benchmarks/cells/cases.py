"""Cells to time, as data that every simulator reads: how they branch, what sits in their membrane, what drives them."""

from dataclasses import dataclass
from functools import cached_property
from math import pi

DT = 0.025  # ms
LENGTH, DIAM = 10.0, 2.0  # um, of one compartment
RA, CM, REST = 100.0, 1.0, -65.0  # ohm cm, uF/cm2, mV
# S/cm2 and mV, Hodgkin and Huxley at 6.3 degrees
G_NA, G_K, G_L = 0.12, 0.036, 0.0003
E_NA, E_K, E_L = 50.0, -77.0, -54.3
SECTIONS = {"cable": 1, "tree": 15}
DENSITY, MOST = 0.02, 0.3  # mA/cm2 of all membrane, and no more nA than that, into the first compartment


@dataclass(frozen=True)
class Case:
    """So many equal cells: one cable, or a binary tree of 15 sections of equal length."""

    shape: str
    cells: int
    compartments: int

    @property
    def name(self) -> str:
        return f"{self.shape}-{self.cells}x{self.compartments}"

    @property
    def size(self) -> int:
        """Compartments of all cells."""
        return self.cells * self.compartments

    @property
    def nseg(self) -> int:
        """Compartments of one section."""
        if self.compartments % SECTIONS[self.shape]:
            raise ValueError(
                f"{self.name}: a {self.shape} has {SECTIONS[self.shape]} sections of equal length; give a multiple"
            )
        return self.compartments // SECTIONS[self.shape]

    @cached_property
    def parents(self) -> list[int]:
        """The section whose end each section grows from, -1 for the first."""
        return [(k - 1) // 2 if k else -1 for k in range(SECTIONS[self.shape])]

    @property
    def current(self) -> float:
        """nA, from the first step on: the cells fire."""
        return min(MOST, 0.01 * DENSITY * pi * DIAM * LENGTH * self.compartments)

    def steps(self, gradient: bool) -> int:
        """Of one measurement: fewer where a step is long."""
        most, total = (400, 2e5) if gradient else (2000, 1e6)
        return int(min(most, max(10, total // self.size)))
