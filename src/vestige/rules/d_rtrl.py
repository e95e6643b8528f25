"""D-RTRL: one trace per weight and state; a state remembers through its own dynamics alone."""

from functools import lru_cache
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from ..graph import Edge, Graph, Pushed, Route, transport
from .block import after, over, times
from .types import Obs, Rule, Signal, Update, present, trace_shape, weights


@lru_cache(typed=True)
def d_rtrl(*, kappa: bool | float = False) -> Rule:
    """Diagonal real-time recurrent learning.

    Per position, with x in R^I, f = dh'/dy in R^S, D = dh'/dh in R^SxS:

        e <- D e + f x^T ;      dW = sum_t x_t dL/dy_t  +  < dL/dh_0, e_0 >

    The gradient is the exact present plus the trace of the window's entry, for a window of any length the same number.
    Memory `S * unshared weights` per example; compute per step as one outer product of that size, in windows of K as one
    matrix product over K. Exact (= BPTT) when no credit crosses from neuron to neuron through time.

    Args:
        kappa: credit through readouts that remember. A leaky readout `o <- k o + W z` with one decay for all outputs is
            `W r` with `r <- k r + z`, so one more state per neuron that it reads makes its credit exact. `True`: where the
            graph finds such readouts, as the report says; a decay in [0, 1): before every mark that reads a population.

    Source: Wang et al., "Model-agnostic linear-memory online learning in spiking neural networks", 2024 (D-RTRL).
    """

    def update(graph: Graph, trace: Any, obs: Obs, signal: Signal) -> Update:
        ways = [None if isinstance(d, Pushed) else suffix_products(d) for d in obs.trans]
        past, new = list[Any]([None] * len(trace)), list(trace)
        uses = present(obs, signal)
        for n, (edge, e) in enumerate(zip(graph.edges, trace)):
            if e is None:
                continue
            wanted = edge.spread(edge.of(signal.entry)[0])
            if isinstance(e, Recent):
                uses[n] = [*uses[n], (e.x, edge.share(jax.vmap(over, (None, 0))(wanted, e.late)))]
            else:
                past[n] = wanted, e
            way, moved = edge.of(ways), (edge, formed(edge, e), obs.pre[n], obs.post[n])
            new[n] = advance(*moved, *way) if way else push(graph, *moved, edge.of(obs.trans))
        return Update(new, uses, past)

    return Rule(init, update, "local", first=first, route=remembering(kappa))


def remembering(kappa: bool | float) -> Route | None:
    """The route of a kappa filter.

    Raises:
        ValueError: a decay outside [0, 1).
    """
    return None if kappa is False else Route(kappa)


class Recent(NamedTuple):
    """A trace not yet formed, `e = sum_t late_t x_t`: `x [K, *in]`, `late [K, S, *out]`."""

    x: jax.Array
    late: jax.Array


def formed(edge: Edge, e: jax.Array | Recent) -> jax.Array:
    """The trace as an array `[S, *unshared]`."""
    if not isinstance(e, Recent):
        return e
    return jnp.stack([edge.op.imprint(e.x, e.late[:, s]) for s in range(e.late.shape[1])])


def first(graph: Graph, trace: Any, obs: Obs) -> Any:
    """The trace after a sequence's first window: as it came about, where that is smaller than what it forms."""
    out = list(trace)
    for n, (edge, e) in enumerate(zip(graph.edges, trace)):
        if e is None:
            continue
        D = edge.of(obs.trans)
        if isinstance(D, Pushed):
            out[n] = push(graph, edge, e, obs.pre[n], obs.post[n], D)
            continue
        recent = Recent(obs.pre[n], jax.vmap(times)(edge.spread(suffix_products(D)[1]), obs.post[n]))
        out[n] = recent if recent.x.size + recent.late.size < e.size else formed(edge, recent)
    return out


def init(graph: Graph, static: list[Any]) -> list[Any]:
    """Traces `[S, *unshared]` of zeros; None for what reaches no state."""
    out = []
    for edge, w in zip(graph.edges, weights(graph, static)):
        e = None if edge.group is None else trace_shape(edge, w)
        out.append(None if e is None else jnp.zeros((edge.of(graph.groups).S, *e.shape), e.dtype))
    return out


def suffix_products(D: jax.Array) -> tuple[jax.Array, jax.Array]:
    """`D: [K, S, S, P]` -> `D_K ... D_1` and `[D_K ... D_{t+1}]_t`; by recurrence, so exact zeros are welcome."""
    S = D.shape[1]
    eye = jnp.broadcast_to(jnp.eye(S, dtype=D.dtype)[..., None], D.shape[1:])
    return jax.lax.scan(lambda P, d: (after(P, d), P), eye, D, reverse=True)


def advance(edge: Edge, e: jax.Array, x: jax.Array, f: jax.Array, whole: jax.Array, rest: jax.Array) -> jax.Array:
    """`e_K = P_0 e_0 + sum_t (P_t f_t) x_t`: the trace is touched once per window."""
    late = jax.vmap(times)(edge.spread(rest), f)  # dh_K/dy_t [K, S, *out]
    return roll(edge, whole, e) + formed(edge, Recent(x, late))


def push(graph: Graph, edge: Edge, e: jax.Array, x: jax.Array, f: jax.Array, trans: Pushed) -> jax.Array:
    """The same for a large block: step by step, the trace's columns as tangents of the population's step."""
    lay, q = edge.trace_layout(e.shape[1:]), edge.of(graph.groups)

    def step(e: jax.Array, now: Any) -> Any:
        x, f, point = now
        columns = jnp.swapaxes(lay.fold(e), 0, 1)  # [N, S, P]
        moved = lay.unfold(jnp.swapaxes(transport(graph, q, point, columns), 0, 1))
        return (moved + jnp.stack([edge.op.imprint(x[None], f_s[None]) for f_s in f])).astype(e.dtype), None

    return jax.lax.scan(step, e, (x, f, trans))[0]


def roll(edge: Edge, D: jax.Array, e: jax.Array) -> jax.Array:
    """`D e` over the block, `D: [S, S, P]`."""
    return times(jax.vmap(jax.vmap(edge.op.at_post))(edge.spread(D)), e)
