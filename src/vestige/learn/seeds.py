"""Several learners of one structure as one learner with a leading axis of seeds."""

import re
from functools import partial
from typing import Any

import brainstate
import numpy as np

from .._compat import open_jaxpr
from ..graph.program import Const
from .learner import Learner
from .program import Program, Values, stack


def first_values(learner: Learner) -> dict[Any, Any]:
    """What a compiled learner starts from: its states by path, and generators that are nobody's, by identity."""
    made, _ = learner._ready()
    outside = [*made.outside.values(), brainstate.random.DEFAULT]
    return {path: s.value for path, s in learner.states().items()} | {id(s): s.value for s in outside}


def gathered(program: Program, learners: list[Learner], starts: list[dict[Any, Any]]) -> Values:
    """All seeds' values, stacked.

    Raises:
        ValueError: the learners are not of one structure, or hold different constants.
    """
    same_structure(learners)
    paths = {id(s): path for path, s in learners[0].states().items()}
    keys = {name: paths.get(id(s), id(s)) for name, s in program.states.items()}
    return {name: stack([start[key] for start in starts]) for name, key in keys.items()}


def same_structure(learners: list[Learner]) -> None:
    one = _constants(learners[0])
    for n, other in enumerate(learners[1:], 1):
        if not alike(one, _constants(other)):
            raise ValueError(
                f"the learners of seeds number 0 and {n} differ in more than the values of parameters and states: in sizes, "
                "constants of the step (such as fixed random connections), or their rules. Keep such arrays in a "
                "`brainstate.ShortTermState`, or train the seeds one by one"
            )


def _constants(learner: Learner) -> Any:
    """What is compiled into a learner's step: its equations, the arrays they close over, and its rule."""
    graph, rule = learner._ready()[1], learner.rule
    number: dict[Any, int] = {}
    of = lambda a: a.val if isinstance(a, Const) else number.setdefault(a, len(number))
    shapes = lambda values: [(v.shape, str(v.dtype)) for v in values]
    lines = [
        (e.name, list(map(of, e.ins)), shapes(e.outs), list(map(of, e.outs)), _params(e.params))
        for e in graph.program.eqns
    ]
    closed = {of(value): array for value, array in graph.program.consts.items()}
    # what a rule draws at first lies in `lasting`, which is a state
    return lines, closed, shapes(graph.program.ins), learner.batch_size, tuple(rule._replace(seed=None, lasting=None))


def _params(params: dict[str, Any]) -> Any:
    """Parameters of an equation as text, without addresses, and the arrays inside."""
    return re.sub("0x[0-9a-f]+", "", str(params)), [open_jaxpr(p)[1] for p in params.values() if hasattr(p, "consts")]


def alike(a: Any, b: Any) -> bool:
    """Equal values; functions of one piece of code over equal values."""
    if isinstance(a, partial) and isinstance(b, partial):
        return alike((a.func, a.args, a.keywords), (b.func, b.args, b.keywords))
    if hasattr(a, "__code__") and hasattr(b, "__code__"):
        parts = lambda f: (f.__defaults__, [c.cell_contents for c in f.__closure__ or ()])
        return a is b or (a.__code__ == b.__code__ and alike(parts(a), parts(b)))
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(alike(a[k], b[k]) for k in a)
    if isinstance(a, (list, tuple)) and isinstance(b, (list, tuple)):
        return len(a) == len(b) and all(map(alike, a, b))
    if hasattr(a, "shape") or hasattr(b, "shape"):
        return np.shape(a) == np.shape(b) and bool(np.array_equal(np.asarray(a), np.asarray(b)))
    return a is b or bool(a == b)
