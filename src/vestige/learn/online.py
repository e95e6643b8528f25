"""One step whose reverse mode is the learning rule: present by autodiff, past by the trace."""

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from .._compat import is_float
from ..graph import Graph, Step, prelude
from ..rules import Rule
from .checks import inputs_like
from .core import Carry
from .window import merge, window


class Moved(NamedTuple):
    """After one step: output, state and trace, spikes of each population as a mean rate."""

    output: Any
    state: Any
    trace: Any
    firing: dict[str, jax.Array]


def online_step(graph: Graph, rule: Rule, params: Any, carry: Carry, x: Any) -> Moved:
    """The next output and carry; differentiating the output (or the new state) gives the rule's gradient of `params`.

    Nothing is differentiated through the state that enters: what came before is the trace's to tell.
    """
    x, static = inputs_like(graph, x), prelude(graph, params)
    live = [s for s, on in zip(static, graph.trained) if on]
    carry, x, static = jax.lax.stop_gradient((carry, x, static))
    return _online(graph, rule, carry.batch_size, live, static, carry.state, carry.trace, x)


@partial(jax.custom_vjp, nondiff_argnums=(0, 1, 2))
def _online(
    graph: Graph, rule: Rule, batch: int | None, live: Any, static: Any, state: Any, trace: Any, x: Any
) -> Moved:
    return _forward(graph, rule, batch, live, static, state, trace, x)


@partial(jax.jit, static_argnums=(0, 1, 2))
def _forward(
    graph: Graph, rule: Rule, batch: int | None, live: Any, static: Any, state: Any, trace: Any, x: Any
) -> Moved:
    nothing = lambda step, target: jnp.zeros(())
    one = jax.tree.map(lambda a: a[None], x)
    w = window(graph, rule, nothing, merge(live, static, graph.trained), state, trace, one, None, None, batch)
    first = lambda tree: jax.tree.map(lambda a: a[0], tree)
    return Moved(first(w.outputs), w.state, w.trace, first(w.firing))


def _fwd(graph: Graph, rule: Rule, batch: int | None, live: Any, static: Any, state: Any, trace: Any, x: Any) -> Any:
    return _forward(graph, rule, batch, live, static, state, trace, x), (live, static, state, trace, x)


def _bwd(graph: Graph, rule: Rule, batch: int | None, kept: Any, wanted: Moved) -> Any:
    return _pull(graph, rule, batch, kept, wanted.output, wanted.state), None, None, None, None


@partial(jax.jit, static_argnums=(0, 1, 2))
def _pull(graph: Graph, rule: Rule, batch: int | None, kept: Any, d_output: Any, d_state: Any) -> Any:
    """The rule's gradient for given cotangents of the output and of the new state as others read it."""
    live, static, state, trace, x = kept

    def credit(step: Step, target: Any) -> jax.Array:
        pairs = zip([*jax.tree.leaves(step.output), *step.seen], jax.tree.leaves(target))
        return sum((jnp.vdot(a, d) for a, d in pairs if is_float(a) and is_float(d)), jnp.zeros(()))

    one, target = jax.tree.map(lambda a: a[None], (x, (d_output, d_state)))
    return window(graph, rule, credit, merge(live, static, graph.trained), state, trace, one, target, None, batch).grads


_online.defvjp(_fwd, _bwd)
