"""Gradients that owe nothing to the library: backpropagation through the plain step, and differences of losses."""

from typing import Any

import jax
import jax.numpy as jnp

from measure import compiled, loss
from zoo import Model, Step


def total(step: Step, params: Any, state: Any, xs: Any, ys: Any, cut: bool = False) -> jax.Array:
    """Loss of a sequence; `cut`: the state that enters a step is a constant."""

    def body(h: Any, now: Any) -> Any:
        x, y = now
        h = jax.tree.map(jax.lax.stop_gradient, h) if cut else h
        h, out = step(params, h, x)
        return h, loss(out, y)

    return jax.lax.scan(body, state, (xs, ys))[1].sum()


def bptt(model: Model, xs: Any, ys: Any, step: Step | None = None, cut: bool = False) -> Any:
    """Gradient of the whole sequence, by reverse mode; by forward mode where reverse mode cannot cross the step."""
    f = lambda p: total(step or model.step, p, model.state, xs, ys, cut)
    return compiled(jax.grad(f) if model.reverse else jax.jacfwd(f), model.params)(model.params)


def directional(model: Model, xs: Any, ys: Any, direction: Any, h: float = 1e-6) -> float:
    """Central difference of the loss along a direction in the parameters."""
    f = jax.jit(lambda p: total(model.step, p, model.state, xs, ys))
    at = lambda k: f(jax.tree.map(lambda a, d: a + k * d, model.params, direction))
    return float((at(h) - at(-h)) / (2 * h))


def dot(a: Any, b: Any) -> float:
    return float(sum(jnp.vdot(p, q) for p, q in zip(jax.tree.leaves(a), jax.tree.leaves(b))))
