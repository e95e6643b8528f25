"""The pure core: `init` a carry, `gradients` of a sequence cut into windows; for any JAX step function."""

from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

import jax
import jax.numpy as jnp

from ..graph import Graph, prelude
from ..rules import Rule
from .checks import check_params, check_rule, check_sequence, inputs_like
from .window import Loss, merge, window


@partial(jax.tree_util.register_dataclass, data_fields=["state", "trace"], meta_fields=["batch_size"])
@dataclass(frozen=True)
class Carry:
    """What one window hands to the next: the network's state and the rule's trace.

    `fresh`: as `init` made it, so its trace is empty. No field: it is lost, harmlessly, wherever a carry passes a transformation.
    """

    state: Any
    trace: Any
    batch_size: int | None = None
    fresh: ClassVar[bool] = False


@partial(
    jax.tree_util.register_dataclass, data_fields=["grads", "losses", "outputs", "carry", "firing"], meta_fields=[]
)
@dataclass(frozen=True)
class Result:
    """Gradients like the parameters; `losses [T]`; `outputs [T, ...]`; the carry; mean firing rate per spiking population."""

    grads: Any
    losses: jax.Array
    outputs: Any
    carry: Carry
    firing: dict[str, jax.Array]


def init(graph: Graph, rule: Rule, params: Any, state: Any, batch_size: int | None = None) -> Carry:
    """A carry that starts from `state` (of one example) with an empty trace.

    Raises:
        GraphError: the rule needs positions and the graph was traced without.
    """
    check_rule(graph, rule)
    check_params(graph, params)
    trace = _empty(graph, rule, _shapes(graph, params), batch_size)
    if batch_size is not None:
        many = lambda a: jnp.broadcast_to(a, (batch_size, *jnp.shape(a)))
        state = jax.tree.map(lambda a: jax.random.split(a, batch_size) if _is_key(a) else many(a), state)
    carry = Carry(state, trace, batch_size)
    object.__setattr__(carry, "fresh", True)
    return carry


def gradients(
    graph: Graph, rule: Rule, params: Any, carry: Carry, xs: Any, targets: Any, loss: Loss,
    window: int | None = None, *, mask: Any = None, reduction: str = "sum", first: bool = False, last: bool = False,
) -> Result:  # fmt: skip
    """Gradient of the losses of a sequence, as the rule gives it, in windows of at most `window` steps.

    Args:
        xs: inputs `[T, ...]`, or `[T, B, ...]` with a batched carry; a tree of such.
        targets: a tree of arrays that lead with T, one target a step.
        loss: `loss(output, target) -> scalar`, called on batched output when there is a batch.
        window: steps per window; None: the whole sequence. Local and instant rules give the same gradient for every one.
        mask: `[T]` scales each step's loss; `[T, B]` weighs each example's (the loss is mapped over the batch, and averaged).
        reduction: `"sum"` or `"mean"` over the steps.
        first: the sequence starts here; the trace is taken as empty, whatever it holds, as it is straight after `init`.
        last: the sequence ends here; the trace after it is not computed and the carry holds none.

    Raises:
        ValueError: shapes that do not fit one another, the graph, or the carry.
    """
    check_rule(graph, rule)
    T = check_sequence(graph, params, carry.state, carry.batch_size, xs, targets, mask)
    xs = inputs_like(graph, xs)
    first = first or carry.fresh
    if first:
        carry = Carry(carry.state, None, carry.batch_size)
    elif carry.trace is None and rule.init(graph, _shapes(graph, params)) is not None:
        raise ValueError(
            "this carry holds no trace: it closed a sequence (`last=True`), so start again with `init`, or `first=True`"
        )
    if window is not None and (not isinstance(window, int) or window < 1):
        raise ValueError(f"window is {window!r}; give a number of steps of at least 1, or None for the whole sequence")
    if reduction not in ("sum", "mean"):
        raise ValueError(f"reduction is {reduction!r}; choose 'sum' or 'mean'")
    out = _run(graph, rule, loss, min(window or T, T), first, last, params, carry, xs, targets, mask)
    if reduction == "sum":
        return out
    return Result(jax.tree.map(lambda g: g / T, out.grads), out.losses, out.outputs, out.carry, out.firing)


