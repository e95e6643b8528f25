"""Shapes that the rates of gates are made of, and how they grow with temperature."""

import jax

from ..neurons.integrate import linexp

__all__ = ["linexp", "settling", "warmed"]


def settling(opening: jax.Array, closing: jax.Array, q: jax.Array | float = 1.0) -> tuple[jax.Array, jax.Array]:
    """Limit and time constant (ms) of a gate that opens and closes at these rates per ms, `q` times faster."""
    return opening / (opening + closing), 1.0 / (q * (opening + closing))


def warmed(q10: float, celsius: float, measured: float) -> float:
    """How many times faster than at the temperature at which it was measured."""
    return q10 ** ((celsius - measured) / 10.0)
