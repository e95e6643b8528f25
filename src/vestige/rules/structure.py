"""Which elements of a weight are zero whatever the parameters are: masks and empty blocks, found before anything runs."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ..graph import Const, Graph
from ..graph.constants import Constants
from ..graph.moves import MOVES
from ..graph.program import Atom, Equation, Program, Value

Filled = np.ndarray

# zero where all that they are made of is zero
KEEPING = frozenset(
    """add add_any sub neg abs sign max min convert_element_type copy copy_p reduce_precision sqrt cbrt square tanh sin tan
    asin atan sinh asinh atanh erf expm1 log1p floor ceil round stop_gradient untraced""".split()
)


class Weights:
    """Ask for a weight: where may it be something else than zero?"""

    def __init__(self, graph: Graph):
        self.known = Constants(Program((), graph.early, (), graph.program.consts))
        self.found: dict[Value, Filled] = {v: np.ones(v.shape, bool) for v in graph.program.ins[: graph.n_params]}
        for e in graph.early:
            for v, filled in zip(e.outs, self._after(e)):
                self.found[v] = np.broadcast_to(filled, v.shape)

    def __call__(self, a: Atom) -> Filled:
        if isinstance(a, Value) and a in self.found:
            return self.found[a]
        value = a.val if isinstance(a, Const) else self.known(a)
        if value is None or jnp.issubdtype(getattr(value, "dtype", np.float64), jax.dtypes.extended):
            return np.ones(np.shape(a.val) if isinstance(a, Const) else a.shape, bool)
        return np.asarray(value) != 0

    def _after(self, e: Equation) -> list[Any]:
        if all(self.known(v) is not None for v in e.outs):
            return [self(v) for v in e.outs]
        into = [self(a) for a in e.ins]
        if e.name == "mul":
            return [into[0] & into[1]]
        if e.name == "div":
            return [into[0]]
        if e.name == "integer_pow" and e.params["y"] > 0:
            return [into[0]]
        if e.name == "select_n":
            return [np.logical_or.reduce(np.broadcast_arrays(*into[1:]))]
        if e.name in KEEPING:
            return [np.logical_or.reduce(np.broadcast_arrays(*into))]
        if e.name in MOVES and not (e.name == "pad" and into[1].any()):
            out = MOVES[e.name](*(np.where(f, 0, -1) for f in into), **e.params)
            return [o >= 0 for o in (out if isinstance(out, list) else [out])]
        if e.name == "dot_general":
            with jax.ensure_compile_time_eval():
                return [np.asarray(o) != 0 for o in e(*(f.astype(e.outs[0].dtype) for f in into))]
        return [np.ones(v.shape, bool) for v in e.outs]