@partial(jax.jit, static_argnums=(0, 1, 2, 3, 4, 5))
def _run(
    graph: Graph,
    rule: Rule,
    loss: Loss,
    K: int,
    first: bool,
    last: bool,
    params: Any,
    carry: Carry,
    xs: Any,
    targets: Any,
    mask: Any,
) -> Result:
    """Whole windows in a scan; what is left over, ragged, after it."""
    T = jax.tree.leaves(xs)[0].shape[0]
    data = (xs, targets, mask)
    live, pull, static = differentiable_prelude(graph, params)
    judge = lambda s, target: loss(s.output, target)
    step = partial(window, graph, rule, judge, static, batch=carry.batch_size)

    def body(c: Any, now: Any, **how: bool) -> Any:
        state, trace, grads = c
        w = step(state, trace, *now, **how)
        return (w.state, w.trace, [a + b for a, b in zip(grads, w.grads)]), (w.losses, w.outputs, w.firing)

    trace = _empty(graph, rule, static, carry.batch_size) if first else carry.trace
    c = (carry.state, trace, [jnp.zeros_like(s) for s in live])
    n = T // K - (T % K == 0)  # the last window stands alone: its trace may go unused
    outs = []
    if n:
        head = jax.tree.map(lambda a: a[: n * K].reshape(n, K, *a.shape[1:]), data)
        c, out = (
            jax.lax.scan(body, c, head)
            if n > 1
            else body(c, jax.tree.map(lambda a: a[0], head), empty=first, recent=True)
        )
        outs.append(jax.tree.map(lambda a: a.reshape(n * K, *a.shape[2:]), out) if n > 1 else out)
    c, out = body(c, jax.tree.map(lambda a: a[n * K :], data), empty=first and not n)
    losses, outputs, firing = jax.tree.map(lambda *a: jnp.concatenate(a), *outs, out)
    state, trace, grads = c
    trace = None if last else trace
    return Result(
        pull(grads), losses, outputs, Carry(state, trace, carry.batch_size), {k: v.mean() for k, v in firing.items()}
    )


def differentiable_prelude(graph: Graph, params: Any) -> tuple[list[Any], Any, list[Any]]:
    """(trained frontier values, their pull back to the parameters, the whole frontier)."""
    leaves, tree = jax.tree.flatten(params)
    floats = [jnp.issubdtype(jnp.result_type(p), jnp.inexact) for p in leaves]

    def trained(live: list[Any]) -> Any:
        static = prelude(graph, merge(live, leaves, tuple(floats)))
        return [s for s, on in zip(static, graph.trained) if on], static

    live, pull, static = jax.vjp(trained, [p for p, f in zip(leaves, floats) if f], has_aux=True)

    def back(grads: list[Any]) -> Any:
        (some,) = pull(grads)
        return jax.tree.unflatten(tree, merge(some, [jnp.zeros_like(p) for p in leaves], tuple(floats)))

    return live, back, static


def _empty(graph: Graph, rule: Rule, static: list[Any], batch: int | None) -> Any:
    """An empty trace."""
    trace = rule.init(graph, static)
    return trace if batch is None else jax.tree.map(lambda a: jnp.broadcast_to(a, (batch, *jnp.shape(a))), trace)


def _shapes(graph: Graph, params: Any) -> list[Any]:
    """The frontier as shapes."""
    return jax.eval_shape(partial(prelude, graph), params)


def _is_key(a: Any) -> bool:
    return jax.dtypes.issubdtype(getattr(a, "dtype", jnp.float32), jax.dtypes.prng_key)
