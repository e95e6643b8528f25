"""A trace in another floating type: less memory, a rounding a window."""

from functools import lru_cache
from typing import Any

import jax
import jax.numpy as jnp

from ..graph import Graph
from .types import Obs, Rule, Signal, Update


def stored(rule: Rule, dtype: Any) -> Rule:
    """The same rule with its trace kept as `dtype` between windows; everything is still computed as the network is.

    Each window rounds the trace once. Where the trace of a state fades by d in K steps (its `D_K ... D_1`), roundings of `u`
    (2^-8 for bfloat16, 2^-24 for float32) add up to `u / (1 - d)` of the largest value that the trace has had, at most.
    Numbers without axes, such as counts of steps, stay as they are. `None`: the rule itself.

    Raises:
        ValueError: no floating type.
    """
    if dtype is None:
        return rule
    if not jnp.issubdtype(dtype, jnp.floating):
        raise ValueError(f"dtype {dtype!r}: a trace is kept in a floating type, such as jnp.float32 or jnp.bfloat16")
    return _stored(rule, jnp.dtype(dtype))


@lru_cache
def _stored(rule: Rule, dtype: Any) -> Rule:
    # one rule for equal arguments, so that nothing is compiled twice
    def init(graph: Graph, static: list[Any]) -> Any:
        return _as(dtype, rule.init(graph, static))

    def update(graph: Graph, trace: Any, obs: Obs, signal: Signal) -> Update:
        full = jnp.result_type(*(a for a in jax.tree.leaves(signal.mark)))
        out = rule.update(graph, _as(full, trace), obs, signal)
        return out._replace(trace=_as(dtype, out.trace))

    return rule._replace(init=init, update=update, stepwise=False)  # which would round at every step


def _as(dtype: Any, trace: Any) -> Any:
    some = lambda a: jnp.ndim(a) > 0 and jnp.issubdtype(a.dtype, jnp.floating)
    return jax.tree.map(lambda a: a.astype(dtype) if some(a) else a, trace)
