"""One time step of a differential equation, and the parameters in it."""

from collections.abc import Callable

import brainstate
import jax
import jax.numpy as jnp
import numpy as np
import saiunit as u

Value = jax.Array | np.ndarray | u.Quantity | float
Param = Value | brainstate.State | brainstate.nn.Param


def param(value: Param | Callable[[tuple[int, ...]], Value], shape: tuple[int, ...]) -> Param:
    """A neuron's parameter: a number or `[*shape]`; a state or `brainstate.nn.Param` stays itself and is trained.

    Raises:
        ValueError: an array does not broadcast to the population.
    """
    if isinstance(value, (brainstate.State, brainstate.nn.Param)):
        return value
    value = value(shape) if callable(value) else value
    if not _fits(u.math.shape(value), tuple(shape)):
        raise ValueError(f"a parameter of shape {u.math.shape(value)} does not fit the population {tuple(shape)}")
    return value


def _fits(shape: tuple[int, ...], into: tuple[int, ...]) -> bool:
    try:
        return np.broadcast_shapes(shape, into) == into
    except ValueError:
        return False


def read(value: Param) -> Value:
    """What a parameter is in this step."""
    if isinstance(value, brainstate.State):
        return value.value
    return value.value() if isinstance(value, brainstate.nn.Param) else value


def time_step() -> Value:
    """`dt` of the environment.

    Raises:
        KeyError: none is set. ValueError: it is not above 0.
    """
    dt = brainstate.environ.get("dt", None)
    if dt is None:
        raise KeyError(
            "no time step: run inside `brainstate.environ.context(dt=1. * u.ms)`, or set it with environ.set"
        )
    number = u.get_mantissa(dt)
    if not isinstance(number, jax.core.Tracer) and not number > 0:
        raise ValueError(f"the time step dt is {dt}; time goes forward: give one above 0, such as 1. * u.ms")
    return dt


def plain(ratio: Value, what: str) -> jax.Array:
    """A ratio without unit, as an array."""
    if not u.is_dimensionless(ratio):
        raise u.UnitMismatchError(
            f"{what} should have no unit, has {u.get_unit(ratio)}; do dt and tau both have one of time?"
        )
    return jnp.asarray(u.Quantity(ratio).to_decimal(u.UNITLESS))


def decay(tau: Param) -> jax.Array:
    """`exp(-dt / tau)`."""
    return jnp.exp(-plain(time_step() / read(tau), "dt / tau"))


def exp_euler(drift: Callable[[Value], Value], x: Value) -> Value:
    """The exponential Euler step of `dx/dt = drift(x)`, each element by its own slope; exact where drift is linear.

        x + dt phi(dt J) drift(x),   J = d drift / d x,   phi(z) = (exp(z) - 1) / z

    Args:
        drift: element by element; its unit is that of `x` per time.
        x: `[...]`.

    Raises:
        UnitMismatchError: the drift has another unit, or dt none.
    """
    dt = time_step()
    ones = u.math.ones_like(x)
    f, slope = jax.jvp(drift, (x,), (ones,))
    if not u.have_same_dim(f * dt, x):
        raise u.UnitMismatchError(f"the drift times dt has the unit {u.get_unit(f * dt)}, the state {u.get_unit(x)}")
    z = plain(dt * slope / ones, "dt times the drift's slope")
    # the quotient is replaced where it would be 0 / 0, before it is formed, so that no gradient sees it
    small = jnp.abs(z) < 1e-5
    safe = jnp.where(small, 1.0, z)
    return x + dt * f * jnp.where(small, 1.0 + 0.5 * z, jnp.expm1(safe) / safe)


def linexp(x: jax.Array) -> jax.Array:
    """`x / (1 - exp(-x))`, by its series near zero."""
    small = jnp.abs(x) < 1e-4
    # replaced before the division, so that no gradient sees 0 / 0
    far = jnp.where(small, 1.0, x)
    return jnp.where(small, 1.0 + x / 2 + x**2 / 12, -far / jnp.expm1(-far))
