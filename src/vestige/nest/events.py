"""Weighted spikes that arrive at a population in one step, in every form in which people give them."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import saiunit as u

from ..neurons.integrate import Value
from ..neurons.population import Dynamics

# arrays by receptor, or one event after the other: a weight, a tuple or a mapping
Events = Mapping[str, Value] | Iterable[Any] | None


def by_sign(weight: jax.Array) -> dict[str, jax.Array]:
    """A weight at the two receptors to which NEST sorts it. It keeps its sign."""
    return {"ex": jnp.maximum(weight, 0.0), "in": jnp.minimum(weight, 0.0)}


def plain(value: Value, unit: u.Unit, what: str) -> jax.Array:
    """A value as a number in `unit`; a bare number is taken to be in it.

    Raises:
        UnitMismatchError: it has another unit.
    """
    if u.is_dimensionless(value):
        return jnp.asarray(u.Quantity(value).to_decimal(u.UNITLESS), float)
    if not u.have_same_dim(value, 1.0 * unit):
        raise u.UnitMismatchError(f"{what} has the unit {u.get_unit(value)}; {unit} is needed")
    # times 1.0: a state of whole numbers would not stay one
    return 1.0 * jnp.asarray(u.Quantity(value).to_decimal(unit))


def fitting(value: jax.Array, shape: tuple[int, ...], what: str) -> jax.Array:
    """An array that broadcasts to `shape`.

    Raises:
        ValueError: it does not.
    """
    try:
        fits = jnp.broadcast_shapes(jnp.shape(value), shape) == shape
    except ValueError:
        fits = False
    if not fits:
        raise ValueError(f"{what} has the shape {jnp.shape(value)}; it needs {shape}")
    return value


def waiting(population: Dynamics) -> Iterator[tuple[str | None, Value]]:
    """Label and value of the deltas left for this step; arrays are used up, callables stay."""
    for key in list(population.delta_inputs):
        label = key.split(" // ", 1)[0] if " // " in key else None
        value = population.delta_inputs[key]
        yield label, value() if callable(value) else population.delta_inputs.pop(key)
