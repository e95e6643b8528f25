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
def predict(plan: Plan, held: Held, trace: Any, inputs: Any, mask: jax.Array) -> tuple[Held, Any, Told]:
    """Forward alone: states and traces move."""
    out = _over(plan, quiet(plan.rule), no_loss, moment_of(held, trace, inputs), None, mask)
    fine = sound((out.carry.state, out.carry.trace), (held.state, trace)) & _finite(out.outputs)
    after, moved = _moved(held, out, inputs)
    held, trace = _if(fine, (after, moved), (held, trace))
    return held, trace, Told(_decide(plan, out.outputs, mask), jnp.zeros(()), fine, fine)


@partial(jax.jit, static_argnums=0)
def learn(plan: Plan, held: Held, trace: Any, inputs: Any, label: Any, mask: jax.Array) -> tuple[Held, Any, Told]:
    """Forward and update in one: what `predict` and `late` are together when the label comes before the next item."""
    out = _over(plan, plan.rule, plan.loss, moment_of(held, trace, inputs), label, mask)
    fine = sound((out.carry.state, out.carry.trace), (held.state, trace)) & _finite(out.outputs)
    after, moved = _moved(held, out, inputs)
    before, after = (held, trace), (_if(fine, after, held), _if(fine, moved, trace))
    held, change = _updated(plan, after[0], before[0], out)
    return held, after[1], Told(_decide(plan, out.outputs, mask), out.losses.sum(), fine, change & fine)


@partial(jax.jit, static_argnums=0)
def late(plan: Plan, held: Held, then: Then, label: Any, mask: jax.Array) -> tuple[Held, Told]:
    """The gradient of a prediction that was made before, at the weights, states and traces of then; an update of the weights
    of now. States and traces of now stay."""
    out = _over(plan, plan.rule, plan.loss, then, label, mask)
    # what a rule learns itself moves by as much as it would have moved then; its random key is that of now
    lasting = jax.tree.map(lambda now, a, b: now + (a - b), held.lasting[1], out.carry.lasting[1], then.lasting[1])
    held, change = _updated(plan, held._replace(lasting=(held.lasting[0], lasting)), held, out)
    return held, Told(_decide(plan, out.outputs, mask), out.losses.sum(), jnp.asarray(True), change)


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


def _over(plan: Plan, rule: Rule, loss: Loss, then: Then, label: Any, mask: jax.Array) -> Result:
    (x, clock), T, B = then.inputs, mask.shape[0], plan.batch
    if B is not None:
        clock = jax.tree.map(lambda a: jnp.broadcast_to(a[:, None], (T, B)), clock)
    targets = jax.tree.map(lambda a: jnp.broadcast_to(a, (T, *a.shape)), label)
    last = None if rule.teach.end is None else jnp.arange(T) == T - 1
    data = Data(inputs_like(plan.graph, (x, clock)), targets, mask, None, last)
    carry = Carry(then.state, then.trace, B, then.added, then.lasting)
    K = min(plan.window, rule.window or T, T)
    return _run(plan.graph, rule, loss, K, False, False, None, then.params, carry, data)


def moment_of(held: Held, trace: Any, inputs: Any) -> Then:
    """What the gradient of these inputs depends on."""
    return Then(held.params, held.state, trace, held.added, held.lasting, inputs)


def _moved(held: Held, out: Result, inputs: Any) -> tuple[Held, Any]:
    T = jax.tree.leaves(inputs[0])[0].shape[0]
    fired = {p: f + T * out.firing[p] for p, f in held.fired.items()}
    carry = out.carry
    return Held(held.params, held.memory, carry.state, carry.added, carry.lasting, fired), carry.trace


def _updated(plan: Plan, held: Held, before: Held, out: Result) -> tuple[Held, jax.Array]:
    """Weights and the optimiser's memory after one update, if all of it is finite."""
    change, memory = plan.optimizer.update(out.grads, held.memory, held.params)
    params = optax.apply_updates(held.params, change)
    fine = jnp.isfinite(out.losses.sum()) & sound(
        (params, memory, held.lasting), (held.params, held.memory, before.lasting)
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
