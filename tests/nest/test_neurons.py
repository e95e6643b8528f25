"""NEST's e-prop neurons step for step: voltages, slopes, adaptation and spikes as NEST recorded them."""

from pathlib import Path

import brainstate
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import saiunit as u
from eprop_cases import CASES, STEPS, weighted_spikes

import vestige as vg
from vestige import nest

TRACES = np.load(Path(__file__).parent / "data" / "neurons.npz")
UNITS = {
    **dict.fromkeys(["E_L", "V_th", "V_min", "V_reset", "surrogate_gradient_width", "adapt_beta"], u.mV),
    **dict.fromkeys(["tau_m", "t_ref", "adapt_tau"], u.ms),
    "I_e": u.pA, "C_m": u.pF, "surrogate_gradient_height": 1 / u.mV,
}  # fmt: skip
MODELS = [nest.eprop_iaf_bsshslm_2020, nest.eprop_iaf_adapt_bsshslm_2020, nest.eprop_readout_bsshslm_2020]
MODELS += [nest.eprop_iaf_adapt, nest.eprop_iaf_psc_delta_adapt, nest.eprop_readout]


def build(model, parameters, size=3):
    with_units = {key: v * UNITS[key] if key in UNITS else v for key, v in parameters.items()}
    return getattr(nest, model)(size, **with_units)


def run(neuron, xs):
    """What NEST records, after each step."""

    def step(x):
        out = neuron(x)
        seen = {"V_m": neuron.V_m.value.to_decimal(u.mV)}
        if hasattr(neuron, "spk_fun"):
            above = (neuron.V_m.value - neuron.threshold()).to_decimal(u.mV)
            slope = jnp.where(neuron.r.value > 0, 0.0, neuron.spk_fun.slope(above))
            # a neuron whose voltage is recorded after its reset records its slope itself
            kept = getattr(neuron, "surrogate_gradient", None)
            seen |= {"spikes": out, "surrogate_gradient": slope if kept is None else kept.value}
        if hasattr(neuron, "adaptation"):
            seen["adaptation"] = neuron.adaptation.value
        return seen

    return brainstate.transform.for_loop(step, xs)


@pytest.mark.parametrize("name", CASES)
def test_every_step_is_nests(name):
    model, dt, parameters = CASES[name]
    with brainstate.environ.context(dt=dt * u.ms):
        neuron = build(model, parameters)
        brainstate.nn.init_all_states(neuron)
        got = run(neuron, np.repeat(weighted_spikes()[:, None], 3, 1) * u.mV)
    for key, value in got.items():
        want = TRACES[f"{name}/{key}"]
        np.testing.assert_allclose(value, np.repeat(want[:, None], 3, 1), rtol=1e-12, atol=1e-12, err_msg=key)
    assert "spikes" not in got or 0.01 < np.mean(got["spikes"]) < 0.5
    assert len(got["V_m"]) == STEPS


@pytest.mark.parametrize("model", MODELS)
def test_a_batch_is_many_single_runs(model):
    draw = np.random.default_rng(3)
    xs = draw.normal(3.0, 6.0, (40, 2, 5)) * u.mV
    with brainstate.environ.context(dt=1.0 * u.ms):
        neuron = model(5)
        brainstate.nn.init_all_states(neuron, batch_size=2)
        both = run(neuron, xs)
        for n in range(2):
            brainstate.nn.init_all_states(neuron)
            one = run(neuron, xs[:, n])
            for key in one:
                np.testing.assert_allclose(both[key][:, n], one[key], rtol=1e-12, atol=1e-13)
        neuron.reset_state()
        np.testing.assert_array_equal(run(neuron, xs[:, 1])["V_m"], one["V_m"])


