"""One window of K steps: the present by reverse mode, the past by the trace."""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from .._compat import is_float
from ..graph import Const, Edge, Graph, Step, forward, linearize
from ..rules import Obs, Rule, Signal
from ..rules.steps import over_steps
from ..rules.types import Update, present
from .stepwise import correlated, step_by_step

Loss = Callable[[Any, Any], jax.Array]
# of a step, its target and its modulator: the loss, and what the rule wants besides
Judge = Callable[[Step, Any, Any], tuple[jax.Array, jax.Array]]


class Data(NamedTuple):
    """What drives and judges the steps, each leading with time; `last`: whether a step is the last of the call."""

    xs: Any
    targets: Any = None
    mask: Any = None
    modulator: Any = None
    last: Any = None


class Window(NamedTuple):
    """What a window gives: next state and trace, gradients by frontier value, and per step loss, output, firing rates; by how
    much the rule's own memory changes; pairs by edge that are not in the gradients, if it was asked to leave them out."""

    state: Any
    trace: Any
    grads: list[jax.Array]
    losses: jax.Array
    outputs: Any
    firing: dict[str, jax.Array]
    learned: Any
    uses: Any = None


class Pulled(NamedTuple):
    """The present, differentiated."""

    state: Any
    losses: jax.Array
    outputs: Any
    saved: list[jax.Array]
    states: list[jax.Array]
    firing: dict[str, jax.Array]
    plain: list[Any]
    start: list[Any]
    signal: Signal


def merge(live: list[Any], fixed: list[Any], on: tuple[bool, ...]) -> list[Any]:
    """Differentiated and constant frontier values, in their order."""
    some = iter(live)
    return [next(some) if k else f for f, k in zip(fixed, on)]


def window(
    g: Graph, rule: Rule, judge: Judge, static: list[Any], state: Any, trace: Any, data: Data, batch: int | None,
    lasting: Any = None, key: Any = None, empty: bool = False, recent: bool = False, ends: bool = False, parts: int = 1,
    apart: bool = False,
) -> Window:  # fmt: skip
    """Gradients of `sum_t mask_t judge(step_t, target_t)` as the rule gives them, for `[K, ...]` or `[K, B, ...]` inputs.

    Under `jit`, a next trace that the caller does not use costs nothing; `empty`: neither does this one, it is zero, and of a
    rule that has a first form the gradient is the present alone.
    `recent`: the next trace may take the form that the rule has for it after a first window. `lasting`: the rule's own
    memory; `key`: a random key for this window; `ends`: nothing comes after it; `parts`: devices that share the batch;
    `apart`: pairs are left out of the gradients, and given.
    """
    if rule.stepwise and g.edges and parts == 1 and len(jax.tree.leaves(data.xs)[0]) > 1:
        one = partial(window, g, rule, judge, static, batch=batch, apart=True)
        zeros = [jnp.zeros_like(s) for s, on in zip(static, g.trained) if on]
        w = Window(*step_by_step(one, zeros, state, trace, lasting, key, data))
        return w._replace(grads=correlated(g, w.grads, w.uses, batch, parts), uses=None)
    p = _present(g, rule._replace(ahead=None) if ends else rule, judge, static, state, data, batch, lasting)
    if not g.edges and rule.scope != "full":  # every parameter has its own step's gradient: nothing to remember
        return Window(p.state, trace, p.plain, p.losses, p.outputs, p.firing, None)
    begins = empty and (recent or ends) and rule.first is not None
    obs, axes = _observe(g, rule, static, p, jax.tree.leaves(data.xs), batch, slopes=not (begins and ends))
    if key is not None:
        obs, axes = obs._replace(key=key if batch is None else jax.random.split(key, batch)), axes._replace(key=0)
    obs, axes = obs._replace(lasting=lasting, modulator=data.modulator), axes._replace(modulator=1)
    if begins:
        begin = lambda tr, o: rule.first(g, tr, o)  # type: ignore[misc]
        new = None if ends else (begin if batch is None else jax.vmap(begin, (0, axes)))(trace, obs)
        out = Update(new, present(obs, p.signal), [None] * len(g.edges))
    else:
        one = lambda tr, o, s: rule.update(g, tr, o, s)
        run = one if batch is None else jax.vmap(one, (0, axes, 1), Update(0, 1, 0, 0, 0))  # type: ignore[arg-type]
        out = run(trace, obs, p.signal)
    if empty:
        out = out._replace(past=[None] * len(out.past))
    learned = out.lasting if batch is None else jax.tree.map(lambda a: a.mean(0), out.lasting)
    uses, out = (out.uses, out._replace(uses=[[]] * len(g.edges))) if apart else (None, out)
    return Window(p.state, out.trace, _collect(g, p, out, batch, parts), p.losses, p.outputs, p.firing, learned, uses)


