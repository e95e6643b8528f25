"""D-RTRL: one trace per weight and state; a state remembers through its own dynamics alone."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from ..graph import Edge, Graph, Pushed, Route, transport
from . import parted
from .block import after, over, times
from .stored import stored
from .types import Obs, Rule, Signal, Update, present, trace_shape, weights
from .unshared import imprints, roll


@lru_cache(typed=True)
def d_rtrl(*, kappa: bool | float = False, dtype: Any = None) -> Rule:
    """Diagonal real-time recurrent learning.

    Per position, with x in R^I, f = dh'/dy in R^S, D = dh'/dh in R^SxS:

        e <- D e + f x^T ;      dW = sum_t x_t dL/dy_t  +  < dL/dh_0, e_0 >

    The gradient is the exact present plus the trace of the window's entry, for a window of any length the same number.
    Memory `S * unshared weights` per example, less where states remember an input alike at all positions (`uniform`), as a
    synaptic current with one decay does: of these, `inputs`. Compute per step as one outer product of that size, in windows
    of K as one matrix product over K. Exact (= BPTT) when no credit crosses from neuron to neuron through time.

    Args:
        kappa: credit through readouts that remember. A leaky readout `o <- k o + W z` with one decay for all outputs is
            `W r` with `r <- k r + z`, so one more state per neuron that it reads makes its credit exact. `True`: where the
            graph finds such readouts, as the report says; a decay in [0, 1): before every mark that reads a population.
        dtype: of the trace between windows, such as `jnp.bfloat16`; see `stored` for the error. `None`: the weight's.

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
            more, past[n] = (
                ([met(edge, wanted, e)], None) if isinstance(e, Recent) else parted.read(graph, edge, wanted, e)
            )
            uses[n] = [*uses[n], *more]
            way = edge.of(ways)
            if way is not None:
                old = parted.formed(graph, edge, *e) if isinstance(e, Recent) else e
                now = parted.formed(graph, edge, obs.pre[n], lately(edge, way[1], obs.post[n]))
                new[n] = jax.tree.map(jnp.add, parted.moved(graph, edge, way[0], old), now)
        return Update(pushed(graph, new, obs), uses, past)

    return stored(Rule(empty, update, "local", first=first, route=remembering(kappa)), dtype)


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


def met(edge: Edge, wanted: jax.Array, e: Recent) -> tuple[jax.Array, jax.Array]:
    """The signal `[S, *out]` at a trace not yet formed, as one more product over time."""
    return e.x, edge.share(jax.vmap(over, (None, 0))(wanted, e.late))


def lately(edge: Edge, rest: jax.Array, f: jax.Array) -> jax.Array:
    """`dh_K/dy_t [K, S, *out]`."""
    return jax.vmap(times)(edge.spread(rest), f)


def formed(edge: Edge, e: jax.Array | Recent) -> jax.Array:
    """The trace as an array `[S, *unshared]`."""
    if not isinstance(e, Recent):
        return e
    return imprints(edge, e.x, e.late)


def first(graph: Graph, trace: Any, obs: Obs) -> Any:
    """The trace after a sequence's first window: as it came about, where that is smaller than what it forms."""
    out = pushed(graph, list(trace), obs)
    rest = [None if isinstance(D, Pushed) else suffix_products(D)[1] for D in obs.trans]
    for n, (edge, e) in enumerate(zip(graph.edges, trace)):
        late = None if e is None else edge.of(rest)
        if e is None or late is None:
            continue
        recent, size = Recent(obs.pre[n], lately(edge, late, obs.post[n])), sum(a.size for a in jax.tree.leaves(e))
        out[n] = recent if recent.x.size + recent.late.size < size else parted.formed(graph, edge, *recent)
    return out


def empty(graph: Graph, static: list[Any]) -> list[Any]:
    """Traces of zeros, in two parts where states of a block remember an input alike; None for what reaches no state."""
    pairs = zip(graph.edges, weights(graph, static))
    return [None if edge.group is None else parted.none(graph, edge, w) for edge, w in pairs]


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
    return roll(edge, whole, e) + formed(edge, Recent(x, lately(edge, rest, f)))


def pushed(graph: Graph, trace: list[Any], obs: Obs) -> list[Any]:
    """The same for large blocks, whose edges are pushed together; other traces as they are."""
    new = list(trace)
    for k, D in enumerate(obs.trans):
        here = [n for n, e in enumerate(graph.edges) if e.group == k and trace[n] is not None]
        if isinstance(D, Pushed) and here:
            edges, es, xs, fs = ([of[n] for n in here] for of in (graph.edges, new, obs.pre, obs.post))
            for n, e in zip(here, push(graph, edges, es, xs, fs, D)):
                new[n] = e
    return new


def push(graph: Graph, edges: Sequence[Edge], es: Any, xs: Any, fs: Any, trans: Pushed) -> list[jax.Array]:
    """Traces of one population's edges, step by step, their columns as tangents of its step."""
    lays, q = [edge.trace_layout(e.shape[1:]) for edge, e in zip(edges, es)], edges[0].of(graph.groups)

    def step(es: list[jax.Array], now: Any) -> Any:
        xs, fs, point = now
        columns = [jnp.swapaxes(lay.fold(e), 0, 1) for lay, e in zip(lays, es)]  # [N, S, P]
        ends = np.cumsum([len(c) for c in columns])[:-1].tolist()
        moved = jnp.split(transport(graph, q, point, jnp.concatenate(columns)), ends)
        new = [
            lay.unfold(jnp.swapaxes(m, 0, 1)) + imprints(edge, x[None], f[None])
            for edge, lay, m, x, f in zip(edges, lays, moved, xs, fs)
        ]
        return [n.astype(e.dtype) for n, e in zip(new, es)], None

    return jax.lax.scan(step, es, (xs, fs, trans))[0]
