"""The network of the main job: recurrent LIF and ALIF neurons, read through a filter of their spikes."""

import brainstate
import jax.numpy as jnp
import numpy as np
import saiunit as u

from ..neurons import ALIF, Expon
from ..nn import Linear

STEP = 20.0 * u.ms  # of the recordings, 50 Hz


class Classifier(brainstate.nn.Module):
    """Input and recurrence drive spiking neurons; a filter of their spikes drives the class scores.

        V, a <- LIF or ALIF with the current W_in x + W_rec z       g <- exp(-dt / tau_g) g + z       y = W_out g + c

    The filter belongs to the population, so eligibility reaches through it: what a spike adds to later scores is
    credited. Time constants differ from neuron to neuron, log-uniform in their range.

    Args:
        n_in, n_rec, n_out: sizes.
        tau, tau_a: ranges of the membrane's and the adaptation's time constants.
        beta: threshold per unit of adaptation; `adaptive` is the part of neurons that has it.
        tau_g: time constant of the filter.
        seed: of weights and time constants.
    """

    def __init__(
        self, n_in: int, n_rec: int, n_out: int, *, tau=(100.0, 800.0) * u.ms, tau_a=(400.0, 2000.0) * u.ms,
        beta=0.2 * u.mV, adaptive: float = 0.5, tau_g=400.0 * u.ms, seed: int = 0,
    ):  # fmt: skip
        super().__init__()
        draw = np.random.default_rng(seed)
        weight = lambda n, m, gain: jnp.asarray(draw.normal(0, gain / np.sqrt(n), (n, m)), jnp.float32)
        spread = lambda low, high: jnp.asarray(np.exp(draw.uniform(np.log(low), np.log(high), n_rec)), jnp.float32)
        times = lambda span: spread(*span.to_decimal(u.ms)) * u.ms
        some = jnp.asarray(np.arange(n_rec) < adaptive * n_rec, jnp.float32)
        self.input = Linear(n_in, n_rec, w_init=weight(n_in, n_rec, 9.0) * u.mA)
        self.recurrent = Linear(n_rec, n_rec, w_init=weight(n_rec, n_rec, 0.9) * u.mA, b_init=None)
        self.neurons = ALIF(n_rec, tau=times(tau), tau_a=times(tau_a), beta=beta * some)
        self.filter = Expon(n_rec, tau=tau_g, g_initializer=brainstate.nn.init.ZeroInit())
        self.readout = Linear(n_rec, n_out, w_init=weight(n_rec, n_out, 0.5))

    def update(self, x):
        """Spikes `[n_in]` of one step to class scores `[n_out]`."""
        current = self.input(x) + self.recurrent(self.neurons.get_spike())
        return self.readout(self.filter(self.neurons(current)))
