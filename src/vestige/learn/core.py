"""The pure core: `init` a carry, `gradients` of a sequence cut into windows; for any JAX step function."""

from dataclasses import dataclass, replace
from functools import partial
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
from jax.sharding import Mesh

from .._compat import is_float, is_key
from ..graph import FEEDBACK, Graph, Pair, prelude, routed
from ..rules import Rule
from .checks import check_modulator, check_params, check_rule, check_sequence, inputs_like
from .compiled import compiled
from .mesh import Places, checked_mesh, parts
from .pieces import Window, length_of
from .teach import judge_of
from .window import Data, Loss, merge, window


@partial(
    jax.tree_util.register_dataclass, data_fields=["state", "trace", "added", "lasting"], meta_fields=["batch_size"]
)
@dataclass(frozen=True)
class Carry:
    """What one window hands to the next: the network's state and the rule's trace.

    `added`: states that the rule adds to the network's (filters, counts); `lasting`: what the rule learns itself and its
    random key, shared by all examples, kept from sequence to sequence.
    `fresh`: as `init` made it, so its trace is empty. No field: it is lost, harmlessly, wherever a carry passes a transformation.
    """

    state: Any
    trace: Any
    batch_size: int | None = None
    added: Any = None
    lasting: Any = None
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


def init(
    graph: Graph, rule: Rule, params: Any, state: Any, batch_size: int | None = None, mesh: Mesh | None = None
) -> Carry:
    """A carry that starts from `state` (of one example) with an empty trace; on a mesh, no device ever holds all of it.

    Raises:
        GraphError: the rule needs positions and the graph was traced without.
        ValueError: feedback weights that do not fit the graph.
    """
    check_rule(graph, rule)
    check_params(graph, params)
    mesh, lasting = checked_mesh(mesh, batch_size), start_of(graph, rule, params)
    place = Places(mesh, routed(graph, rule.route).graph, batch_size)
    made = lambda: tuple(map(place.traces, empty(graph, rule, params, lasting, batch_size)))
    trace, added = made() if mesh is None else jax.jit(made)()
    if batch_size is not None:
        many = lambda a: jnp.broadcast_to(a, (batch_size, *jnp.shape(a)))
        state = jax.tree.map(lambda a: jax.random.split(a, batch_size) if is_key(a) else many(a), state)
    carry = Carry(state, trace, batch_size, added, lasting)
    object.__setattr__(carry, "fresh", True)
    return carry


def gradients(
    graph: Graph, rule: Rule, params: Any, carry: Carry, xs: Any, targets: Any, loss: Loss,
    window: Window = None, *, mask: Any = None, modulator: Any = None, reduction: str = "sum",
    first: bool = False, last: bool = False, mesh: Mesh | None = None,
) -> Result:  # fmt: skip
    """Gradient of the losses of a sequence, as the rule gives it, in windows of at most `window` steps.

    Args:
        xs: inputs `[T, ...]`, or `[T, B, ...]` with a batched carry; a tree of such.
        targets: a tree of arrays that lead with T, one target a step.
        loss: `loss(output, target) -> scalar`, called on batched output when there is a batch.
        window: steps per window; None: the whole sequence; "auto" or a `Budget`: as long as is quickest within some memory.
            Local and instant rules give the same gradient for every one.
        mask: `[T]` scales each step's loss; `[T, B]` weighs each example's (the loss is mapped over the batch, and averaged).
        modulator: for rules that take one: `[T]` or `[T, B]` a number a step, or more axes, one a neuron.
        reduction: `"sum"` or `"mean"` over the steps.
        first: the sequence starts here; the trace is taken as empty, whatever it holds, as it is straight after `init`.
        last: the sequence ends here; the trace after it is not computed and the carry holds none.
        mesh: devices that share the work, with the axes "batch" (examples), "neuron" (neurons), or both. The same numbers; all
            that comes back lies where the mesh wants it.

    Raises:
        ValueError: shapes that do not fit one another, the graph, or the carry; a modulator missing or not asked for.
    """
    check_rule(graph, rule)
    mesh = checked_mesh(mesh, carry.batch_size)
    T = check_sequence(graph, params, carry.state, carry.batch_size, xs, targets, mask)
    xs = inputs_like(graph, xs)
    modulator = check_modulator(rule, modulator, T, carry.batch_size)
    first = first or carry.fresh
    lasting = carry.lasting if carry.lasting is not None else start_of(graph, rule, params)
    carry = replace(carry, lasting=lasting)
    if first:
        carry = replace(carry, trace=None, added=None)
    elif carry.trace is None and jax.tree.leaves(empty(graph, rule, params, lasting, None)):
        raise ValueError(
            "this carry holds no trace: it closed a sequence (`last=True`), so start again with `init`, or `first=True`"
        )
    if reduction not in ("sum", "mean"):
        raise ValueError(f"reduction is {reduction!r}; choose 'sum' or 'mean'")
    new = lambda: empty(graph, rule, params, lasting, carry.batch_size)[0]
    K = min(length_of(window, graph, rule, new, T, carry.batch_size, alone=first and last), rule.window or T)
    ends = None if rule.teach.end is None else jnp.arange(T) == T - 1
    data = Data(xs, targets, mask, modulator, ends)
    out = _run(graph, rule, loss, K, first, last, mesh, params, carry, data)
    if reduction == "sum":
        return out
    return Result(jax.tree.map(lambda g: g / T, out.grads), out.losses, out.outputs, out.carry, out.firing)


