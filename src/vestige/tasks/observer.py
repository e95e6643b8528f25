"""The network of the streams: it never starts anew, and measures what it reads by what it has read so far."""

import brainstate
import jax
import jax.numpy as jnp
import numpy as np
import saiunit as u

from ..neurons import ALIF
from ..nn import ETraceState, Linear


class Measured(brainstate.nn.Module):
    """Filtered signals in units of their own slow deviation.

        g <- k g + (1 - k) x      m <- r m + (1 - r) g      v <- r v + (1 - r) (g - m)^2      y = (g - m) / sqrt(v + 1e-4)

    m and v follow the mean and variance of g over some `slow` steps, and over all steps as long as these are fewer. Credit
    passes g, not m and v: they move too slowly to matter within what the trace remembers.

    Args:
        size: signals. fast, slow: time constants of filter and measure, in steps.
    """

    def __init__(self, size: int, fast: float, slow: float):
        super().__init__()
        self.size, self.keep, self.slow = size, 1 - 1 / fast, 1 - 1 / slow

    def init_state(self, batch_size: int | None = None, **kwargs) -> None:
        shape = (self.size,) if batch_size is None else (batch_size, self.size)
        self.g = ETraceState(jnp.zeros(shape))
        self.mean = brainstate.ShortTermState(jnp.zeros(shape))
        self.variance = brainstate.ShortTermState(jnp.full(shape, 0.02))
        self.steps = brainstate.ShortTermState(jnp.zeros(shape[:-1]))

    def update(self, x):
        """Signals `[size]` of one step to `[size]`."""
        self.steps.value = self.steps.value + 1
        r = jnp.minimum(self.slow, 1 - 1 / self.steps.value)[..., None]
        self.g.value = self.keep * self.g.value + (1 - self.keep) * x
        seen = jax.lax.stop_gradient(self.g.value)
        self.mean.value = r * self.mean.value + (1 - r) * seen
        self.variance.value = r * self.variance.value + (1 - r) * (seen - self.mean.value) ** 2
        m, v = jax.lax.stop_gradient((self.mean.value, self.variance.value))
        return (self.g.value - m) / jnp.sqrt(v + 1e-4)


class Observer(brainstate.nn.Module):
    """Recurrent LIF and ALIF neurons beside their input; the readout sees both, each `Measured`, and starts at zero.

        y = W [measured spikes, measured input] + c

    Args:
        n_in, n_rec, n_out: sizes.
        gain: of the input weights, whose deviation is gain / sqrt(n_in).
        fast, slow: of `Measured`, in steps.
        seed: of weights and time constants. Membranes are log-uniform in 100-800 ms, adaptation in 400-2000 ms at steps of 20 ms.
    """

    def __init__(self, n_in: int, n_rec: int, n_out: int, *, gain: float, fast: float, slow: float, seed: int = 0):
        super().__init__()
        draw = np.random.default_rng(seed)
        weight = lambda n, m, size: jnp.asarray(draw.normal(0, size / np.sqrt(n), (n, m)), jnp.float32)
        spread = lambda low, high: jnp.asarray(np.exp(draw.uniform(np.log(low), np.log(high), n_rec)), jnp.float32)
        adaptive = jnp.asarray(np.arange(n_rec) < n_rec / 2, jnp.float32)
        self.input = Linear(n_in, n_rec, w_init=weight(n_in, n_rec, gain) * u.mA)
        self.recurrent = Linear(n_rec, n_rec, w_init=weight(n_rec, n_rec, 0.9) * u.mA, b_init=None)
        tau, tau_a = spread(100.0, 800.0) * u.ms, spread(400.0, 2000.0) * u.ms
        self.neurons = ALIF(n_rec, tau=tau, tau_a=tau_a, beta=0.2 * u.mV * adaptive)
        self.spikes, self.inputs = Measured(n_rec, fast, slow), Measured(n_in, fast, slow)
        self.readout = Linear(n_rec + n_in, n_out, w_init=jnp.zeros((n_rec + n_in, n_out)))

    def update(self, x):
        """Spikes `[n_in]` of one step to class scores `[n_out]`."""
        z = self.neurons(self.input(x) + self.recurrent(self.neurons.get_spike()))
        return self.readout(jnp.concatenate([self.spikes(z), self.inputs(x)], -1))
