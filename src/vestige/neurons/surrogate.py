"""Spikes with a made-up slope: a step forwards, a bump in forward and reverse mode alike."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import jax
import jax.numpy as jnp
import saiunit as u

Spike = Callable[[jax.Array], jax.Array]


@partial(jax.custom_jvp, nondiff_argnums=(0,))
def spike(slope: Callable[[jax.Array], jax.Array], x: jax.Array) -> jax.Array:
    """`1` where `x >= 0`, else `0`, in the dtype of `x`; its derivative is `slope(x)`."""
    return (x >= 0).astype(x.dtype)


@spike.defjvp
def _spike_jvp(slope, primals, tangents):
    return spike(slope, primals[0]), slope(primals[0]) * tangents[0]


@dataclass(frozen=True)
class Surrogate:
    """A spike function of the scaled voltage, `(V - V_th) / (V_th - V_reset)`.

    A subclass is a few numbers and its `slope`, an even function of `x` with its peak at zero.

    Raises:
        UnitMismatchError: the voltage still has a unit.
    """

    def __call__(self, v_scaled: jax.Array) -> jax.Array:
        """`[...]` to spikes `[...]` of 0 and 1."""
        x = jnp.asarray(u.Quantity(v_scaled).to_decimal(u.UNITLESS))
        # the bound method compares by value, so equal surrogates share one compiled program
        return spike(self.slope, x if jnp.issubdtype(x.dtype, jnp.inexact) else x.astype(float))

    def slope(self, x: jax.Array) -> jax.Array:
        """The derivative in place of the step's."""
        raise NotImplementedError(f"{type(self).__name__}: a surrogate says what its slope is")


@dataclass(frozen=True)
class ReluGrad(Surrogate):
    """A triangle, `alpha max(0, width - |x|)` (Bellec et al. 2018, https://arxiv.org/abs/1803.09574)."""

    alpha: float = 0.3
    width: float = 1.0

    def slope(self, x: jax.Array) -> jax.Array:
        return jnp.maximum(self.alpha * self.width - self.alpha * jnp.abs(x), 0.0)


relu_grad = ReluGrad()


@dataclass(frozen=True)
class Sigmoid(Surrogate):
    """The logistic function's, `alpha s (1 - s)` with `s = 1 / (1 + exp(-alpha x))`."""

    alpha: float = 4.0

    def slope(self, x: jax.Array) -> jax.Array:
        s = jax.nn.sigmoid(self.alpha * x)
        return self.alpha * s * (1.0 - s)


@dataclass(frozen=True)
class Arctan(Surrogate):
    """`(alpha / 2) / (1 + (pi alpha x / 2)^2)` (Fang et al. 2021, https://arxiv.org/abs/2007.05785)."""

    alpha: float = 1.0

    def slope(self, x: jax.Array) -> jax.Array:
        return 0.5 * self.alpha / (1.0 + (0.5 * jnp.pi * self.alpha * x) ** 2)


@dataclass(frozen=True)
class SuperSpike(Surrogate):
    """The fast sigmoid's, `1 / (1 + alpha |x|)^2` (Zenke and Ganguli 2018, https://arxiv.org/abs/1705.11146)."""

    alpha: float = 100.0

    def slope(self, x: jax.Array) -> jax.Array:
        return 1.0 / (1.0 + self.alpha * jnp.abs(x)) ** 2


@dataclass(frozen=True)
class Gaussian(Surrogate):
    """`alpha N(x; 0, sigma)` (Yin et al. 2021, https://arxiv.org/abs/2103.12593)."""

    sigma: float = 0.5
    alpha: float = 0.5

    def slope(self, x: jax.Array) -> jax.Array:
        return self.alpha * jax.scipy.stats.norm.pdf(x, scale=self.sigma)


@dataclass(frozen=True)
class MultiGaussian(Surrogate):
    """A bump with negative flanks (Yin et al. 2021, https://arxiv.org/abs/2103.12593).

    `scale ((1 + h) N(x; 0, sigma) - h N(x; sigma, s sigma) - h N(x; -sigma, s sigma))`
    """

    h: float = 0.15
    s: float = 6.0
    sigma: float = 0.5
    scale: float = 0.5

    def slope(self, x: jax.Array) -> jax.Array:
        bump = lambda at, wide: jax.scipy.stats.norm.pdf(x, at, wide)
        flanks = bump(self.sigma, self.s * self.sigma) + bump(-self.sigma, self.s * self.sigma)
        return self.scale * ((1.0 + self.h) * bump(0.0, self.sigma) - self.h * flanks)


@dataclass(frozen=True)
class PiecewiseLinear(Surrogate):
    """A box, `1 / width` where `|x| < width / 2`: the slope of a ramp of this width."""

    width: float = 1.0

    def slope(self, x: jax.Array) -> jax.Array:
        return jnp.where(jnp.abs(x) < 0.5 * self.width, 1.0 / self.width, 0.0).astype(x.dtype)