@pytest.mark.parametrize(
    "model", [nest.eprop_iaf_adapt_bsshslm_2020, nest.eprop_iaf_adapt, nest.eprop_iaf_psc_delta_adapt]
)
def test_the_eligibility_vectors_are_the_papers(model):
    """d spike / d input, by forward mode through the neuron's own steps, against the paper's recursion."""
    xs = np.abs(np.random.default_rng(5).normal(4.0, 8.0, 60))
    slow = {"adapt_beta": 0.7 * u.mV, "adapt_tau": 40.0 * u.ms, "t_ref": 3.0 * u.ms, "V_th": -58.0 * u.mV}
    with brainstate.environ.context(dt=1.0 * u.ms):
        neuron = model(1, surrogate_gradient_width=25.0 * u.mV, **slow)

        def spikes(w):
            brainstate.nn.init_all_states(neuron)
            return run(neuron, w * xs[:, None] * u.mV)

        made, got = jax.jvp(spikes, (1.0,), (1.0,))
    alpha, rho, eps_v, eps_a, e = np.exp(-1 / 10), np.exp(-1 / 40), 0.0, 0.0, []
    for x, psi in zip(xs, np.asarray(made["surrogate_gradient"])[:, 0]):
        eps_v = alpha * eps_v + x
        e.append(psi * (eps_v - 0.7 * eps_a))
        eps_a = rho * eps_a + e[-1]
    np.testing.assert_allclose(got["spikes"][:, 0], e, rtol=1e-11, atol=1e-13)
    assert np.count_nonzero(e) > 20 and 3 < made["spikes"].sum() < 30


def test_a_rate_is_filtered_and_costs_what_it_is_off():
    xs = np.abs(np.random.default_rng(4).normal(2.0, 4.0, (50, 2, 3)))
    with brainstate.environ.context(dt=0.5 * u.ms):
        neuron = nest.eprop_iaf(3, c_reg=7.0, f_target=20.0 * u.Hz, kappa_reg=0.9)
        brainstate.nn.init_all_states(neuron, batch_size=2)
        step = lambda x: (neuron(x), neuron.rate.value, neuron.regularisation())
        z, rates, costs = brainstate.transform.for_loop(step, xs * u.mV)
    rate = np.zeros((2, 3))
    for spikes, got, cost in zip(z, rates, costs):
        rate = 0.9 * rate + 0.1 * spikes
        np.testing.assert_allclose(got, rate, rtol=1e-12, atol=1e-15)
        np.testing.assert_allclose(cost, 3.5 * ((rate - 0.01) ** 2).sum(1), rtol=1e-12)
    assert 5 < np.sum(z) < 200


class Layer(brainstate.nn.Module):
    """Inputs, adaptive neurons with four trained parameters, a readout without memory."""

    def __init__(self, kind):
        super().__init__()
        draw, state = np.random.default_rng(9), brainstate.ParamState
        self.w, self.out = state(draw.normal(0.7, 0.6, (4, 6))), state(draw.normal(0, 1, (6, 2)))
        self.neurons = kind(
            6, tau_m=state(np.linspace(5, 20, 6) * u.ms), V_th=state(-66.0 * u.mV), adapt_beta=state(0.3 * u.mV),
            adapt_tau=state(30.0 * u.ms), surrogate_gradient_width=20.0 * u.mV, t_ref=0.0 * u.ms,
        )  # fmt: skip

    def update(self, x):
        return vg.matmul(self.neurons(vg.matmul(x, self.w.value) * u.mV), self.out.value)


@pytest.mark.parametrize(
    "kind", [nest.eprop_iaf_adapt_bsshslm_2020, nest.eprop_iaf_adapt, nest.eprop_iaf_psc_delta_adapt]
)
def test_a_layer_without_recurrence_learns_as_by_bptt(kind):
    draw = np.random.default_rng(2)
    xs, targets, found = np.abs(draw.normal(0, 1, (30, 4))), draw.normal(0, 1, (30, 2)), []
    with brainstate.environ.context(dt=1.0 * u.ms):
        for learner in (vg.D_RTRL, vg.BPTT):
            model = Layer(kind)
            brainstate.nn.init_all_states(model)
            learner = learner(model)
            learner.compile_graph(jnp.zeros(4))
            found.append(learner.gradients(xs, targets, lambda y, t: jnp.sum((y - t) ** 2), window=7))
    online, true = (jax.tree.leaves(f.grads) for f in found)
    assert len(online) == 6
    for a, b in zip(online, true):
        np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-12)
        assert np.all(b)
    (rate,) = found[0].firing.values()
    assert 0.02 < rate < 0.5


def test_single_precision_stays_single():
    jax.config.update("jax_enable_x64", False)
    with brainstate.environ.context(precision=32, dt=1.0 * u.ms):
        neuron = nest.eprop_iaf_adapt_bsshslm_2020(3)
        brainstate.nn.init_all_states(neuron)
        got = run(neuron, np.full((20, 3), 4.0, np.float32) * u.mV)
    assert {v.dtype for v in got.values()} == {np.dtype(np.float32)} and got["spikes"].sum() > 0


