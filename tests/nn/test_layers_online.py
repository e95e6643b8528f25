"""Every layer and neuron under D-RTRL: exact at one step, exact for ever where neurons do not feed one another."""

import brainstate
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import saiunit as u
from pure_step import bptt, pure, squares

import vestige.neurons as ne
import vestige.nn as vn
from marks import slowly
from vestige.graph import trace_graph
from vestige.learn.core import gradients, init
from vestige.rules import d_rtrl


class Spiking(brainstate.nn.Module):
    """Input, and spikes if recurrent, to neurons to a readout without memory of its own."""

    def __init__(self, neuron, recurrent=False, unit=u.mA):
        super().__init__()
        n = neuron.varshape[0]
        self.neuron, self.recurrent = neuron, recurrent
        scale = brainstate.nn.init.KaimingNormal(scale=20.0, unit=unit)
        self.lin, self.out = vn.Linear(3 + n * recurrent, n, w_init=scale), vn.Linear(n, 2)

    def update(self, x):
        x = jnp.concatenate([x, self.neuron.get_spike()]) if self.recurrent else x
        self.neuron(self.lin(x))
        return self.out(self.neuron.get_spike())


class Synaptic(brainstate.nn.Module):
    """Spikes through a synapse onto the neurons."""

    def __init__(self, syn, out, unit):
        super().__init__()
        self.neuron, w = ne.LIF(4), brainstate.nn.init.KaimingNormal(scale=9.0, unit=unit)
        self.proj = ne.AlignPostProj(comm=vn.Linear(3, 4, w_init=w), syn=syn, out=out, post=self.neuron)
        self.jump = ne.DeltaProj(comm=vn.Linear(3, 4, w_init=brainstate.nn.init.Normal(unit=u.mV)), post=self.neuron)

    def update(self, x):
        self.proj(x)
        self.jump(x)
        self.neuron()
        return self.neuron.V.value / u.mV


def squashed():
    """The paper's input map: a product and a tanh."""
    return brainstate.nn.Sequential(vn.Linear(3, 4), jnp.tanh)


trained = lambda v: brainstate.ParamState(jnp.full(4, v.mantissa) * u.get_unit(v))
ALONE = {
    "MiniGRU": lambda: vn.MiniGRU(3, 4),
    "MiniLSTM": lambda: vn.MiniLSTM(3, 4),
    "LRU": lambda: vn.LRUCell(3, 4),
    "MinimalRNN, tanh": lambda: vn.MinimalRNNCell(3, 4, phi=squashed(), diagonal=True),
    "rate readout": lambda: vn.LeakyRateReadout(3, 4, tau=trained(5.0 * u.ms)),
    "spike readout": lambda: vn.LeakySpikeReadout(3, 4),
    "LIF": lambda: Spiking(ne.LIF(4, tau=trained(5.0 * u.ms), V_th=trained(1.0 * u.mV))),
    "LIF hard": lambda: Spiking(ne.LIF(4, spk_reset="hard", spk_fun=ne.Arctan())),
    "ALIF": lambda: Spiking(ne.ALIF(4, beta=trained(0.3 * u.mV), spk_fun=ne.Sigmoid())),
    "GIF": lambda: Spiking(ne.GIF(4, k1=trained(0.1 / u.ms), spk_fun=ne.Gaussian())),
    "Expon COBA": lambda: Synaptic(ne.Expon(4), ne.COBA(3.0 * u.mV), u.siemens),
    "Alpha CUBA": lambda: Synaptic(ne.Alpha(4), ne.CUBA(), u.mS),
}
QUICK = {"LIF", "GIF", "LRU", "MiniGRU", "Expon COBA"}
COUPLED = {
    **{c.__name__: (lambda c=c: c(3, 4)) for c in (
        vn.ValinaRNNCell, vn.GRUCell, vn.MGUCell, vn.LSTMCell, vn.URLSTMCell, vn.MinimalRNNCell,
    )},
    "LIF net": lambda: Spiking(ne.LIF(4), recurrent=True),
    "ALIF net": lambda: Spiking(ne.ALIF(4), recurrent=True),
    "GIF net": lambda: Spiking(ne.GIF(4), recurrent=True),
}  # fmt: skip


def both(make, T):
    model = make()
    brainstate.nn.init_all_states(model)
    xs = jnp.abs(jax.random.normal(jax.random.key(1), (T, 3)))
    step, params, state = pure(model, xs[0])
    targets = jax.random.normal(jax.random.key(2), (T, *jnp.shape(step(params, state, xs[0])[1])))
    graph, rule = trace_graph(step, params, state, xs[0]), d_rtrl()
    got = gradients(graph, rule, params, init(graph, rule, params, state), xs, targets, squares, window=2)
    return got.grads, bptt(step, params, state, xs, targets)


def assert_agree(got, want):
    assert jax.tree.structure(got) == jax.tree.structure(want)
    for a, b in zip(jax.tree.leaves(got), jax.tree.leaves(want), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-9 * (1e-3 + float(jnp.abs(b).max())))


@pytest.mark.parametrize("name", COUPLED)
def test_one_step_is_exact(name):
    assert_agree(*both(COUPLED[name], 1))


@pytest.mark.parametrize("name", slowly(ALONE, QUICK))
def test_neurons_that_keep_to_themselves_are_exact_over_time(name):
    got, want = both(ALONE[name], 7)
    assert_agree(got, want)
    assert all(float(jnp.abs(g).max()) > 0 for g in jax.tree.leaves(got)), "a parameter without gradient"
