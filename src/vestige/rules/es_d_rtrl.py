"""ES-D-RTRL (pp-prop): the trace as an outer product of a presynaptic and a postsynaptic memory."""

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import jax
import jax.numpy as jnp

from ..graph import Edge, Graph, GraphError, Pushed, transport
from .block import over, times
from .d_rtrl import remembering
from .steps import over_steps
from .stored import stored
from .types import Obs, Rule, Signal, Update, picks, pre_zeros, weights

Decay = float | int | tuple[float | int, float | int]


def es_d_rtrl(
    decay_or_rank: Decay = 0.99, *, correct: bool = True, kappa: bool | float = False, dtype: Any = None
) -> Rule:  # fmt: skip
    """Exponential-smoothing D-RTRL.

        ex <- a_x ex + x ;   ef <- a_f D ef + (1 - a_f) f ;   dW = sum_t ex_t q_t
        q_t = (1 - a_f) dL_t/dy_t + a_f < dL_t/dh_{t-1}, ef_{t-1} >

    which is `< dL_t/dh_t, ef_t >` where all credit passes the new state, and exact at T = 1 for every model where it does not.

    Memory `inputs + S * outputs` per edge and example. An approximation: the outer product of two sums stands for the sum
    of outer products. The x side has gain `1 / (1 - a_x)`.

    Args:
        decay_or_rank: a float is the decay a; an integer rank r is the decay `(r - 1) / (r + 1)`; a pair is (x side, f side).
        correct: divide by `1 - a_f^t` (t in steps), so that young traces are not small.
        kappa, dtype: credit through readouts that remember, and the dtype of the trace, as for `d_rtrl`.

    Source: Wang et al., "Model-agnostic linear-memory online learning in spiking neural networks", 2024 (ES-D-RTRL).
    """
    return stored(_filtered(*decays(decay_or_rank), correct, kappa), dtype)


@lru_cache(typed=True)
def _filtered(ax: float, af: float, correct: bool, kappa: bool | float) -> Rule:
    # one rule for equal numbers, so that nothing is compiled twice
    def update(graph: Graph, trace: Any, obs: Obs, signal: Signal) -> Update:
        def step(old: Any, now: Any) -> Any:
            pre, post, trans, mark, entry = now
            new = remember(graph, ax, af, old, pre, post, trans)
            gain = 1 / (1 - af ** new[0]) if correct else 1.0
            pairs = zip(graph.edges, pre, new[1], old[2], mark)
            return new, [[(x, d) if b is None else (a, q(edge, gain, b, d, entry))] for edge, x, a, b, d in pairs]

        def q(edge: Edge, gain: Any, ef: Any, d: jax.Array, entry: Any) -> jax.Array:
            past = edge.share(over(edge.spread(edge.of(entry)), ef))
            return (gain * ((1 - af) * d + af * past)).astype(d.dtype)

        moving = obs.pre, obs.post, obs.trans, signal.mark, signal.entry
        trace, uses = over_steps(step, trace, moving)
        return Update(trace, uses, [None] * len(graph.edges))

    return Rule(factors, update, "instant", "entry", route=remembering(kappa), smooths=smoothing(ax), stepwise=True)


def smoothing(ax: float) -> Callable[[Graph, list[Any]], list[float | None]]:
    """What `Rule.smooths` asks for: every edge with factors sums its inputs with decay `ax`."""
    return lambda graph, static: [None if e.group is None else ax for e in graph.edges]


def factors(graph: Graph, static: list[Any]) -> tuple[jax.Array, list[Any], list[Any]]:
    """Steps so far; `ex [*in]` and `ef [S, *out]` per edge, None for what reaches no state.

    Raises:
        GraphError: a weight is picked by an integer, which no filter can remember.
    """
    ws = weights(graph, static)
    for edge in graph.edges:
        if edge.group is not None and picks(edge):
            raise GraphError(
                f"`{edge.name}` is picked by an integer (an embedding), which has no filtered presynaptic trace. "
                "Use D-RTRL or the hybrid rule, or a one-hot input and a matrix product."
            )
    ex = [None if edge.group is None else pre_zeros(edge, w) for edge, w in zip(graph.edges, ws)]
    blocks = [None if edge.group is None else edge.of(graph.groups).S for edge in graph.edges]
    ef = [None if S is None else jnp.zeros((S, *edge.out), w.dtype) for S, edge, w in zip(blocks, graph.edges, ws)]
    return jnp.zeros((), jnp.int32), ex, ef


def remember(graph: Graph, ax: float, af: float, trace: Any, pre: list[Any], post: list[Any], trans: list[Any]) -> Any:
    """One step of the factors: `ex <- a_x ex + x`, `ef <- a_f D ef + (1 - a_f) f`."""
    t, ex, ef = trace

    def forget(edge: Edge, b: Any, f: Any) -> Any:
        if b is None:
            return None
        d = edge.of(trans)
        moved = _pushed(graph, edge, d, b) if isinstance(d, Pushed) else times(edge.spread(d), b)
        return (af * moved + (1 - af) * f).astype(b.dtype)

    return (
        t + 1,
        [None if a is None else ax * a + x for a, x in zip(ex, pre)],
        [forget(e, b, f) for e, b, f in zip(graph.edges, ef, post)],
    )


def _pushed(graph: Graph, edge: Edge, point: Pushed, ef: jax.Array) -> jax.Array:
    """`D ef` for a large block: one tangent per output that a position receives."""
    assert edge.layout is not None
    columns = jnp.swapaxes(edge.layout.gather(ef), 0, 1)  # [depth, S, P]
    return edge.layout.unfold(jnp.swapaxes(transport(graph, edge.of(graph.groups), point, columns), 0, 1))


def decays(decay_or_rank: Decay) -> tuple[float, float]:
    """(x side, f side) from a decay, a rank, or a pair of either."""
    pair = decay_or_rank if isinstance(decay_or_rank, tuple) else (decay_or_rank, decay_or_rank)
    if len(pair) != 2:
        raise ValueError(f"decay_or_rank {decay_or_rank!r}: give one number or a pair (x side, f side)")
    ax, af = (_decay(d) for d in pair)
    return ax, af


def _decay(d: float | int) -> float:
    if isinstance(d, bool) or not isinstance(d, (int, float)):
        raise ValueError(f"decay_or_rank {d!r}: a float in [0, 1) is a decay, an integer of at least 1 a rank")
    if isinstance(d, int):
        if d < 1:
            raise ValueError(f"rank {d}: an integer is a rank and at least 1; for a decay write {float(d)}")
        return (d - 1) / (d + 1)
    if not 0 <= d < 1:
        raise ValueError(f"decay {d}: a float is a decay in [0, 1); at 1 the traces would grow without bound")
    return d
