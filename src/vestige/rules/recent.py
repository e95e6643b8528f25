"""D-RTRL with a short memory: the factors of the last steps in place of what they form."""

from functools import lru_cache
from typing import Any

import jax
import jax.numpy as jnp

from ..graph import Edge, Graph, jacobians
from .block import times
from .d_rtrl import Recent, lately, met, remembering, suffix_products
from .instant import formed_only
from .types import Obs, Rule, Signal, Update, pre_shape, present, weights


@lru_cache(typed=True)
def recent(steps: int, *, kappa: bool | float = False) -> Rule:
    """D-RTRL that remembers the last M steps.

        dW = sum_t x_t dL/dy_t  +  sum_{m < M} x_{-m} < dL/dh_0, D_0 ... D_{1-m} f_{-m} >

    The trace is a sum of products `f x^T`; its terms fade with the neuron. While they are few, they are smaller than their sum:
    memory `M (inputs + S outputs)` per weight and example, against `S inputs outputs`. Compute per window of K steps is a
    product over K + M steps, and nothing is formed; so windows of about M steps or more.

    What is dropped is `D_0 ... D_{1-M} e_{-M}`: nothing in the first M steps, and where states fade by d a step at most `d^M` of
    the trace M steps ago. A longer window drops less, so windows do change the gradient, by no more than that.

    Args:
        steps: M.
        kappa: credit through readouts that remember, as for `d_rtrl`.

    Raises:
        ValueError: less than one step, or a decay outside [0, 1). At `init`, GraphError: a block too large to form dh'/dh.
    """
    if not isinstance(steps, int) or steps < 1:
        raise ValueError(f"recent: steps is {steps!r}; give a number of steps to remember, at least 1")

    def init(graph: Graph, static: list[Any]) -> list[Any]:
        formed_only(graph, "the recent form of D-RTRL")
        return [None if e.group is None else _none(graph, e, w) for e, w in zip(graph.edges, weights(graph, static))]

    def _none(graph: Graph, edge: Edge, w: Any) -> Recent:
        x = pre_shape(edge, w)
        return Recent(
            jnp.zeros((steps, *x.shape), x.dtype), jnp.zeros((steps, edge.of(graph.groups).S, *edge.out), w.dtype)
        )

    def update(graph: Graph, trace: Any, obs: Obs, signal: Signal) -> Update:
        ways = [suffix_products(d) for d in jacobians(graph, obs.trans)]
        uses, new = present(obs, signal), list(trace)
        last = lambda old, now: jnp.concatenate([old, now.astype(old.dtype)])[-steps:]
        for n, (edge, e) in enumerate(zip(graph.edges, trace)):
            if e is None:
                continue
            whole, rest = edge.of(ways)
            uses[n] = [*uses[n], met(edge, edge.spread(edge.of(signal.entry)[0]), e)]
            faded = jax.vmap(times, (None, 0))(edge.spread(whole), e.late)
            new[n] = Recent(last(e.x, obs.pre[n]), last(faded, lately(edge, rest, obs.post[n])))
        return Update(new, uses, [None] * len(trace))

    return Rule(init, update, "local", route=remembering(kappa), windowed=True)
