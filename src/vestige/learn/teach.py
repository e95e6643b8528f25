"""The user's loss and what a rule wants besides it, as one judgement of a step; and a step that nothing judges."""

from typing import Any

import jax
import jax.numpy as jnp

from ..graph import Routed, Step
from ..rules import Rule, Teaching, Told
from .window import Judge, Loss


def judge_of(route: Routed, rule: Rule, loss: Loss, memory: Any) -> Judge:
    """`judge(step, target, modulator) -> (loss, what the rule wants)`."""

    def judge(step: Step, target: Any, modulator: Any) -> tuple[jax.Array, jax.Array]:
        if rule.route is None:
            return loss(step.output, target), jnp.zeros(())
        output, shown = step.output.given, step.output.added
        own = loss(output, target)
        if rule.teach.step is None:
            return own, jnp.zeros(())
        examples = max((a.size // max(route.shown[name].size, 1) for name, a in shown.read.items()), default=1)
        return own, rule.teach.step(memory, Told(shown, output, target, modulator, loss, examples))

    return judge


def quiet(rule: Rule) -> Rule:
    """The rule when there is nothing to learn from: its traces move all the same."""
    return rule._replace(teach=Teaching(), ahead=None)


def no_loss(output: Any, target: Any) -> jax.Array:
    return jnp.zeros(())
