"""Truncated backpropagation through time: no trace at all."""

from functools import cache
from typing import Any

from ..graph import Graph
from .types import Obs, Rule, Signal, Update, present


@cache
def tbptt() -> Rule:
    """Exact inside a window, nothing before it. One window over the whole sequence is BPTT.

    Memory grows with the window. Source: Williams & Peng, "An efficient gradient-based algorithm for on-line training of
    recurrent network trajectories", 1990.
    """

    def update(graph: Graph, trace: Any, obs: Obs, signal: Signal) -> Update:
        return Update(None, present(obs, signal), [None] * len(graph.edges))

    return Rule(lambda graph, static: None, update, "full")
