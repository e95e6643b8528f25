"""Reward-modulated learning: a fading memory of gradients, turned into learning when a reward comes."""

from functools import cache
from typing import Any

import jax
import jax.numpy as jnp

from ..graph import Edge, Graph, Pushed, Route
from .block import over
from .d_rtrl import Recent, formed, push
from .d_rtrl import init as traces
from .ottt import checked
from .types import Obs, Rule, Signal, Teaching, Update, weights
from .unshared import roll


@cache
def reward_modulated(decay: float = 0.9) -> Rule:
    """Eligibility of what was done, times the reward that follows.

        g_t = x_t dL_t/dy_t + < dL_t/dh_{t-1}, e_{t-1} > ;   e <- D e + f x^T ;   E <- decay E + g ;      dW = sum_t M_t E_t

    `g` is D-RTRL's gradient of the step's own loss. With the loss `-log p(action)` and M a reward or temporal-difference
    error this is the online policy gradient (REINFORCE with eligibility traces, actor with TD(lambda)). The modulator is
    given as `gradients(..., modulator=M)`, `[T]` or `[T, B]`. With `decay` 0 and M = 1 it is D-RTRL. Memory that of
    `d_rtrl` and once more the parameters, also those that reach no population; compute per step as an outer product, in
    windows too.

    Raises:
        ValueError: decay outside [0, 1); at `gradients`: no modulator, or not one number a step.

    Source: Sutton & Barto, "Reinforcement learning", 2018, ch. 13.5; Bellec et al., 2020 (reward-based e-prop).
    """
    decay = checked(decay)

    def init(graph: Graph, static: list[Any]) -> Any:
        return traces(graph, static), [jnp.zeros(w.shape, w.dtype) for w in weights(graph, static)]

    def update(graph: Graph, trace: Any, obs: Obs, signal: Signal) -> Update:
        reward = jnp.zeros(obs.steps) if obs.modulator is None else obs.modulator
        if reward.ndim != 1:
            raise ValueError("reward_modulated takes one modulator a step (and example): a number, not one a neuron")

        def step(old: Any, now: Any) -> Any:
            e, E, total = old
            pre, post, trans, mark, entry, M = now
            moved, faded, learned = list(e), list(E), list(total)
            for n, edge in enumerate(graph.edges):
                g = edge.op.correlate(pre[n][None], mark[n][None]) + _owed(edge, e[n], entry)
                faded[n] = (decay * E[n] + g).astype(E[n].dtype)
                learned[n] = total[n] + (M * faded[n]).astype(E[n].dtype)
                moved[n] = e[n] if e[n] is None else _next(graph, edge, e[n], pre[n], post[n], edge.of(trans))
            return (moved, faded, learned), None

        moving = obs.pre, obs.post, obs.trans, signal.mark, signal.entry, reward
        (e, E, total), _ = jax.lax.scan(step, (*trace, jax.tree.map(jnp.zeros_like, trace[1])), moving)
        uses = [[] for _ in graph.edges]
        return Update((e, E), uses, [None] * len(uses), _by_value(graph, total))

    return Rule(init, update, "instant", "entry", route=Route(each=True), teach=Teaching(modulated=True))


def _owed(edge: Edge, e: Any, entry: list[Any]) -> Any:
    """`< dL_t/dh_{t-1}, e_{t-1} >` as a gradient of the weight."""
    if e is None:
        return 0.0
    wanted = edge.spread(edge.of(entry))
    return edge.op.drain(over(jax.vmap(edge.op.at_post)(wanted), e))


def _next(graph: Graph, edge: Edge, e: jax.Array, x: jax.Array, f: jax.Array, D: Any) -> jax.Array:
    if isinstance(D, Pushed):
        return push(graph, [edge], [e], [x[None]], [f[None]], jax.tree.map(lambda a: a[None], D))[0]
    return (roll(edge, D, e) + formed(edge, Recent(x[None], f[None]))).astype(e.dtype)


def _by_value(graph: Graph, total: list[Any]) -> list[jax.Array]:
    """Gradients of the trained frontier values, each the sum over its edges."""
    values = [v for v, on in zip(graph.frontier, graph.trained) if on]
    return [sum(g for edge, g in zip(graph.edges, total) if edge.w is v) for v in values]  # type: ignore[misc]
