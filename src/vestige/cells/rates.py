"""Shapes that the rates of gates are made of, and how they grow with temperature."""

import jax
import jax.numpy as jnp

from ..neurons.integrate import linexp

__all__ = ["linexp", "relaxed", "settling", "warmed"]


def settling(opening: jax.Array, closing: jax.Array, q: jax.Array | float = 1.0) -> tuple[jax.Array, jax.Array]:
    """Limit and time constant (ms) of a gate that opens and closes at these rates per ms, `q` times faster."""
    return opening / (opening + closing), 1.0 / (q * (opening + closing))


def warmed(q10: float, celsius: float, measured: float) -> float:
    """How many times faster than at the temperature at which it was measured."""
    return q10 ** ((celsius - measured) / 10.0)


def relaxed(x: jax.Array, limit: jax.Array | float, tau: jax.Array, dt: float) -> jax.Array:
    """What `dx/dt = (limit - x) / tau` makes of x in one step, exactly.

    By its change, which keeps its digits where it is small: in single precision exp(-dt / tau) of a slow gate does not.
    """
    return x - (limit - x) * jnp.expm1(-dt / tau)
