"""Small brainstate models that the driver tests share."""

import brainstate
import jax.numpy as jnp
import numpy as np
import saiunit as u

import vestige as vg

N_IN, N_REC, N_OUT = 3, 5, 2


def normal(scale, unit=None, seed=0):
    """A deterministic initialiser with a unit."""

    def make(shape):
        value = jnp.asarray(np.random.default_rng(seed).normal(size=shape) * scale)
        return value if unit is None else value * unit

    return make


class Spiking(brainstate.nn.Module):
    """Recurrent LIF with a leaky readout; weights in mA, voltages in mV."""

    def __init__(self, gain=1.5):
        super().__init__()
        self.linear = vg.nn.Linear(
            N_IN + N_REC, N_REC, w_init=normal(gain, u.mA), b_init=lambda shape: jnp.full(shape, 0.5) * u.mA
        )
        self.neuron = vg.neurons.LIF(N_REC, tau=5 * u.ms, R=1 * u.ohm, V_th=1 * u.mV, V_reset=0 * u.mV, V_rest=0 * u.mV)
        self.readout = vg.nn.LeakyRateReadout(N_REC, N_OUT, tau=5 * u.ms, w_init=normal(1.0, seed=1))

    def update(self, x):
        self.neuron(self.linear(jnp.concatenate([x, self.neuron.get_spike()], -1)))
        return self.readout(self.neuron.get_spike())


class Memory(brainstate.nn.Module):
    """One population without recurrent weights: D-RTRL is exact."""

    def __init__(self):
        super().__init__()
        self.linear = vg.nn.Linear(N_IN, N_OUT, w_init=normal(1.0), b_init=normal(0.3, seed=2))
        self.leak = brainstate.ParamState(jnp.asarray(1.0))

    def init_state(self, *args, **kwargs):
        self.h = vg.ETraceState(jnp.zeros(N_OUT))

    def update(self, x):
        a = 1 / (1 + jnp.exp(-self.leak.value))
        self.h.value = a * self.h.value + jnp.tanh(self.linear(x))
        return self.h.value


def sequence(T=9, batch=None, seed=3):
    rng = np.random.default_rng(seed)
    lead = (T,) if batch is None else (T, batch)
    return jnp.asarray(rng.normal(size=(*lead, N_IN)) * 2), jnp.asarray(rng.normal(size=(*lead, N_OUT)))


def loss(output, target):
    return ((output - target) ** 2).mean()


def built(rule, net=Spiking, batch=None, **options):
    """A compiled learner on a fresh model."""
    model = net()
    brainstate.nn.init_all_states(model)
    learner = rule(model, **options)
    learner.compile_graph(jnp.zeros(N_IN), batch_size=batch)
    return learner
