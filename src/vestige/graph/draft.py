"""A step on its way to a graph: what is known before its populations are."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..ops import untraced_p
from .program import Atom, Equation, Program, Value, down, up


def origin(early: Sequence[Equation], params: dict[str, Value], v: Atom) -> str:
    """Names of the parameters that a value derives from."""
    source = up(early, [v])
    return " & ".join(n for n, p in params.items() if p in source) or "a constant"


@dataclass(frozen=True, eq=False)
class Draft:
    """A step on its way to a graph."""

    program: Program
    eqns: tuple[Equation, ...]
    early: tuple[Equation, ...]
    h_in: tuple[Value, ...]
    h_out: tuple[Atom, ...]
    param_names: tuple[str, ...]
    state_names: tuple[str, ...]
    frontier: tuple[Value, ...]
    of_params: set[Value]
    max_own: int
    max_block: int | None

    @property
    def marks(self) -> list[Equation]:
        """Trainable marks: those whose weight derives from a parameter."""
        return [e for e in self.eqns if e.is_mark and e.ins[1] in self.of_params]

    def origin(self, v: Atom) -> str:
        """Names of the parameters that a value derives from."""
        return origin(self.early, dict(zip(self.param_names, self.program.ins)), v)

    @property
    def own_step(self) -> set[Value]:
        """Values that the user asked not to trace."""
        return down(self.early, [v for e in self.early if e.eqn.primitive is untraced_p for v in e.outs])


@dataclass(eq=False)
class Nodes:
    """Numbers for the elements of some arrays, in one range."""

    base: dict[Value, int]
    n: int

    @staticmethod
    def of(values: Sequence[Value], start: int = 0) -> "Nodes":
        ends = np.cumsum([start, *(v.size for v in values)]).tolist()
        return Nodes(dict(zip(values, ends)), ends[-1])

    def ids(self, v: Value) -> np.ndarray:
        return np.arange(self.base[v], self.base[v] + v.size).reshape(v.shape)

    def part(self, v: Value, of: np.ndarray) -> np.ndarray:
        return of[self.base[v] : self.base[v] + v.size]
