"""No memory: each step's own gradient."""

from functools import cache

from ..graph import Graph
from .types import Obs, Rule, Signal, Update, present


@cache
def immediate() -> Rule:
    """The gradient of each step's loss with the state that entered it held constant: `dW = sum_t x_t dL_t/dy_t`.

    No trace, no memory. Exact for a network without memory. With an optimiser that normalises (RMSprop, Adam) a strong
    baseline, which every comparison of online rules should carry.

    Source: Marschall, Cho & Savin, "A unified framework of online learning algorithms", 2020 (the immediate term alone).
    """

    def update(graph: Graph, trace: None, obs: Obs, signal: Signal) -> Update:
        return Update(None, present(obs, signal), [None] * len(graph.edges))

    return Rule(lambda graph, static: None, update, "instant", stepwise=True)
