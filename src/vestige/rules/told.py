"""Signals that come from elsewhere than the loss: random projections of what readers read, and of what is wanted."""

from typing import Any

import jax
import jax.numpy as jnp

from ..graph import Graph, GraphError, Route, routed


def parts(graph: Graph, kappa: bool | float = False) -> dict[str, jax.ShapeDtypeStruct]:
    """What readers read, by name: shape of one example."""
    return routed(graph, Route(kappa, told=True)).shown


def output_of(graph: Graph, rule: str) -> jax.ShapeDtypeStruct:
    """The one array that the step gives.

    Raises:
        GraphError: it gives several, or none.
    """
    outs = graph.program.outs[graph.n_state :]
    if len(outs) != 1:
        raise GraphError(f"{rule} compares one output with its target, and this step gives {len(outs)}: give it one")
    return jax.ShapeDtypeStruct(outs[0].shape, outs[0].dtype)  # type: ignore[union-attr]


def projections(seed: int, shapes: dict[str, tuple[int, int]]) -> dict[str, jax.Array]:
    """Fixed random matrices `[from, to]` by name: normal, with variance one over the first size."""
    keys = jax.random.split(jax.random.key(seed), max(len(shapes), 1))
    return {name: jax.random.normal(k, s) / max(s[0], 1) ** 0.5 for k, (name, s) in zip(keys, shapes.items())}


def rows(value: Any, size: int) -> jax.Array:
    """One row an example: `[..., size elements]` as `[examples, size]`."""
    return jnp.reshape(value, (-1, size))
