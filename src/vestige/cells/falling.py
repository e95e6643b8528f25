"""Currents that grow of themselves: how much of what holds the voltage over a step they may take away."""

from collections.abc import Callable

import jax
import jax.numpy as jnp

Answer = Callable[[jax.Array, jax.Array], jax.Array]

LEAST = 0.1  # of what holds the voltage, that they leave


def curved(flow: Callable[[jax.Array], tuple[jax.Array, jax.Array]], v: jax.Array) -> bool:
    """Whether the slope, second of what flows, changes with the voltage, as its program is written; a line's does not."""
    program = jax.make_jaxpr(flow)(v).jaxpr
    seen = {id(a) for a in program.invars}
    for eqn in program.eqns:
        if eqn.primitive.name != "is_finite" and any(id(a) in seen for a in eqn.invars):
            seen.update(map(id, eqn.outvars))
    return id(program.outvars[1]) in seen


def held(
    hold: jax.Array, area: jax.Array, slopes: jax.Array,
    answer: Answer | None = None,
) -> jax.Array:  # fmt: skip
    """What holds the voltage of each compartment over one step, uS `[C, ...]`.

        c + up - s down      c = hold area,  up and down the rising and falling parts of the slopes
        s = min(1, (1 - LEAST) / max y)      where a tree that is held by c + up answers to the current `down` with y

    With B the matrix of that tree, `B^-1 diag(down)` has no row sum above max y, so `B - s diag(down)` answers to no
    positive current with a negative voltage: no step turns the voltage round. A small compartment leans on those around
    it, and `s` is 1 unless they would go along. Any `s` is consistent to first order.

    Args:
        hold: capacitance per time, uS/um2, a number or `[C, ...]`. area: um2, `[C, 1...]`.
        slopes: of all currents, uS, `[C, ...]`.
        answer: `(held, current) -> voltage`, the tree's; without it each compartment keeps `LEAST` of its own `c`.
    """
    # per area, and the area last: one capacitance for all then is one value to trace, not one a compartment
    holding = lambda slopes, least: hold * jnp.maximum(1.0 + slopes / area / hold, least) * area
    alone, most = holding(slopes, LEAST), 1.0 - LEAST
    if answer is None:
        return alone

    def together() -> jax.Array:
        up, down = jnp.maximum(slopes, 0.0), jnp.maximum(-slopes, 0.0)
        y = answer(holding(up, LEAST), down).max(0)
        return holding(up - most / jnp.maximum(y, most) * down, -jnp.inf)

    # where each has enough of its own left, max y is below 1 - LEAST, and the tree need not be asked
    return jax.lax.cond((slopes < -most * hold * area).any(), together, lambda: alone)
