"""Runge-Kutta steps with a fixed number of stages: they compile, batch and differentiate both ways."""

import math
from collections.abc import Callable
from typing import TypeVar

import jax

Y = TypeVar("Y")
Field = Callable[[Y], Y]


def _add(y: Y, *terms: tuple[float, Y]) -> Y:
    """`y + sum_i c_i k_i` over trees, the terms from left to right."""
    total = lambda v, *ks: sum((c * k for (c, _), k in zip(terms, ks)), 0.0) + v
    return jax.tree.map(total, y, *(k for _, k in terms))


def rk4(field: Field, y: Y, dt: float) -> Y:
    """One classical step of `dy/dt = field(y)` (Kutta 1901)."""
    a = field(y)
    b = field(_add(y, (dt / 2, a)))
    c = field(_add(y, (dt / 2, b)))
    d = field(_add(y, (dt, c)))
    return _add(y, (dt / 6, a), (dt / 3, b), (dt / 3, c), (dt / 6, d))


def rkf45(field: Field, y: Y, dt: float) -> Y:
    """One fifth-order step of `dy/dt = field(y)` (Fehlberg 1969), the pair that NEST's solver takes."""
    a = field(y)
    b = field(_add(y, (dt / 4, a)))
    c = field(_add(y, (dt * 3 / 32, a), (dt * 9 / 32, b)))
    d = field(_add(y, (dt * 1932 / 2197, a), (dt * -7200 / 2197, b), (dt * 7296 / 2197, c)))
    e = field(_add(y, (dt * 439 / 216, a), (dt * -8.0, b), (dt * 3680 / 513, c), (dt * -845 / 4104, d)))
    f = field(
        _add(y, (dt * -8 / 27, a), (dt * 2.0, b), (dt * -3544 / 2565, c), (dt * 1859 / 4104, d), (dt * -11 / 40, e))
    )
    last = (dt * 16 / 135, a), (dt * 6656 / 12825, c), (dt * 28561 / 56430, d), (dt * -9 / 50, e), (dt * 2 / 55, f)
    return _add(y, *last)


def repeat(step: Callable[[Y], Y], y: Y, n: int) -> Y:
    """`n` steps, one after the other."""
    return y if n == 0 else step(y) if n == 1 else jax.lax.scan(lambda y, _: (step(y), None), y, None, length=n)[0]


def pieces(dt: float, longest: float) -> int:
    """Into how many equal steps `dt` falls of which none is longer than `longest`."""
    # a little less, for quotients such as 0.3 / 0.1 above 3
    return max(1, math.ceil(dt / longest - 1e-9))