def _present(
    g: Graph, rule: Rule, judge: Judge, static: list[Any], state: Any, data: Data, batch: int | None, lasting: Any
) -> Pulled:
    K = jax.tree.leaves(data.xs)[0].shape[0]
    lead = (K,) if batch is None else (K, batch)
    leaves, tree = jax.tree.flatten(state)
    floats = [is_float(h) for h in leaves]
    full = rule.scope == "full"
    zeros = lambda wanted: [jnp.zeros((K, *h.shape), h.dtype) if wanted and f else None for h, f in zip(leaves, floats)]
    nudge = [jnp.zeros((*lead, *e.y.shape), e.y.dtype) for e in g.edges]

    def total(live: list[Any], start: list[Any], d_mark: Any, d_entry: Any, d_state: Any) -> Any:
        full_static = merge(live, static, g.trained)

        def body(h: Any, now: Any) -> Any:
            now, dm, de, ds = now
            if rule.scope == "instant":
                h = jax.lax.stop_gradient(h)
            h = jax.tree.unflatten(tree, [a if b is None else a + b for a, b in zip(jax.tree.leaves(h), de)])
            delta = ds if rule.reads == "state" else None
            one = lambda h, x, dm, d: forward(g, full_static, h, x, dm, d, not full)
            s = (one if batch is None else jax.vmap(one))(h, now.xs, dm, delta)
            # over the batch only after the loop, where devices that share it meet once
            firing = {
                name: jnp.mean(v, range(v.ndim) if batch is None else range(1, v.ndim)) for name, v in s.spikes.items()
            }
            points = jax.tree.leaves(h) if full else []
            return s.state, (s, s.output, s.saved, points, firing)

        h = jax.tree.unflatten(tree, [a if b is None else b for a, b in zip(leaves, start)])
        h, (steps, *seen) = over_steps(body, h, (data, d_mark, d_entry, d_state))
        # judged after the loop, all steps at once: what a loss does not look at is not kept
        losses, more = jax.vmap(lambda s, now: _weigh(judge, s, now))(steps, data)
        total = losses.sum() + more.sum() + _at_end(rule, steps, data, batch)
        if rule.ahead is not None:
            total += _beyond(g, rule, lasting, jax.tree.leaves(h), batch)
        *seen, firing = seen
        firing = {name: v if batch is None else v.mean(1) for name, v in firing.items()}
        return total, (h, losses, *seen, firing)

    live = [s for s, on in zip(static, g.trained) if on]
    start = [h if f and rule.scope != "instant" else None for h, f in zip(leaves, floats)]
    pulled = jax.value_and_grad(total, (0, 1, 2, 3, 4), has_aux=True)
    (_, aux), (plain, d0, dm, de, ds) = pulled(
        live, start, nudge, zeros(rule.reads == "entry"), zeros(rule.reads == "state")
    )
    entry = de if rule.reads == "entry" else [None if d is None else d[None] for d in d0]
    fold = lambda d: [None if d[q.states[0]] is None else q.fold([d[i] for i in q.states]) for q in g.groups]
    return Pulled(*aux, plain, d0, Signal(dm, fold(entry), fold(ds), [None if d is None else d[None] for d in d0]))


def _weigh(judge: Judge, step: Step, now: Data) -> tuple[jax.Array, jax.Array]:
    """The step's loss, and what the rule wants; a mask per step scales them, a mask per example weighs the examples' own."""
    told = now.targets, now.modulator
    if now.mask is None or now.mask.ndim == 0:
        loss, more = map(_scalar, judge(step, *told))
        return (loss, more) if now.mask is None else (loss * now.mask, more * now.mask)
    each = jax.vmap(lambda *a: tuple(map(_scalar, judge(*a))))(step, *told)
    return jnp.mean(each[0] * now.mask), jnp.mean(each[1] * now.mask)


