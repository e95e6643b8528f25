"""OSTL: spatial credit of the new state times its temporal eligibility."""

from functools import cache
from typing import Any

import jax
import jax.numpy as jnp

from ..graph import Graph, jacobians
from .block import times
from .d_rtrl import init as full_traces
from .instant import formed_only, instant
from .ostl_recurrent import coupled
from .types import Obs, Rule, Signal, Update


@cache
def ostl(recurrent: bool = False) -> Rule:
    """Online spatio-temporal learning.

        eps <- (dh'/dh) eps + dh'/dtheta ;      dtheta = sum_t < L_t, eps_t >,   L_t = dE_t/dh_t

    `L_t` is the credit of this step's loss for the new state, through space alone: through the layers above at the same step.

    recurrent: `True`: dh'/dh is that of the whole population, recurrent weights and all: memory `states * parameters` of
        each population. It equals BPTT for one recurrent layer whose loss reads the layer at the same step. `False`
        (OSTL without H): each neuron's own dynamics, memory as `d_rtrl`. The trace is then that of D-RTRL; what differs is
        the signal, which is that of the new state: what the output reads around it (a spike taken before the reset that is
        stored) is credited for its own step alone.

    Source: Bohnstingl et al., "Online spatio-temporal learning in deep neural networks", 2022.
    """
    if recurrent:
        return coupled()

    def init(graph: Graph, static: list[Any]) -> list[Any]:
        formed_only(graph, "OSTL")
        return full_traces(graph, static)

    return Rule(init, by_new_state, "instant", "state")


def by_new_state(graph: Graph, trace: Any, obs: Obs, signal: Signal) -> Update:
    """Traces met by `dE_t/dh_t`, which reaches the state before through the population's own `D_t`."""
    back = lambda D, L: jax.vmap(times)(jnp.swapaxes(D, 1, 2), L)
    obs = obs._replace(trans=jacobians(graph, obs.trans))
    entry = [back(D, L) for D, L in zip(obs.trans, signal.state)]
    return instant(graph, trace, obs, signal._replace(entry=entry))
