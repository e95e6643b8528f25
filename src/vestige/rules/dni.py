"""DNI: what the future will want is guessed from the state, and the guess is learned."""

from functools import cache
from typing import Any

import jax
import jax.numpy as jnp

from .._compat import is_float
from ..graph import Graph
from .types import Obs, Rule, Signal, Update, present


@cache
def dni(learning_rate: float = 0.1) -> Rule:
    """Decoupled neural interfaces: truncated backpropagation with a synthetic gradient beyond the window.

        c(h) = A h + b ;     dtheta = d/dtheta [ sum of the window's losses + < c(h_K), h_K > ]
        A, b learn that c(h_0) be dL/dh_0 of the same sum: a bootstrap, as values are learned from values

    Memory grows with the window, plus `states^2` for A, shared by all examples and kept across sequences. No trace. Before
    anything is learned (A = 0) it is `tbptt()`; exact in the limit of a synthesiser that is right.

    Args:
        learning_rate: of A and b, by normalised least mean squares, so in (0, 2).

    Raises:
        ValueError: a learning rate outside (0, 2).

    Source: Jaderberg et al., "Decoupled neural interfaces using synthetic gradients", 2017.
    """
    if not 0 < learning_rate < 2:
        raise ValueError(f"learning_rate is {learning_rate!r}; normalised least mean squares is stable in (0, 2)")

    def start(graph: Graph, params: Any) -> dict[str, jax.Array]:
        n = sum(h.size for h in graph.h_in if is_float(h))
        return {"A": jnp.zeros((n, n)), "b": jnp.zeros(n)}

    def ahead(graph: Graph, memory: dict[str, jax.Array], leaves: list[Any]) -> list[Any]:
        guess = memory["A"] @ _flat(leaves) + memory["b"]
        out, at = [], 0
        for h in leaves:
            size = h.size if is_float(h) else 0
            out.append(guess[at : at + size].reshape(h.shape).astype(h.dtype) if is_float(h) else None)
            at += size
        return out

    def update(graph: Graph, trace: None, obs: Obs, signal: Signal) -> Update:
        h = _flat([a[0] for a in obs.at[1]])
        wanted = _flat([d[0] for d in signal.leaves if d is not None])
        off = wanted - obs.lasting["A"] @ h - obs.lasting["b"]
        step = learning_rate * off / (1 + h @ h)
        change = {"A": jnp.outer(step, h), "b": step}
        return Update(None, present(obs, signal), [None] * len(graph.edges), lasting=change)

    return Rule(lambda graph, static: None, update, "full", lasting=start, ahead=ahead)


def _flat(leaves: list[Any]) -> jax.Array:
    """The float leaves as one vector."""
    return jnp.concatenate([jnp.ravel(a) for a in leaves if is_float(a)])
