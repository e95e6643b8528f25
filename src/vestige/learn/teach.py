"""The user's loss and what a rule wants besides it, as one judgement of a step."""

from typing import Any

import jax.numpy as jnp

from ..graph import Step
from ..rules import Rule, Told
from .window import Judge, Loss


def judge_of(rule: Rule, loss: Loss, memory: Any, batch: int | None) -> Judge:
    """`judge(step, target, modulator) -> (loss, what the rule wants)`."""

    def judge(step: Step, target: Any, modulator: Any) -> Any:
        if rule.route is None:
            return loss(step.output, target), jnp.zeros(())
        output = step.output.given
        own = loss(output, target)
        if rule.teach.step is None:
            return own, jnp.zeros(())
        return own, rule.teach.step(memory, Told(step.output.added, output, target, modulator, loss))

    return judge
