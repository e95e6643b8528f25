"""LIF and ALIF against a numpy loop, and against brainpy where it is installed."""

import brainstate
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import saiunit as u

from vestige.neurons import ALIF, LIF, Neuron, ReluGrad

rng = np.random.default_rng(4)
currents = rng.normal(1.0, 2.0, size=(25, 5))


def simulate(neuron, xs, batch_size=None):
    brainstate.nn.init_all_states(neuron, batch_size=batch_size)
    spikes, V = [], []
    for x in xs:
        spikes.append(np.asarray(neuron(x * u.mA)))
        V.append(np.asarray(neuron.V.value.to_decimal(u.mV)))
    return np.stack(spikes), np.stack(V)


@pytest.mark.parametrize("reset", ["soft", "hard"])
def test_lif_is_a_leak_a_threshold_and_a_reset(reset):
    voltages = {"V_th": 1.0 * u.mV, "V_reset": -0.5 * u.mV, "V_rest": 0.2 * u.mV}
    neuron = LIF(5, R=2.0 * u.ohm, tau=4.0 * u.ms, spk_reset=reset, **voltages)
    spikes, V = simulate(neuron, currents)
    v, leak = np.zeros(5), np.exp(-1 / 4)
    for x, z, got in zip(currents, spikes, V, strict=True):
        v = np.where(v >= 1, v - 1.5 if reset == "soft" else -0.5, v)
        v = 0.2 + 2 * x + (v - 0.2 - 2 * x) * leak
        np.testing.assert_allclose(got, v, rtol=1e-9)
        np.testing.assert_array_equal(z, v >= 1)
    assert 0 < spikes.mean() < 1
    np.testing.assert_array_equal(neuron.get_spike(), spikes[-1])


def test_alif_raises_its_threshold():
    neuron = ALIF(5, tau_a=20.0 * u.ms, beta=0.6 * u.mV)
    brainstate.nn.init_all_states(neuron)
    v, a, fired = np.zeros(5), np.zeros(5), 0
    for x in currents:
        z = (v >= 1 + 0.6 * a) * 1.0
        v = (v - z) * np.exp(-1 / 5) + x * (1 - np.exp(-1 / 5))
        a = (a + z) * np.exp(-1 / 20)
        np.testing.assert_array_equal(neuron(x * u.mA), v >= 1 + 0.6 * a)
        np.testing.assert_allclose(neuron.V.value.mantissa, v, rtol=1e-9)
        np.testing.assert_allclose(neuron.a.value, a, rtol=1e-9)
        fired += z.sum()
    assert fired > 0


@pytest.mark.parametrize("cls", [LIF, ALIF])
def test_a_batch_is_many_single_runs(cls):
    both = np.stack([currents, currents[::-1]], 1)
    spikes, V = simulate(cls(5), both, batch_size=2)
    for n in range(2):
        z, v = simulate(cls(5), both[:, n])
        np.testing.assert_allclose(V[:, n], v, rtol=1e-12)
        np.testing.assert_array_equal(spikes[:, n], z)


def test_populations_of_two_axes_and_parameters_per_neuron():
    neuron = LIF((2, 3), tau=np.full((2, 3), 4.0) * u.ms, V_th=lambda n: jnp.ones(n) * u.mV)
    brainstate.nn.init_all_states(neuron, batch_size=4)
    assert neuron(jnp.ones((4, 2, 3)) * u.mA).shape == (4, 2, 3)


@pytest.mark.parametrize("reset", ["soft", "hard"])
def test_the_gradient_in_forward_and_reverse_mode(reset):
    neuron = LIF(5, spk_reset=reset)

    def total(w):
        brainstate.nn.init_all_states(neuron)
        return sum(neuron(w * x * u.mA).sum() + (neuron.V.value / u.mV).sum() for x in currents[:8])

    w, d = jnp.ones(5), jnp.asarray(rng.normal(size=5))
    (g,) = jax.vjp(total, w)[1](1.0)
    np.testing.assert_allclose(jax.jvp(total, (w,), (d,))[1], g @ d, rtol=1e-10)
    assert np.abs(g).min() > 0


def test_trained_time_constants_are_found_and_have_gradients():
    neuron = LIF(5, tau=brainstate.ParamState(5.0 * u.ms), V_th=brainstate.nn.Param(1.0 * u.mV))
    brainstate.nn.init_all_states(neuron)
    weights = neuron.states(brainstate.ParamState)
    assert len(weights) == 2

    def loss():
        neuron(3.0 * jnp.ones(5) * u.mA)
        return neuron(jnp.ones(5) * u.mA).sum()

    g = brainstate.transform.grad(loss, weights)()
    assert u.get_unit(g[("tau",)]) == u.ms and all(float(u.get_mantissa(v)) != 0 for v in jax.tree.leaves(g))


def test_resetting():
    neuron = ALIF(5)
    simulate(neuron, currents)
    neuron.reset_state()
    np.testing.assert_array_equal(neuron.V.value.mantissa, 0)
    np.testing.assert_array_equal(neuron.a.value, 0)


def test_single_precision():
    jax.config.update("jax_enable_x64", False)
    with brainstate.environ.context(precision=32):
        _, V = simulate(LIF(5), currents.astype(np.float32))
    assert V.dtype == np.float32


@pytest.mark.parametrize(
    "make, error",
    [
        (lambda: LIF(5, spk_reset="gentle"), ValueError),
        (lambda: LIF(5, spk_fun=0.3), TypeError),
        (lambda: LIF(5, tau=np.ones(4) * u.ms), ValueError),
        (lambda: simulate(LIF(5, tau=5.0), currents[:1]), u.UnitMismatchError),
        (lambda: Neuron(5).get_spike(), NotImplementedError),
    ],
)
def test_mistakes(make, error):
    with pytest.raises(error):
        make()


def test_a_current_of_the_wrong_kind():
    neuron = LIF(5)
    brainstate.nn.init_all_states(neuron)
    with pytest.raises(u.UnitMismatchError):
        neuron(jnp.ones(5) * u.mV)
    np.testing.assert_array_equal(neuron.V.value.mantissa, 0)


@pytest.mark.parametrize("name", ["LIF", "ALIF"])
@pytest.mark.parametrize("reset", ["soft", "hard"])
def test_like_those_of_brainpy(name, reset):
    peer = getattr(pytest.importorskip("brainpy.state"), name)
    ours, theirs = {"LIF": LIF, "ALIF": ALIF}[name](5, spk_reset=reset), peer(5, spk_reset=reset)
    (z, v), (z_, v_) = simulate(ours, currents), simulate(theirs, currents)
    np.testing.assert_allclose(v, v_, rtol=1e-6, atol=1e-9)
    np.testing.assert_array_equal(z, z_)
    assert ours.spk_fun == ReluGrad()