def _at_end(rule: Rule, steps: Step, data: Data, batch: int | None) -> jax.Array | float:
    """What the rule wants at the last step of a call, averaged over the examples."""
    if rule.teach.end is None or data.last is None:
        return 0.0
    added = jax.tree.map(lambda a: a[-1], steps.output.added)
    wanted = rule.teach.end(added) if batch is None else jax.vmap(rule.teach.end)(added).mean()
    return jnp.where(data.last[-1], wanted, 0.0)


def _beyond(g: Graph, rule: Rule, lasting: Any, leaves: list[Any], batch: int | None) -> jax.Array:
    """Credit that a rule expects from beyond the window, for the state at its end."""
    fixed = jax.lax.stop_gradient(leaves)
    one = lambda h: rule.ahead(g, lasting, h)  # type: ignore[misc]
    expected = (one if batch is None else jax.vmap(one))(fixed)
    return sum((jnp.vdot(c, a) for c, a in zip(expected, leaves) if c is not None), jnp.zeros(()))


def _scalar(loss: jax.Array) -> jax.Array:
    if jnp.shape(loss):
        raise ValueError(
            f"the loss of one step has shape {jnp.shape(loss)}; make it a scalar, for instance by `.mean()`"
        )
    return loss


def _observe(
    g: Graph, rule: Rule, static: list[Any], p: Pulled, inputs: list[Any], batch: int | None, slopes: bool
) -> tuple[Obs, Any]:
    """What happened, for the rule, and where its batch axes lie."""
    if rule.scope == "full" or not slopes:
        lead = (len(p.losses),) if batch is None else (len(p.losses), batch)
        env = {**g.program.consts, **dict(zip(g.frontier, static)), **dict(zip(g.saved, p.saved))}
        pre = [_pre(e, env, lead, moving=e.x in g.saved) for e in g.edges]
        return Obs(pre, [None] * len(pre), [], (static, p.states, inputs)), Obs(1, None, None, (None, 1, 1))  # type: ignore[arg-type]
    point = jax.vmap(lambda saved: linearize(g, static, saved))
    seen = (point if batch is None else jax.vmap(point))(p.saved)
    return Obs(*seen, None), Obs(1, 1, 1, None)  # type: ignore[arg-type]


def _pre(e: Edge, env: Any, lead: tuple[int, ...], moving: bool) -> jax.Array:
    if e.x is None:
        return jnp.ones(lead, e.y.dtype)
    x = e.x.val if isinstance(e.x, Const) else env[e.x]
    return x if moving else jnp.broadcast_to(x, (*lead, *jnp.shape(x)))


def _collect(g: Graph, p: Pulled, out: Update, batch: int | None, parts: int) -> list[jax.Array]:
    """Gradients of the trained frontier values: plain ones, correlations over time and batch at once, and the past."""
    place = {v: n for n, v in enumerate(v for v, on in zip(g.frontier, g.trained) if on)}
    grads = list(p.plain)
    if out.static is not None:
        grads = [a + (b if batch is None else b.sum(0)).astype(a.dtype) for a, b in zip(grads, out.static)]
    for edge, old in zip(g.edges, out.past):
        if old is not None:
            n = place[edge.w]
            grads[n] += edge.op.drain(_readout(edge, old, batch, parts)).astype(grads[n].dtype)
    return correlated(g, grads, out.uses, batch, parts)


def _readout(edge: Edge, old: tuple[jax.Array, jax.Array], batch: int | None, parts: int) -> jax.Array:
    """`<dL/dh_0, e_0>` over the block. One example at a time on a CPU, 15 to 400 times faster there than a mapped product; an
    accelerator would wait for each, and sums what it multiplies as it goes.

    `parts`: devices that share the batch; each goes through its own examples, and their sums meet once.
    """
    one = lambda signal, trace: sum(edge.op.at_post(signal[s]) * trace[s] for s in range(len(trace)))
    if batch is None:
        return one(*old)

    def in_turns(*old: jax.Array) -> jax.Array:
        apart = lambda a: jnp.swapaxes(a.reshape(parts, batch // parts, *a.shape[1:]), 0, 1)
        zero = jnp.zeros((parts, *old[1].shape[2:]), old[1].dtype)
        return jax.lax.scan(lambda a, now: (a + jax.vmap(one)(*now), None), zero, jax.tree.map(apart, old))[0].sum(0)

    return jax.lax.platform_dependent(*old, cpu=in_turns, default=lambda *old: jax.vmap(one)(*old).sum(0))
