"""OTPE: what a spike does to the neurons behind it, remembered by their leak."""

from functools import lru_cache
from typing import Any

import jax
import jax.numpy as jnp

from ..graph import Edge, Graph, Route
from .block import over
from .d_rtrl import d_rtrl
from .instant import formed_only
from .ottt import checked, filtered, filters
from .types import Obs, Rule, Signal, Update, weights


@lru_cache(typed=True)
def otpe(decay: float, *, approximate: bool = False) -> Rule:
    """Online training with postsynaptic estimates, for feed-forward spiking networks.

        eps <- D eps + f x^T ;   R <- decay R + (ds/dh) eps ;      dW = sum_t (dL_t/ds_t) R_t

    `R` estimates what the spikes `s` of a layer have left in the neurons that they reach, whose membranes all leak by
    `decay`: credit crosses every layer with that memory, hidden ones included, resets apart. Memory twice that of
    `d_rtrl` for layers of one state. Exact for one hidden layer before a leaky, non-spiking readout of that decay.

    Args:
        decay: of the membranes behind, per step, in [0, 1).
        approximate: `R` as an outer product of averages, with memory `inputs + outputs`:
            `R = gbar xx / n`,  `gbar <- decay gbar + ds/dy`,  `xbar <- decay xbar + x`,  `xx <- decay xx + xbar`,
            `n <- decay n + 1`.

    Raises:
        ValueError: decay outside [0, 1).

    Source: Summe, Schaefer & Joshi, "Estimating post-synaptic effects for online training of feed-forward SNNs", 2024.
    """
    decay = checked(decay)
    if not approximate:
        return d_rtrl()._replace(route=Route(decay))

    def init(graph: Graph, static: list[Any]) -> Any:
        formed_only(graph, "approximate OTPE")
        once = filters(graph, static, "OTPE")
        rows = [[] if edge.group is None else _memories(graph, edge) for edge in graph.edges]
        post = [
            jnp.zeros((len(r), *edge.out), w.dtype) for r, edge, w in zip(rows, graph.edges, weights(graph, static))
        ]
        return once, once, post, jnp.zeros(())

    def update(graph: Graph, trace: Any, obs: Obs, signal: Signal) -> Update:
        xbar, xx, gbar, n = trace
        rows = [[] if edge.group is None else _memories(graph, edge) for edge in graph.edges]
        slopes = [f[:, r] if r else jnp.zeros((obs.steps, *b.shape), b.dtype) for r, f, b in zip(rows, obs.post, gbar)]
        xbar, once = filtered(decay, xbar, obs.pre)
        xx, twice = filtered(decay, xx, once)
        gbar, g = filtered(decay, gbar, slopes)
        (n,), (count,) = filtered(decay, [n], [jnp.ones(obs.steps)])
        uses = []
        for edge, r, x, x1, x2, b, s, d in zip(graph.edges, rows, obs.pre, once, twice, g, slopes, signal.mark):
            if not r:
                uses.append([(x if x1 is None else x1, d)])
                continue
            L = edge.spread(edge.of(signal.state)[:, r])
            part = lambda slope, L=L, edge=edge: edge.share(jax.vmap(over)(L, slope))
            past = part(b) / count.reshape(-1, *(1,) * (d.ndim - 1))
            # what of this step's own credit does not pass what readers read is kept as it is
            uses.append([(x2, past.astype(d.dtype)), (x, d - part(s).astype(d.dtype))])
        return Update((xbar, xx, gbar, n), uses, [None] * len(graph.edges))

    return Rule(init, update, "instant", "state", route=Route(decay), stepwise=True)


def _memories(graph: Graph, edge: Edge) -> list[int]:
    """Which states of the block that an edge drives remember what readers read."""
    q = edge.of(graph.groups)
    names = [graph.state_names[i] for i, lay in zip(q.states, q.layouts) for _ in range(lay.depth)]
    return [n for n, name in enumerate(names) if name.startswith("memory before")]
