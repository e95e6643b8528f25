"""Per weight the cheaper trace: D-RTRL's where it is small, ES-D-RTRL's where the factors are."""

from collections.abc import Mapping
from math import prod
from typing import Any, Literal

import jax
import jax.numpy as jnp

from ..graph import Graph
from .d_rtrl import advance, suffix_products
from .d_rtrl import init as full_traces
from .es_d_rtrl import Decay, es_d_rtrl, factors
from .types import Obs, Rule, Signal, Update, trace_shape, weights

Kind = Literal["full", "factorised"]


def hybrid(decay_or_rank: Decay = 0.99, *, choose: Mapping[str, Kind] | None = None) -> Rule:
    """A per-parameter trace where it holds no more numbers than the factors, else the factors of ES-D-RTRL.

    `choose` names weights (as the report does) whose trace is to be `full` or `factorised` whatever their size.
    Convolutions and sparse weights usually take the first, dense ones the second.

    Source: Wang et al., "Model-agnostic linear-memory online learning in spiking neural networks", 2024 (hybrid rule).
    """
    es = es_d_rtrl(decay_or_rank)
    choose = dict(choose or {})

    def is_full(graph: Graph, static: list[Any]) -> list[bool]:
        out = []
        for edge, w in zip(graph.edges, weights(graph, static)):
            size = prod(trace_shape(edge, w).shape) if edge.group is not None else 0
            pair = prod(edge.out) + prod(getattr(edge.x, "shape", ()))
            out.append(
                choose.get(edge.name, "full" if size <= pair else "factorised") == "full" and edge.group is not None
            )
        return out

    def init(graph: Graph, static: list[Any]) -> Any:
        unknown = set(choose) - {edge.name for edge in graph.edges}
        if unknown:
            raise ValueError(
                f"hybrid: no weight named {sorted(unknown)}; there are {sorted({e.name for e in graph.edges})}"
            )
        keep = is_full(graph, static)
        t, ex, ef = factors(graph, static)
        e = full_traces(graph, static)
        # a weight carries one kind of trace; the other is empty
        return [a if k else None for a, k in zip(e, keep)], (
            t,
            [None if k else a for a, k in zip(ex, keep)],
            [None if k else a for a, k in zip(ef, keep)],
        )

    def update(graph: Graph, trace: Any, obs: Obs, signal: Signal) -> Update:
        whole, (t, ex, ef) = trace
        rest = _factors_only(graph, es, (t, ex, ef), obs, signal)
        ways = [suffix_products(d) for d in obs.trans]
        late = [_arrears(d, s) for d, s in zip(obs.trans, signal.entry)]
        new, uses, past = [], [], []
        for n, (edge, e) in enumerate(zip(graph.edges, whole)):
            if e is None:
                new, uses, past = [*new, None], [*uses, rest.uses[n]], [*past, None]
                continue
            first, c = late[edge.group]  # dL/dh_0 and, per step, what later steps want of its new state
            owed = edge.share((edge.spread(c) * obs.post[n]).sum(1))
            new.append(advance(edge, e, obs.pre[n], obs.post[n], *ways[edge.group]))
            uses.append([(obs.pre[n], signal.mark[n] + owed)])
            past.append((edge.spread(first), e))
        return Update((new, rest.trace), uses, past)

    return Rule(init, update, "instant", "entry")


def _arrears(D: jax.Array, entry: jax.Array) -> tuple[jax.Array, jax.Array]:
    """`c_t = L_{t+1} + D_{t+1}^T c_{t+1}`: credit of later steps for the state after step t; c_0 for the window's entry."""

    def step(c: jax.Array, now: Any) -> Any:
        d, signal = now
        return signal + jnp.einsum("ijp,ip->jp", d, c), c

    return jax.lax.scan(step, jnp.zeros_like(entry[0]), (D, entry), reverse=True)


def _factors_only(graph: Graph, es: Rule, trace: Any, obs: Obs, signal: Signal) -> Update:
    """ES-D-RTRL over the edges that keep factors."""
    t, ex, ef = trace
    on = [n for n, a in enumerate(ex) if a is not None]
    some = lambda items: [items[n] for n in on]
    part = graph.only(on)
    obs_part = obs._replace(pre=some(obs.pre), post=some(obs.post))
    out = es.update(part, (t, some(ex), some(ef)), obs_part, signal._replace(mark=some(signal.mark)))
    back = lambda items, empty: [dict(zip(on, items)).get(n, empty) for n in range(len(graph.edges))]
    t, ex, ef = out.trace
    return Update((t, back(ex, None), back(ef, None)), back(out.uses, []), [None] * len(graph.edges))
