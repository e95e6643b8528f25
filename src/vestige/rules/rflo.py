"""RFLO: each state's own leak, and random feedback."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import jax
import jax.numpy as jnp

from ..graph import Graph, jacobians
from .d_rtrl import init as full_traces
from .feedback import Feedback, given, random_feedback
from .instant import formed_only, instant
from .types import Obs, Rule, Signal, Update


def rflo(feedback: int | Mapping[str, jax.Array] | None = 0, *, decay: float | None = None) -> Rule:
    """Random feedback local online learning.

        p <- a p + f x^T ;      dW = sum_t x_t dL_t/dy_t + < dL_t/dh_{t-1}, p_{t-1} >

    `a` is each state's leak alone: what the states of one neuron do to one another, as adaptation does to a voltage, is
    dropped as recurrence is. Credit reaches the population by random weights. Memory as `d_rtrl`. With symmetric
    feedback exact for leaky units with one state each and no recurrent weights.

    Args:
        feedback: as for `e_prop`: a seed (random, the paper's), arrays by readout weight, or `None` (symmetric).
        decay: the leak per step, in [0, 1); `None`: the diagonal of dh'/dh, step by step.

    Source: Murray, "Local online learning in recurrent networks with random feedback", 2019.
    """
    if decay is not None and not 0 <= decay < 1:
        raise ValueError(f"decay is {decay!r}; a leak per step lies in [0, 1); None takes each state's own")
    if isinstance(feedback, Mapping):
        return _rflo(given(feedback), decay)
    return _cached(feedback, decay)


@lru_cache(typed=True)
def _cached(seed: int | None, decay: float | None) -> Rule:
    return _rflo(Feedback() if seed is None else random_feedback(seed), decay)


def _rflo(way: Feedback, decay: float | None) -> Rule:
    def init(graph: Graph, static: list[Any]) -> list[Any]:
        formed_only(graph, "RFLO")
        return full_traces(graph, static)

    def leak(D: jax.Array) -> jax.Array:
        eye = jnp.eye(D.shape[1], dtype=D.dtype)[None, :, :, None]
        return D * eye if decay is None else jnp.broadcast_to(decay * eye, D.shape)

    def update(graph: Graph, trace: Any, obs: Obs, signal: Signal) -> Update:
        return instant(graph, trace, obs._replace(trans=[leak(D) for D in jacobians(graph, obs.trans)]), signal)

    rule = Rule(init, update, "instant", "entry", route=way.route(False))
    return rule._replace(lasting=way.start) if way.names else rule