@partial(compiled, static=7)
def _run(
    graph: Graph, rule: Rule, loss: Loss, K: int, first: bool, last: bool, mesh: Mesh | None, params: Any, carry: Carry,
    data: Data,
) -> Result:  # fmt: skip
    """Whole windows in a scan; what is left over, ragged, after it."""
    T, B = jax.tree.leaves(data.xs)[0].shape[0], carry.batch_size
    route = routed(graph, rule.route)
    (key, memory), g = carry.lasting, route.graph
    place = Places(mesh, g, B)
    params, data = place.weights(params), place.sequence(data, B)
    live, pull, static = differentiable_prelude(g, beside(rule, params, memory))
    step = partial(window, g, rule, judge_of(route, rule, loss, memory), static, batch=B, parts=parts(mesh))

    def body(c: Any, now: Data, **how: bool) -> Any:
        state, trace, grads, (key, memory) = c
        now_key, key = (None, None) if key is None else jax.random.split(key)
        w = step(state, trace, now, lasting=memory, key=now_key, **how)
        memory = memory if w.learned is None else jax.tree.map(jnp.add, memory, w.learned)
        sums = [a + b for a, b in zip(grads, w.grads)]
        return (place.states(w.state), place.traces(w.trace), sums, (key, memory)), (w.losses, w.outputs, w.firing)

    trace, added = empty(graph, rule, params, carry.lasting, B) if first else (carry.trace, carry.added)
    state = carry.state if rule.route is None else Pair(carry.state, added)
    c = (place.states(state), place.traces(trace), [jnp.zeros_like(s) for s in live], (key, memory))
    # a single window stands alone, and so does one whose trace nobody reads, unless it is too small to be worth a program of
    # its own; otherwise one program serves all whole ones
    n = T // K - (T % K == 0 and (T == K or (last and not rule.stepwise)))
    outs = []
    if n:
        head = jax.tree.map(lambda a: a[: n * K].reshape(n, K, *a.shape[1:]), data)
        c, out = (
            jax.lax.scan(body, c, head)
            if n > 1
            else body(c, jax.tree.map(lambda a: a[0], head), empty=first, recent=True)
        )
        outs.append(jax.tree.map(lambda a: a.reshape(n * K, *a.shape[2:]), out) if n > 1 else out)
    if n * K < T:
        c, out = body(c, jax.tree.map(lambda a: a[n * K :], data), empty=first and not n, ends=last)
        outs.append(out)
    losses, outputs, firing = jax.tree.map(lambda *a: jnp.concatenate(a), *outs)
    state, trace, grads, (key, memory) = c
    memory = memory if rule.settle is None else rule.settle(memory)
    grads = place.weights(pull(grads))
    if rule.route is not None:
        state, added, grads, outputs = state.given, state.added, grads.given, outputs.given
    left = (None, None) if last else (trace, added)
    after = Carry(state, left[0], B, left[1], (key, memory))
    return Result(grads, losses, outputs, after, {k: v.mean() for k, v in firing.items()})


def start_of(graph: Graph, rule: Rule, params: Any) -> Any:
    """(random key, the rule's own memory) before anything was learned."""
    key = None if rule.seed is None else jax.random.key(rule.seed)
    return key, None if rule.lasting is None else rule.lasting(graph, params)


def beside(rule: Rule, params: Any, memory: Any) -> Any:
    """The parameters, with what a route adds to them."""
    if rule.route is None:
        return params
    return Pair(params, {FEEDBACK + n: b for n, b in memory.items()} if rule.route.own else {})


def empty(graph: Graph, rule: Rule, params: Any, lasting: Any, batch: int | None) -> tuple[Any, Any]:
    """An empty trace and the states that the rule adds."""
    route = routed(graph, rule.route)
    g = route.graph
    static = jax.eval_shape(lambda p, m: prelude(g, beside(rule, p, m)), params, lasting[1])
    new = rule.init(g, as_fine_as_met(g, static)), None if rule.route is None else route.empty
    return new if batch is None else jax.tree.map(lambda a: jnp.broadcast_to(a, (batch, *jnp.shape(a))), new)


def as_fine_as_met(graph: Graph, static: list[Any]) -> list[Any]:
    """Shapes of the frontier, each in the finest type among itself and the inputs and states that its edges meet: a trace of it
    is of that type from the start, and stays so."""
    met: dict[Any, list[Any]] = {v: [s.dtype] for v, s in zip(graph.frontier, static)}
    for e in graph.edges:
        states = [] if e.group is None else [graph.h_in[i] for i in e.of(graph.groups).states]
        met[e.w] += [v.dtype for v in (e.x, e.y, *states) if is_float(v)]
    finest = lambda v, s: jnp.result_type(*met[v]) if is_float(s) else s.dtype
    return [jax.ShapeDtypeStruct(s.shape, finest(v, s)) for v, s in zip(graph.frontier, static)]


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
