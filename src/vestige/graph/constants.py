"""What a step knows before it runs: values that need neither state nor input nor parameter."""

from collections.abc import Callable
from typing import Any

import jax

from .program import Atom, Program, Value, producers


class Constants:
    """Values that need neither state nor input nor parameter, computed when asked for."""

    def __init__(self, program: Program, given: Callable[[Value], Any] = lambda v: None):
        self.known, self.given, self.made = dict(program.consts), given, producers(program.eqns)

    def __call__(self, atom: Atom) -> Any:
        if not isinstance(atom, Value):
            return atom.val
        if atom not in self.known:
            self.known[atom] = self.given(atom)
            e = self.made.get(atom)
            if e is not None and not e.is_mark and not e.eqn.effects:
                vals = [self(a) for a in e.ins]
                if all(v is not None for v in vals):
                    with jax.ensure_compile_time_eval():
                        self.known.update(zip(e.outs, e(*vals)))
        return self.known[atom]
