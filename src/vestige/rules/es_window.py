"""Exact inside the window, factorised before it: ES-D-RTRL's memory with the window law's present."""

from functools import lru_cache
from typing import Any

import jax
import jax.numpy as jnp

from ..graph import Graph
from .block import over
from .d_rtrl import remembering
from .es_d_rtrl import Decay, decays, factors, remember, smoothing
from .types import Obs, Rule, Signal, Update, present


def es_window(decay_or_rank: Decay = 0.99, *, kappa: bool | float = False) -> Rule:
    """The window law with a factorised past.

        dW = sum_t x_t dL/dy_t  +  ex_0 < dL/dh_0, ef_0 > / (1 - a_f^n) ;
        ex <- a_x ex + x ;   ef <- a_f D ef + (1 - a_f) f          (n: steps before the window)

    The longer the window, the nearer to D-RTRL: not the same number for every window, unlike `es_d_rtrl`. Exact for one
    window over the whole sequence wherever D-RTRL is. Memory as `es_d_rtrl`; `kappa` as for `d_rtrl`.
    """
    return _windowed(*decays(decay_or_rank), kappa)


@lru_cache(typed=True)
def _windowed(ax: float, af: float, kappa: bool | float) -> Rule:
    def update(graph: Graph, trace: Any, obs: Obs, signal: Signal) -> Update:
        t, ex0, ef0 = trace
        grow = 1 - af ** jnp.maximum(t, 1)
        uses = present(obs, signal)
        for n, (edge, ef) in enumerate(zip(graph.edges, ef0)):
            if ef is not None:
                past = edge.share(over(edge.spread(edge.of(signal.entry)[0]), ef)) / grow
                uses[n] = [*uses[n], (ex0[n][None], past.astype(ef.dtype)[None])]

        step = lambda old, now: (remember(graph, ax, af, old, *now), None)
        trace, _ = jax.lax.scan(step, trace, (obs.pre, obs.post, obs.trans))
        return Update(trace, uses, [None] * len(graph.edges))

    return Rule(factors, update, "local", route=remembering(kappa), smooths=smoothing(ax), windowed=True)
