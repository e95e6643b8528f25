"""The four equations of GIF against a numpy loop."""

import brainstate
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import saiunit as u

from vestige.neurons import GIF


def loop(currents, soft=False):
    """V in mV, I in mA, t in ms; every equation is linear in its own state and solved exactly over one step."""
    n = currents.shape[1]
    V, th, I1, I2 = np.full(n, -70.0), np.full(n, -50.0), np.zeros(n), np.zeros(n)
    for x in currents:
        z = th <= V
        I1, I2 = np.where(z, 0.9 * I1 + 1e-5, I1), np.where(z, 0.8 * I2 + 5e-6, I2)
        reset = V - (th + 80.0) if soft else np.full(n, -80.0)
        V, th = np.where(z, reset, V), np.where(z, np.maximum(-60.0, th), th)
        target = -70.0 + 100.0 * (I1 + I2 + x)
        rest = -50.0 + 0.1 * (V + 70.0) / 0.02
        V, th = target + (V - target) * np.exp(-1 / 20), rest + (th - rest) * np.exp(-0.02)
        I1, I2 = I1 * np.exp(-0.1), I2 * np.exp(-0.05)
        yield V, th, I1, I2


@pytest.mark.parametrize("reset", ["hard", "soft"])
def test_gif_follows_its_equations(reset):
    currents = np.random.default_rng(5).normal(3.0, 2.0, size=(35, 4))
    neuron, spikes = GIF(4, spk_reset=reset), 0
    brainstate.nn.init_all_states(neuron)
    for x, (V, th, I1, I2) in zip(currents, loop(currents, reset == "soft"), strict=True):
        z = neuron(x * u.mA)
        np.testing.assert_allclose(neuron.V.value.to_decimal(u.mV), V, rtol=1e-9)
        np.testing.assert_allclose(neuron.V_th.value.to_decimal(u.mV), th, rtol=1e-9)
        np.testing.assert_allclose(neuron.I1.value.to_decimal(u.mA), I1, rtol=1e-9)
        np.testing.assert_allclose(neuron.I2.value.to_decimal(u.mA), I2, rtol=1e-9)
        np.testing.assert_array_equal(z, th <= V)
        spikes += z.sum()
    assert 0 < spikes < 0.9 * currents.size


def test_four_states_of_one_population():
    neuron = GIF((2, 3))
    brainstate.nn.init_all_states(neuron, batch_size=5)
    assert set(neuron.states(brainstate.HiddenState)) == {("I1",), ("I2",), ("V",), ("V_th",)}
    assert neuron(jnp.ones((5, 2, 3)) * u.mA).shape == (5, 2, 3)
    neuron.reset_state()
    assert neuron.V.value.shape == (2, 3)


def test_after_spike_currents_reach_the_gradient():
    neuron = GIF(2, A1=brainstate.ParamState(1.0 * u.mA), tau=brainstate.ParamState(20.0 * u.ms))
    weights = neuron.states(brainstate.ParamState)

    def loss():
        brainstate.nn.init_all_states(neuron)
        for _ in range(6):
            neuron(15.0 * u.mA * jnp.ones(2))
        return (neuron.V.value / u.mV).sum()

    g = brainstate.transform.grad(loss, weights)()
    assert all(float(jnp.abs(v)) > 0 for v in jax.tree.leaves(g))
