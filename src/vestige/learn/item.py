"""One item of a stream as compiled calls: predict it, learn it at once, or learn it late from the moment it was predicted."""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from .._compat import is_key
from ..graph import Graph
from ..rules import Rule
from .checks import inputs_like
from .core import Carry, Result, _run
from .late import Then, sound
from .live import Held
from .teach import no_loss, quiet
from .window import Data, Loss


class Plan(NamedTuple):
    """How items become predictions and updates; hashable, one compilation a plan."""

    graph: Graph
    rule: Rule
    loss: Loss
    decide: Callable[[Any], Any] | None
    optimizer: optax.GradientTransformation
    window: int
    batch: int | None


class Told(NamedTuple):
    """What one call gave: the decision, the item's loss, and whether the network and the update stayed finite."""

    prediction: Any
    loss: jax.Array
    state_sound: jax.Array
    update_sound: jax.Array


@partial(jax.jit, static_argnums=0)
def predict(plan: Plan, held: Held, trace: Any, inputs: Any, mask: jax.Array) -> tuple[Held, Any, Any, Told]:
    """Forward alone: states and traces move. The third result: outputs `[T, ...]`."""
    now = moment_of(held, trace, inputs, None)
    out = _over(plan, quiet(plan.rule), no_loss, held.params, now, None, mask)
    fine = sound((out.carry.state, out.carry.trace), (held.state, trace)) & _finite(out.outputs)
    after, moved = _moved(held, out, inputs)
    held, trace = _if(fine, (after, moved), (held, trace))
    return held, trace, out.outputs, Told(_decide(plan, out.outputs, mask), jnp.zeros(()), fine, fine)


@partial(jax.jit, static_argnums=0)
def learn(plan: Plan, held: Held, trace: Any, inputs: Any, label: Any, mask: jax.Array) -> tuple[Held, Any, Any, Told]:
    """Forward and update in one: what `predict` and `late` are together when the label comes before the next item."""
    out = _over(plan, plan.rule, plan.loss, held.params, moment_of(held, trace, inputs, None), label, mask)
    fine = sound((out.carry.state, out.carry.trace), (held.state, trace)) & _finite(out.outputs)
    after, moved = _moved(held, out, inputs)
    after, trace = _if(fine, (after, moved), (held, trace))
    loss = out.losses.sum()
    held, change = _updated(plan, after, held, out, loss)
    return held, trace, out.outputs, Told(_decide(plan, out.outputs, mask), loss, fine, change & fine)


@partial(jax.jit, static_argnums=0)
def late(plan: Plan, held: Held, then: Then, label: Any, mask: jax.Array) -> tuple[Held, Told]:
    """The item once more from the states and traces of then, with the weights of now; these are updated, states and traces of
    now stay. What is told of it is what was said then."""
    out = _over(plan, plan.rule, plan.loss, held.params, then, label, mask)
    # what a rule learns itself moves by as much as it would have moved then; its random key is that of now
    lasting = jax.tree.map(lambda now, a, b: now + (a - b), held.lasting[1], out.carry.lasting[1], then.lasting[1])
    loss = jnp.sum(jax.vmap(plan.loss)(then.outputs, _each(label, mask)) * mask)
    held, change = _updated(plan, held._replace(lasting=(held.lasting[0], lasting)), held, out, loss)
    return held, Told(_decide(plan, then.outputs, mask), loss, jnp.asarray(True), change)


def typed(tree: Any, like: Any) -> Any:
    """Values in the types of `like`: a step may give back a finer one than it was given first."""
    cast = lambda a, b: a if is_key(a) or a.dtype == b.dtype else a.astype(b.dtype)
    return jax.tree.map(cast, tree, like)


def tried(call: Callable[..., Any], *args: Any) -> Any:
    """One of these calls; what it told is on the host.

    Raises:
        ValueError: `loss` or `decide` fail; they run inside it, so what they raise is told as theirs.
    """
    try:
        *rest, told = call(*args)
    except (TypeError, ValueError, LookupError, AttributeError) as error:
        raise ValueError(
            f"`loss` or `decide` cannot take this item or label ({type(error).__name__}: {str(error).splitlines()[0]}). "
            "They get one step's output and the label, and an item's outputs [T, ...]; no state has moved"
        ) from error
    return *rest, jax.device_get(told)


def _over(plan: Plan, rule: Rule, loss: Loss, params: Any, then: Then, label: Any, mask: jax.Array) -> Result:
    (x, clock), T, B = then.inputs, mask.shape[0], plan.batch
    if B is not None:
        clock = jax.tree.map(lambda a: jnp.broadcast_to(a[:, None], (T, B)), clock)
    last = None if rule.teach.end is None else jnp.arange(T) == T - 1
    data = Data(inputs_like(plan.graph, (x, clock)), _each(label, mask), mask, None, last)
    carry = Carry(then.state, then.trace, B, then.added, then.lasting)
    K = min(plan.window, rule.window or T, T)
    return _run(plan.graph, rule, loss, K, False, False, None, params, carry, data)


def _each(label: Any, mask: jax.Array) -> Any:
    """One label as targets of all steps."""
    return jax.tree.map(lambda a: jnp.broadcast_to(a, (mask.shape[0], *jnp.shape(a))), label)


def moment_of(held: Held, trace: Any, inputs: Any, outputs: Any) -> Then:
    """What the gradient of these inputs depends on, weights apart."""
    return Then(held.state, trace, held.added, held.lasting, inputs, outputs)


def _moved(held: Held, out: Result, inputs: Any) -> tuple[Held, Any]:
    T = jax.tree.leaves(inputs[0])[0].shape[0]
    fired = {p: f + T * out.firing[p] for p, f in held.fired.items()}
    carry = out.carry
    return Held(held.params, held.memory, carry.state, carry.added, carry.lasting, fired), carry.trace


def _updated(plan: Plan, held: Held, before: Held, out: Result, loss: jax.Array) -> tuple[Held, jax.Array]:
    """Weights and the optimiser's memory after one update, if all of it is finite."""
    change, memory = plan.optimizer.update(out.grads, held.memory, held.params)
    params = optax.apply_updates(held.params, change)
    fine = (
        jnp.isfinite(loss)
        & jnp.isfinite(out.losses.sum())
        & sound((params, memory, held.lasting), (held.params, held.memory, before.lasting))
    )
    some = held._replace(params=params, memory=memory)
    return _if(fine, some, held._replace(lasting=before.lasting)), fine


def _decide(plan: Plan, outputs: Any, mask: jax.Array) -> Any:
    mean = lambda a: jnp.tensordot(mask.astype(a.dtype), a, 1)
    return jax.tree.map(mean, outputs) if plan.decide is None else plan.decide(outputs)


def _finite(outputs: Any) -> jax.Array:
    return sound(outputs, jax.tree.map(jnp.zeros_like, outputs))


def _if(fine: jax.Array, new: Any, old: Any) -> Any:
    return jax.tree.map(lambda a, b: jnp.where(fine, a, b), new, old)
