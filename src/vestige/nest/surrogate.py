"""The made-up slopes of NEST's e-prop neurons, by the distance of the voltage from its threshold."""

from dataclasses import dataclass

import jax
import jax.numpy as jnp

from ..neurons.surrogate import Surrogate


@dataclass(frozen=True)
class Scaled(Surrogate):
    """A bump of `height` (per mV) and `width` (mV) over `V - V_th` (mV)."""

    height: float
    width: float


@dataclass(frozen=True)
class PiecewiseLinear(Scaled):
    """`height max(0, 1 - |x| / width)`."""

    def slope(self, x: jax.Array) -> jax.Array:
        return self.height * jnp.maximum(0.0, 1.0 - jnp.abs(x) / self.width)


@dataclass(frozen=True)
class Exponential(Scaled):
    """`height exp(-|x| / width)`."""

    def slope(self, x: jax.Array) -> jax.Array:
        return self.height * jnp.exp(-jnp.abs(x) / self.width)


@dataclass(frozen=True)
class FastSigmoid(Scaled):
    """`height / (1 + |x| / width)^2`."""

    def slope(self, x: jax.Array) -> jax.Array:
        return self.height / (1.0 + jnp.abs(x) / self.width) ** 2


@dataclass(frozen=True)
class Arctan(Scaled):
    """`height / (1 + (x / width)^2)`."""

    def slope(self, x: jax.Array) -> jax.Array:
        return self.height / (1.0 + (x / self.width) ** 2)


SLOPES = {
    "piecewise_linear": PiecewiseLinear,
    "exponential": Exponential,
    "fast_sigmoid_derivative": FastSigmoid,
    "arctan_derivative": Arctan,
}
