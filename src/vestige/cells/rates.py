"""Shapes that the rates of gates are made of."""

import jax

from ..neurons.integrate import linexp

__all__ = ["linexp", "settling"]


def settling(opening: jax.Array, closing: jax.Array, q: jax.Array | float = 1.0) -> tuple[jax.Array, jax.Array]:
    """Limit and time constant (ms) of a gate that opens and closes at these rates per ms, `q` times faster."""
    return opening / (opening + closing), 1.0 / (q * (opening + closing))
