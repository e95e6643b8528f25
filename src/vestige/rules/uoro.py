"""UORO: the influence of all parameters as one outer product, right on average."""

from functools import cache
from typing import Any

import jax
import jax.numpy as jnp

from ..graph import Graph
from .influence import ahead, back, empty, keys, owed, trained
from .types import Obs, Rule, Signal, Update, present


@cache
def uoro(seed: int = 0) -> Rule:
    """Unbiased online recurrent optimisation: a row s over the states, a row q over the parameters, `E[s q^T] = dh/dtheta`.

        s <- rho0 (dh'/dh) s + rho1 nu ;      q <- q / rho0 + (nu^T dh'/dtheta) / rho1 ;      nu = +-1, drawn anew each step
        dtheta = present + < dL/dh_0, s_0 > q_0
        rho0^2 = |q| / |(dh'/dh) s| ,   rho1^2 = |nu^T dh'/dtheta| / |nu|

    The mean over draws is BPTT's gradient for every window; a longer window leaves less of it to chance. One draw is noise of
    about `sqrt(states)` times its size: average over a batch, or use small learning rates. Where `(dh'/dh) s` or
    `nu^T dh'/dtheta` is zero, so is the product that it stands in, and that product is left out.

    Memory `states + parameters` per example; compute per step one forward tangent and one pull. Any step, any operator;
    needs no positions. Exact at T = 1 and in one window over the whole sequence.

    Source: Tallec & Ollivier, "Unbiased online recurrent optimization", 2017.
    """

    def init(graph: Graph, static: list[Any]) -> tuple[jax.Array, list[jax.Array]]:
        return empty(graph), [jnp.zeros(v.shape, v.dtype) for v in trained(graph, static)]

    def update(graph: Graph, trace: Any, obs: Obs, signal: Signal) -> Update:
        static, states, xs = obs.at

        def step(trace: Any, now: Any) -> Any:
            key, state, x = now
            s, q = trace
            nu = jax.random.rademacher(key, s.shape, s.dtype)
            late, (_, g, _) = ahead(graph, static, state, x, s), back(graph, static, state, x)(nu)
            (a, b), (c, d) = balance(size(late), size(*q)), balance(size(nu), size(*g))
            return (a * late + c * nu, [(b * o + d * n).astype(o.dtype) for o, n in zip(q, g)]), None

        s, q = trace
        past = owed(graph, signal) @ s
        trace, _ = jax.lax.scan(step, trace, (keys(obs), states, xs))
        return Update(trace, present(obs, signal), [None] * len(graph.edges), [(past * v).astype(v.dtype) for v in q])

    return Rule(init, update, "full", seed=seed)


def size(*arrays: jax.Array) -> jax.Array:
    """Euclidean, over all."""
    return jnp.sqrt(sum((jnp.vdot(a, a) for a in arrays), 0.0))


def balance(a: jax.Array, b: jax.Array) -> tuple[jax.Array, jax.Array]:
    """`rho, 1 / rho` that give two factors of sizes a and b the same size; both zero where their product is."""
    some = (a > 0) & (b > 0)
    rho = jnp.sqrt(jnp.where(some, b, 1) / jnp.where(some, a, 1))
    return jnp.where(some, rho, 0), jnp.where(some, 1 / rho, 0)
