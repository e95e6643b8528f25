"""What currents do to a leaky membrane in one step, in closed form."""

import jax
import jax.numpy as jnp
import numpy as np


def leak(tau: jax.Array, dt: float) -> jax.Array:
    """`exp(-dt / tau)`."""
    return jnp.exp(-dt / tau)


def constant(tau_m: jax.Array, C_m: jax.Array, dt: float) -> jax.Array:
    """Voltage at the end of a step per constant current: `tau_m / C_m (1 - exp(-dt / tau_m))`."""
    return -tau_m / C_m * jnp.expm1(-dt / tau_m)


def exponential(tau_s: jax.Array, tau_m: jax.Array, C_m: jax.Array, dt: float) -> jax.Array:
    """Voltage at the end of a step per current that decays with `tau_s`: `1/C_m int exp(-(dt-t)/tau_m) exp(-t/tau_s) dt`."""
    return dt / C_m * jnp.exp(-dt / tau_m) * moment(dt / tau_m - dt / tau_s, 0)


def alpha(tau_s: jax.Array, tau_m: jax.Array, C_m: jax.Array, dt: float) -> jax.Array:
    """As `exponential`, per current `t exp(-t / tau_s)`."""
    return dt**2 / C_m * jnp.exp(-dt / tau_m) * moment(dt / tau_m - dt / tau_s, 1)


def moment(z: jax.Array, n: int) -> jax.Array:
    """`int_0^1 x^n exp(z x) dx` for n = 0 or 1, without cancellation where z is small."""
    small = jnp.abs(z) < 0.3
    # sum_k z^k / (k! (k + n + 1)); 14 terms are exact to rounding below 0.3
    series = jnp.polyval(jnp.asarray([1 / (_factorial(k) * (k + n + 1)) for k in range(13, -1, -1)], z.dtype), z)
    # replaced before the division, so that no gradient sees 0 / 0
    far = jnp.where(small, 1.0, z)
    exact = jnp.expm1(far) / far if n == 0 else (jnp.exp(far) * (far - 1.0) + 1.0) / far**2
    return jnp.where(small, series, exact)


def _factorial(k: int) -> float:
    return float(np.prod(np.arange(1, k + 1), dtype=float))
