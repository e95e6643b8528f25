"""How an NMDA synapse opens and closes in one step, and how a sum of synapses is handed from those that keep them to neurons.

A course is an array `[4, ...]` for one step: the gating variable at its beginning, its slope there times dt, and both
at its end. It is linear in the gating variables, so that a weighted sum of courses is the course of the weighted sum.
"""

import jax
import jax.numpy as jnp

from . import solve
from .neuron import Numbers


def opening(p: Numbers, x: jax.Array, s: jax.Array) -> jax.Array:
    """`ds/dt = -s / tau_decay + alpha x (1 - s)`."""
    return p.alpha * x * (1.0 - s) - (1.0 / p.tau_decay_NMDA) * s


def gate(p: Numbers, x: jax.Array, s: jax.Array) -> tuple[jax.Array, jax.Array, list[jax.Array]]:
    """`x` and `s` after one step, and the course of `s`.

    Args:
        p: tau_rise_NMDA, tau_decay_NMDA, alpha and dt in ms; broadcast against `x`.
        x: rise variable `[...]`. s: gating variable `[...]`.
    """

    # x falls alike everywhere, so what is left of it is followed once, with the solver's own error
    def field(y):
        return {"left": -y["left"] / p.tau_rise_NMDA, "s": opening(p, y["left"] * x, y["s"])}

    y = solve.rkf45(field, {"left": jnp.ones_like(p.tau_rise_NMDA), "s": s}, p.dt)
    x_end, s_end = y["left"] * x, y["s"]
    return x_end, s_end, [s, p.dt * opening(p, x, s), s_end, p.dt * opening(p, x_end, s_end)]


def within(course: jax.Array, c: jax.Array) -> jax.Array:
    """The value at the fraction `c` of the step: the cubic through both ends (Hermite); exact to `dt^4 s'''' / 384`."""
    first, rise, last, fall = course
    gap = last - first
    return first + c * (rise + c * (3.0 * gap - 2.0 * rise - fall + c * (rise + fall - 2.0 * gap)))