@pytest.mark.parametrize("model", MODELS)
def test_an_input_of_another_unit_moves_nothing(model):
    with brainstate.environ.context(dt=1.0 * u.ms):
        neuron = model(3)
        brainstate.nn.init_all_states(neuron)
        before = neuron.V_m.value
        with pytest.raises(u.UnitMismatchError):
            neuron(np.ones(3) * u.pA)
        np.testing.assert_array_equal(neuron.V_m.value.mantissa, before.mantissa)


@pytest.mark.parametrize("model", MODELS[:2])
def test_currents_and_deltas_wait_in_boxes(model):
    with brainstate.environ.context(dt=1.0 * u.ms):
        boxed, direct = model(2), model(2, I_e=40.0 * u.pA)
        brainstate.nn.init_all_states(boxed)
        brainstate.nn.init_all_states(direct)
        boxed.add_current_input("drive", 40.0 * u.pA)
        boxed.add_delta_input("spikes", np.array([1.0, 30.0]) * u.mV)
        np.testing.assert_array_equal(boxed(), direct(np.array([1.0, 30.0]) * u.mV))
        np.testing.assert_allclose(boxed.V_m.value.mantissa, direct.V_m.value.mantissa, rtol=1e-12)
        np.testing.assert_array_equal(boxed.get_spike(), [0, 1])


BAD = [
    ("eprop_iaf_bsshslm_2020", {"C_m": 0.0}),
    ("eprop_iaf_bsshslm_2020", {"tau_m": -1.0}),
    ("eprop_iaf_bsshslm_2020", {"t_ref": -0.1}),
    ("eprop_iaf_bsshslm_2020", {"V_min": -50.0}),
    ("eprop_iaf_bsshslm_2020", {"surrogate_gradient_height": 0.0}),
    ("eprop_iaf_bsshslm_2020", {"surrogate_gradient_width": 0.0}),
    ("eprop_iaf_bsshslm_2020", {"surrogate_gradient_function": "unsupported"}),
    ("eprop_iaf_adapt_bsshslm_2020", {"adapt_beta": -1.0}),
    ("eprop_iaf_adapt_bsshslm_2020", {"adapt_tau": 0.0}),
    ("eprop_readout_bsshslm_2020", {"tau_m": 0.0}),
    ("eprop_readout_bsshslm_2020", {"loss": "hinge"}),
    ("eprop_iaf", {"surrogate_gradient_function": "arctan"}),
    ("eprop_iaf", {"kappa_reg": 1.1}),
    ("eprop_iaf", {"c_reg": -1.0}),
    ("eprop_iaf", {"V_min": -50.0}),
    ("eprop_iaf_adapt", {"adapt_tau": 0.0}),
    ("eprop_iaf_psc_delta", {"V_reset": -50.0}),
    ("eprop_iaf_psc_delta_adapt", {"adapt_beta": -1.0}),
]


@pytest.mark.parametrize("model, wrong", BAD, ids=lambda v: v if isinstance(v, str) else next(iter(v)))
def test_what_nest_refuses_is_refused(model, wrong):
    (name,) = wrong
    with pytest.raises(ValueError, match=rf"{model}: (V_th|{name}) is .*; it (must|can) be"):
        build(model, wrong)


@pytest.mark.parametrize("model", MODELS)
def test_a_number_without_its_unit_is_refused(model):
    with pytest.raises(u.UnitMismatchError, match="tau_m has the unit"):
        model(3, tau_m=20.0)


def test_the_losses_are_nests():
    V, target = np.array([0.3, -1.2]), np.array([0.0, 1.0])
    squared, entropy = (
        nest.eprop_readout_bsshslm_2020(2, loss=k).loss for k in ("mean_squared_error", "cross_entropy")
    )
    np.testing.assert_allclose(squared(V * u.mV, target), 0.5 * ((V - target) ** 2).sum(), rtol=1e-12)
    np.testing.assert_allclose(entropy(V * u.mV, target), -np.log(np.exp(-1.2) / np.exp(V).sum()), rtol=1e-12)
