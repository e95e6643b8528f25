"""What a cell refuses when it is made: other units, numbers that no membrane has, sizes of no population."""

from typing import Any

import brainstate
import jax
import numpy as np
import saiunit as u

from ..neurons.integrate import Param, read


def check(who: str, what: str, value: Param | Any, unit: u.Unit, above_zero: bool = False) -> None:
    """A parameter has the unit and is a number; functions that give one later pass.

    Raises:
        UnitMismatchError: another unit. ValueError: NaN, or with `above_zero` what is not above zero and finite.
    """
    if callable(value) and not isinstance(value, (brainstate.State, brainstate.nn.Param)):
        return
    held = read(value)
    if not u.have_same_dim(held, unit):
        raise u.UnitMismatchError(f"{who}: {what} has the unit {u.get_unit(held)}; one like {unit} is needed")
    number = u.get_mantissa(held)
    if isinstance(number, jax.core.Tracer):
        return
    number = np.asarray(number)
    if np.isnan(number).any():
        raise ValueError(f"{who}: {what} is not a number (NaN) in {np.isnan(number).sum()} of {number.size} places")
    if above_zero and not ((number > 0) & np.isfinite(number)).all():
        raise ValueError(f"{who}: {what} must be finite and above zero, is {held}")


def population(pop_size: Any) -> tuple[int, ...]:
    """The shape of a population.

    Raises:
        ValueError: a size is no whole number from 1 on.
    """
    sizes = tuple(pop_size) if isinstance(pop_size, (tuple, list)) else (pop_size,)
    if not all(isinstance(n, (int, np.integer)) and not isinstance(n, bool) and n >= 1 for n in sizes):
        raise ValueError(f"pop_size is {pop_size!r}; it counts cells, so a whole number from 1 on, or a tuple of these")
    return tuple(map(int, sizes))
