"""What a population refuses when it is made: other units, numbers that no membrane has, sizes of no population."""

from collections.abc import Callable
from typing import Any, NamedTuple

import brainstate
import jax
import numpy as np
import saiunit as u

from .integrate import Param, read


class Bound(NamedTuple):
    """Which numbers a parameter may have, and how that is said."""

    words: str
    holds: Callable[[np.ndarray], np.ndarray]


ABOVE_ZERO = Bound("finite and above zero", lambda a: (a > 0) & np.isfinite(a))
NOT_NEGATIVE = Bound("finite and not negative", lambda a: (a >= 0) & np.isfinite(a))
LASTING = Bound("above zero", lambda a: a > 0)  # a time constant; without end is one, too


def check(who: str, what: str, value: Param | Any, unit: u.Unit | None = None, bound: Bound | None = None) -> None:
    """A parameter has the unit, is a number and within bounds; functions that give one later pass.

    Raises:
        UnitMismatchError: another unit. ValueError: NaN, or outside the bound.
    """
    if callable(value) and not isinstance(value, (brainstate.State, brainstate.nn.Param)):
        return
    held = read(value)
    if unit is not None and not u.have_same_dim(held, unit):
        raise u.UnitMismatchError(f"{who}: {what} has the unit {u.get_unit(held)}; one like {unit} is needed")
    number = u.get_mantissa(held)
    if isinstance(number, jax.core.Tracer):
        return
    number = np.asarray(number)
    if np.isnan(number).any():
        raise ValueError(f"{who}: {what} is not a number (NaN) in {np.isnan(number).sum()} of {number.size} places")
    if bound is not None and not bound.holds(number).all():
        raise ValueError(f"{who}: {what} must be {bound.words}, is {held}")


def check_below(who: str, low: str, least: Param, high: str, most: Param) -> None:
    """One parameter is below another.

    Raises:
        UnitMismatchError: they have not one unit. ValueError: it is not below.
    """
    least, most = read(least), read(most)
    check(who, low, least, u.get_unit(most))
    if any(isinstance(u.get_mantissa(a), jax.core.Tracer) for a in (least, most)):
        return
    if not np.all(least < most):
        raise ValueError(f"{who}: {low} is {least}; it must be below {high} = {most}")


def population(size: Any, what: str = "pop_size") -> tuple[int, ...]:
    """The shape of a population.

    Raises:
        ValueError: a size is no whole number from 1 on.
    """
    sizes = tuple(size) if isinstance(size, (tuple, list)) else (size,)
    if not all(isinstance(n, (int, np.integer)) and not isinstance(n, bool) and n >= 1 for n in sizes):
        raise ValueError(f"{what} is {size!r}; it counts cells, so a whole number from 1 on, or a tuple of these")
    return tuple(map(int, sizes))
