"""OSTL with recurrent coupling: full RTRL inside each population, nothing from population to population through time."""

from functools import cache, lru_cache

import numpy as np

from .couplings import Couplings, either, join
from .kept import Nodes
from .sparse import sparse
from .types import Rule


@cache
def coupled() -> Rule:
    """Online spatio-temporal learning with the recurrent weights of each population in its own dynamics.

        M_l <- (dh_l'/dh_l) M_l + dh_l'/dtheta_l ;      dtheta_l = present + < dL_t/dh_l, M_l >

    for the states h_l of the population that theta_l drives, its marked recurrent weights included. What a population did to
    another before this step is forgotten, also where the other remembers: a leaky readout is a population.

    Memory `parameters * states of their population` per example; compute per step one pull per state, and per parameter a
    product of (states of the population)^2. The window is one step. Equal to BPTT for one recurrent population whose readers
    have no memory.

    Source: Bohnstingl et al., "Online spatio-temporal learning in deep neural networks", 2022.
    """
    return sparse(own_population)


def own_population(c: Couplings, nodes: Nodes) -> np.ndarray:
    """The populations that an element drives; of one that drives none, those to which marks lead it first."""
    at_once, by_marks = (either(_rows(c), some) for some in nodes)
    return at_once if at_once.any() else by_marks


@lru_cache(8)
def _rows(c: Couplings) -> np.ndarray:
    """`[nodes, states]`: the same for a node."""
    alike = c.population[:, None] == c.population[None]
    rows = join(c.inside, alike)
    # marks in their order lead from earlier ones to later ones
    for node in range(len(rows) - 1, c.n - 1, -1):
        if not rows[node].any():
            rows[node] = rows[c.crossed[node]].any(0)
    return rows
