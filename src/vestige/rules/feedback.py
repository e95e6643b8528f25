"""Weights by which credit comes back, in place of those by which activity went forward."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp

from ..graph import Graph, Route, fan_in, fits, reader_weights


def _nothing(graph: Graph, params: Any) -> dict[str, jax.Array]:
    return {}


@dataclass(frozen=True)
class Feedback:
    """`names`: the readers that have weights of their own (`True`: all); `start(graph, params)`: these at the beginning.
    `beside`: what is kept is their difference from the weights forward."""

    names: bool | tuple[str, ...] = False
    beside: bool = False
    start: Callable[[Graph, Any], dict[str, jax.Array]] = _nothing

    def route(self, kappa: bool | float, counts: bool = False) -> Route | None:
        """None where nothing differs from the way forward."""
        if kappa is False and not self.names and not counts:
            return None
        return Route(kappa, own=self.names, beside=self.beside, counts=counts)


def random_feedback(seed: int, adapt: float | None = None) -> Feedback:
    """Fixed random weights for every reader: normal, with variance one over the reader's inputs."""

    def start(graph: Graph, params: Any) -> dict[str, jax.Array]:
        ws = reader_weights(graph, params)
        keys = jax.random.split(jax.random.key(seed), max(len(ws), 1))
        fans = fan_in(graph)
        draw = lambda key, w, n: jax.random.normal(key, w.shape, w.dtype) / n**0.5
        back = {name: draw(key, w, fans[name]) for key, (name, w) in zip(keys, ws.items())}
        return back if adapt is None else {name: b - ws[name] for name, b in back.items()}

    return Feedback(True, adapt is not None, start)


def given(back: Mapping[str, Any], adapt: float | None = None) -> Feedback:
    """These weights for these readers."""
    fixed = {name: jnp.asarray(b) for name, b in back.items()}

    def start(graph: Graph, params: Any) -> dict[str, jax.Array]:
        ws = reader_weights(graph, params)
        fits(fixed, ws)
        like = {name: b.astype(ws[name].dtype) for name, b in fixed.items()}
        return like if adapt is None else {name: b - ws[name] for name, b in like.items()}

    return Feedback(tuple(fixed), adapt is not None, start)


def shrinking(by: float) -> Callable[[dict[str, jax.Array]], dict[str, jax.Array]]:
    """After each call, the difference from the weights forward is smaller by this part."""
    return lambda apart: {name: (1 - by) * d for name, d in apart.items()}
