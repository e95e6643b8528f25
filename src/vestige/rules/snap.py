"""SnAp-n: the influence of a parameter on the states that it reaches within n steps, and on no other."""

from functools import cache, lru_cache

import numpy as np

from .couplings import Couplings, either, join
from .kept import Choose
from .sparse import sparse
from .types import Rule


@cache
def snap(n: int = 1) -> Rule:
    """Sparse n-step approximation of real-time recurrent learning.

        M <- ((dh'/dh) M + dh'/dtheta) o P_n ;      dtheta = present + < dL/dh_0, M_0 >

    `P_n[theta, h] = 1` where theta reaches h within n steps. The graph tells: a parameter reaches the neurons (positions) that it
    drives, all their states, and from them what marked weights lead to, weight by weight: those that are zero by construction
    (masks, sparse operators) lead nowhere.

    Memory `parameters * states reached` per example: for a dense layer as `d_rtrl` at n = 1 (whose gradient
    differs: SnAp-1 keeps a neuron's own recurrent weight), all states at n = 2; much less than
    that where weights are sparse. Compute per step one pull per state, and per parameter a product of (states reached)^2.
    The window is one step. Equal to RTRL, hence BPTT, once n steps reach everything that is ever reached.

    Raises:
        ValueError: n is not an integer of at least 1.

    Source: Menick et al., "Practical real time recurrent learning with a sparse approximation to the Jacobian", 2021.
    """
    if not isinstance(n, int) or isinstance(n, bool) or n < 1:
        raise ValueError(
            f"n is {n!r}; give the number of steps, an integer of at least 1 (1: what a parameter drives itself)"
        )
    return sparse(within(n))


@cache
def within(n: int) -> Choose:
    """What is reached in at most n steps."""
    return lambda c, nodes: either(_rows(c, n), [*nodes[0], *nodes[1]])


@lru_cache(8)
def _rows(c: Couplings, n: int) -> np.ndarray:
    """`[nodes, states]`: what a node reaches in at most n steps."""
    rows = c.onward
    for _ in range(n - 1):
        more = rows | join(rows, c.onward[: c.n])
        if (more == rows).all():
            break
        rows = more
    return rows
