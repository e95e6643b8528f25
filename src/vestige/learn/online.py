"""One step whose reverse mode is the learning rule: present by autodiff, past by the trace."""

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from .._compat import is_float
from ..graph import Graph, Pair, Step, prelude, routed
from ..rules import Rule
from .checks import inputs_like
from .compiled import compiled
from .core import Carry, beside, start_of
from .window import Data, merge, window


class Moved(NamedTuple):
    """After one step: output, state and trace, spikes of each population as a mean rate."""

    output: Any
    state: Any
    trace: Any
    firing: dict[str, jax.Array]


def online_step(graph: Graph, rule: Rule, params: Any, carry: Carry, x: Any) -> tuple[Moved, Carry]:
    """The next output and carry; differentiating the output (or the new state) gives the rule's gradient of `params`.

    Nothing is differentiated through the state that enters: what came before is the trace's to tell.

    Raises:
        ValueError: the rule wants more than a loss of the output can say, such as a target or a modulator.
    """
    if rule.teach.step is not None or rule.teach.modulated or rule.ahead is not None:
        raise ValueError(
            "this rule learns from targets, a modulator or a window's end, which a call of the learner does not see: "
            "use `learner.gradients(xs, targets, loss=...)`"
        )
    g = routed(graph, rule.route).graph
    key, memory = carry.lasting if carry.lasting is not None else start_of(graph, rule, params)
    now, key = (None, None) if key is None else jax.random.split(key)
    x, static = inputs_like(graph, x), prelude(g, beside(rule, params, memory))
    live = [s for s, on in zip(static, g.trained) if on]
    state = carry.state if rule.route is None else Pair(carry.state, carry.added)
    kept = jax.lax.stop_gradient((static, state, carry.trace, x, memory, now))
    out = _online(g, rule, carry.batch_size, live, *kept)
    state, added, output = out.state, None, out.output
    if rule.route is not None:
        state, added, output = state.given, state.added, output.given
    return Moved(output, state, out.trace, out.firing), Carry(state, out.trace, carry.batch_size, added, (key, memory))


@partial(jax.custom_vjp, nondiff_argnums=(0, 1, 2))
def _online(graph: Graph, rule: Rule, batch: int | None, live: Any, *kept: Any) -> Moved:
    return _forward(graph, rule, batch, live, *kept)


@partial(compiled, static=3)
def _forward(
    graph: Graph, rule: Rule, batch: int | None, live: Any, static: Any, state: Any, trace: Any, x: Any, memory: Any, key: Any
) -> Moved:  # fmt: skip
    nothing = lambda step, target, modulator: (jnp.zeros(()), jnp.zeros(()))
    one = Data(jax.tree.map(lambda a: a[None], x))
    w = window(graph, rule, nothing, merge(live, static, graph.trained), state, trace, one, batch, memory, key)
    first = lambda tree: jax.tree.map(lambda a: a[0], tree)
    return Moved(first(w.outputs), w.state, w.trace, first(w.firing))


def _fwd(graph: Graph, rule: Rule, batch: int | None, live: Any, *kept: Any) -> Any:
    return _forward(graph, rule, batch, live, *kept), (live, *kept)


def _bwd(graph: Graph, rule: Rule, batch: int | None, kept: Any, wanted: Moved) -> Any:
    return _pull(graph, rule, batch, *kept, wanted.output, wanted.state), *[None] * (len(kept) - 1)


@partial(compiled, static=3)
def _pull(
    graph: Graph, rule: Rule, batch: int | None, live: Any, static: Any, state: Any, trace: Any, x: Any, memory: Any, key: Any,
    d_output: Any, d_state: Any,
) -> Any:  # fmt: skip
    """The rule's gradient for given cotangents of the output and of the new state as others read it."""

    def credit(step: Step, target: Any, modulator: Any) -> tuple[jax.Array, jax.Array]:
        pairs = zip([*jax.tree.leaves(step.output), *step.seen], jax.tree.leaves(target))
        zero = jnp.zeros(())
        return sum((jnp.vdot(a, d) for a, d in pairs if is_float(a) and is_float(d)), zero), zero

    last = None if rule.teach.end is None else jnp.ones((), bool)
    one = jax.tree.map(lambda a: a[None], Data(x, (d_output, d_state), last=last))
    static = merge(live, static, graph.trained)
    return window(graph, rule, credit, static, state, trace, one, batch, memory, key).grads


_online.defvjp(_fwd, _bwd)
