"""OTTT: a presynaptic memory and the signal of the moment."""

from functools import cache
from typing import Any

from ..graph import Graph, GraphError
from .steps import over_steps
from .types import Obs, Rule, Signal, Update, picks, pre_zeros, weights


@cache
def ottt(decay: float) -> Rule:
    """Online training through time.

        xbar <- decay xbar + x ;      dW = sum_t xbar_t dL_t/dy_t

    The membrane's leak stands for all of its memory (resets, adaptation and synapses are taken as constants), so the
    trace belongs to the input alone: memory `inputs` per weight, compute as one step's own gradient. Exact for
    non-spiking leaky units whose leak is `decay` and whose loss reads the state itself; with `decay` 0 the own step's gradient.

    Args:
        decay: of the membrane per step, `exp(-dt / tau)` or `1 - 1 / tau`, in [0, 1).

    Source: Xiao et al., "Online training through time for spiking neural networks", 2022.
    """
    decay = checked(decay)

    def init(graph: Graph, static: list[Any]) -> list[Any]:
        return filters(graph, static, "OTTT")

    def update(graph: Graph, trace: Any, obs: Obs, signal: Signal) -> Update:
        trace, seen = filtered(decay, trace, obs.pre)
        uses = [[(x if s is None else s, d)] for s, x, d in zip(seen, obs.pre, signal.mark)]
        return Update(trace, uses, [None] * len(graph.edges))

    return Rule(init, update, "instant", stepwise=True)


def filtered(decay: float, trace: list[Any], pre: list[Any]) -> tuple[list[Any], list[Any]]:
    """Memories after a window, and at each of its steps."""

    def step(old: list[Any], now: list[Any]) -> Any:
        new = [None if e is None else decay * e + x for e, x in zip(old, now)]
        return new, new

    return over_steps(step, trace, pre)


def filters(graph: Graph, static: list[Any], rule: str) -> list[Any]:
    """Presynaptic memories of zeros; None for what reaches no state.

    Raises:
        GraphError: a weight is picked by an integer, which no filter can remember.
    """
    for edge in graph.edges:
        if edge.group is not None and picks(edge):
            raise GraphError(
                f"{rule}: `{edge.name}` is picked by an integer (an embedding), which has no filtered presynaptic trace. "
                "Use D-RTRL or the hybrid rule, or a one-hot input and a matrix product."
            )
    ws = weights(graph, static)
    return [None if edge.group is None else pre_zeros(edge, w) for edge, w in zip(graph.edges, ws)]


def checked(decay: float) -> float:
    """A decay per step.

    Raises:
        ValueError: outside [0, 1).
    """
    if isinstance(decay, bool) or not 0 <= decay < 1:
        raise ValueError(f"decay is {decay!r}; a decay per step lies in [0, 1)")
    return float(decay)
