"""States that remember a weight's input alike at all positions: of them one memory of the input tells everything."""

from functools import lru_cache

import jax
import numpy as np

from .._compat import is_float
from .equal import Ids, Numbers, level, zero
from .linearize import linearize
from .program import Atom, Const, flatten
from .types import Edge, Graph


@lru_cache(64)
def uniform(g: Graph) -> dict[Edge, tuple[int, ...]]:
    """By edge, the states `A` of its block for which dh'/dy is one number at all positions, dh'/dh too, and that no other
    state of the block acts upon, whatever parameters, states and inputs are; a synaptic current is one.

    Their trace is `e_A[i, o] = u_A[i]`, with `u <- D_AA u + f_A x`.
    """
    here = [n for n, e in enumerate(g.edges) if e.group is not None and not e.of(g.groups).pushed]
    here = [n for n in here if _sums(g.edges[n].x)]
    if not here:
        return {}
    shape = lambda values: [jax.ShapeDtypeStruct(v.shape, v.dtype) for v in values]
    slopes = lambda static, saved: linearize(g, static, saved)[1:]
    closed, out = jax.make_jaxpr(slopes, return_shape=True)(shape(g.frontier), shape(g.saved))
    program, early = flatten(closed), Numbers(g.program.consts).run(g.early)
    found = Numbers(program.consts)
    found.count = early.count
    found.ids.update(zip(program.ins, map(early, g.frontier)))
    found.run(program.eqns)
    post, trans = jax.tree.unflatten(jax.tree.structure(out), list(map(found, program.outs)))
    return {g.edges[n]: _closed(post[n], g.edges[n].of(trans)) for n in here}


def _sums(x: Atom | None) -> bool:
    """Are inputs numbers, of which a sum is one more input?"""
    return x is None or is_float(np.asarray(x.val) if isinstance(x, Const) else x)


def _closed(f: Ids, D: Ids) -> tuple[int, ...]:
    """`f [S, *out]`, `D [S, S, P]`."""
    every = range(len(f))
    some = {s for s in every if level(f[s]) and all(level(D[s, j]) for j in every)}
    while True:
        kept = {s for s in some if all(j in some or zero(D[s, j]) for j in every)}
        if kept == some:
            return tuple(sorted(kept))
        some = kept
