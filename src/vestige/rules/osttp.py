"""OSTTP: layers learn from the target itself, projected at random."""

from functools import lru_cache
from typing import Any

import jax
import jax.numpy as jnp

from ..graph import Graph, Route
from .ostl import ostl
from .told import output_of, parts, projections, rows
from .types import Rule, Teaching, Told


@lru_cache(typed=True)
def osttp(seed: int = 0) -> Rule:
    """Online spatio-temporal learning with target projection.

        eps <- D eps + f x^T ;      dW_l = sum_t (B_l y*_t) eps_t ;      the readout: sum_t (dL_t/dy_t) eps_t

    No error travels back: each population that a marked weight reads is taught by a fixed random projection of the
    step's target, at once, without waiting for the output. Whole-number targets are taken as classes, one-hot. The
    readout learns from the loss. Not a gradient: no exactness is claimed. Memory as `ostl`, plus `targets * neurons`.

    Source: Ortner, Pes, Gentinetta, Frenkel & Pantazi, "Online spatio-temporal learning with target projection", 2023.
    """

    def start(graph: Graph, params: Any) -> dict[str, jax.Array]:
        n = max(output_of(graph, "OSTTP").size, 1)
        return projections(seed, {name: (n, x.size) for name, x in parts(graph).items()})

    def wanted(back: dict[str, jax.Array], told: Told) -> jax.Array:
        total = jnp.zeros(())
        for name, read in told.shown.read.items():
            n, size = back[name].shape
            goal = rows(_goal(told, n), n) @ back[name]
            total += jnp.vdot(jax.lax.stop_gradient(goal).astype(read.dtype), rows(read, size)) / told.examples
        return total

    return ostl()._replace(route=Route(told=True), teach=Teaching(step=wanted), lasting=start)


def _goal(told: Told, n: int) -> jax.Array:
    """The target as numbers like the output's."""
    goal = jnp.asarray(jax.tree.leaves(told.target)[0]) if jax.tree.leaves(told.target) else jnp.zeros(())
    if goal.size == told.examples and n > 1 and jnp.issubdtype(goal.dtype, jnp.integer):
        return jax.nn.one_hot(goal, n)
    if goal.size != n * told.examples:
        raise ValueError(
            f"OSTTP projects the target, of shape {goal.shape}, as it would the output of {n} numbers an example: give a target "
            "of the output's shape, or whole numbers that name classes"
        )
    return goal.astype(float)
