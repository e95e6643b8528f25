"""What the tests of one model share: the rules that take it, each program compiled once."""

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np

from measure import many, named, part, repeated
from oracle.reference import bptt
from vestige import GraphError, init
from zoo import Model, Named


class Runs:
    """`rules`: those of the candidates that take the model; `refused`: what the others say."""

    def __init__(self, model: Model, candidates: Sequence[Named]):
        self.model, self.rules = model, list[Named]()
        self.refused: dict[str, str] = {}
        self.xs, self.ys = model.data()
        for rule in candidates:
            try:
                init(model.graph, rule(model.graph), model.params, model.state)
                self.rules.append(rule)
            except GraphError as reason:
                self.refused[rule.name] = str(reason)

    @cached_property
    def by_one(self) -> tuple[Any, Any]:
        """A compiled step of every rule, and their first carries."""
        return many(self.model, self.rules, part(self.xs, 0, 1), part(self.ys, 0, 1))

    @cached_property
    def first(self) -> dict[str, Any]:
        run, carries = self.by_one
        return run(carries, part(self.xs, 0, 1), part(self.ys, 0, 1))

    @cached_property
    def steps(self) -> tuple[dict[str, Any], Any]:
        """Gradients summed step by step, and the last carries."""
        return repeated(*self.by_one, self.xs, self.ys, 1)

    @cached_property
    def full(self) -> dict[str, np.ndarray]:
        return named(self.model, bptt(self.model, self.xs, self.ys))

    def named(self, grads: Any) -> dict[str, np.ndarray]:
        return named(self.model, grads)
