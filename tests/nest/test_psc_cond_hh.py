"""Neurons with delta, exponential and alpha-shaped input and Hodgkin-Huxley's: what the reference runs leave out."""

from dataclasses import dataclass
from functools import cache
from typing import Any

import brainstate
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import saiunit as u
from models import MODELS
from replay import gaps, play, population, runs, signed

from marks import slowly
from vestige import nest
from vestige.neurons.surrogate import PiecewiseLinear, Spike, relu_grad

STEPS, BATCH = 150, 2
BOX = PiecewiseLinear(1.0)


@dataclass(frozen=True, eq=False)
class Case:
    """`strong`: a weight that makes spikes together with a `current` (pA); `single`: how near float32 comes, mV."""

    kind: type
    strong: float
    current: float
    single: float
    wrong: dict[str, Any]
    surrogate: Spike = BOX

    @property
    def name(self) -> str:
        return self.kind.__name__


VOLTAGES = {"V_reset": -50.0 * u.mV, "E_L": -70.0 * u.pA, "V_th": np.full(2, -50.0) * u.mV}
WRONG = {"C_m": 0.0 * u.pF, "t_ref": -1.0 * u.ms, "I_e": 1.0 * u.nS}
TAUS = {"tau_syn_ex": 0.0 * u.ms, "tau_syn_in": -1.0 * u.ms}
GATES = {"Act_m": -0.1, "Inact_h": 1.0 * u.mV, "Act_n": np.ones(2)}
CONDUCTANCES = {"g_Na": -1.0 * u.nS, "g_K": -1.0 * u.nS, "g_L": -1.0 * u.nS}
CASES = [
    Case(nest.iaf_psc_delta, 4.0, 600.0, 1e-4, {**VOLTAGES, **WRONG, "tau_m": 0.0 * u.ms, "V_min": 0.0 * u.ms}),
    Case(nest.iaf_psc_alpha, 500.0, 600.0, 1e-4, {**VOLTAGES, **WRONG, **TAUS, "tau_m": 0.0 * u.ms}),
    Case(nest.iaf_cond_exp, 60.0, 900.0, 1e-4, {**VOLTAGES, **WRONG, **TAUS, "g_L": 1.0 * u.mV}),
    Case(nest.iaf_cond_alpha, 25.0, 900.0, 1e-4, {**VOLTAGES, **WRONG, **TAUS, "E_ex": 1.0 * u.nS}),
    Case(nest.hh_psc_alpha, 300.0, 900.0, 1e-2, {**WRONG, **TAUS, **GATES, **CONDUCTANCES}, relu_grad),
]
name = lambda case: case.name
cases = pytest.mark.parametrize("case", CASES, ids=name)
some = lambda *fast: pytest.mark.parametrize("case", slowly(CASES, fast), ids=name)


@pytest.mark.parametrize("case, key", [(c, k) for c in CASES for k in c.wrong], ids=lambda x: getattr(x, "name", x))
def test_bad_parameters_raise(case, key):
    with pytest.raises((ValueError, u.UnitMismatchError), match=f"{key}|broadcast"):
        case.kind(3, **{key: case.wrong[key]})


@cache
def facts() -> dict[str, Any]:
    found = {}
    for model, dt in dict.fromkeys((r.model, r.dt) for r in runs("facts")):
        group = [r for r in runs("facts") if (r.model, r.dt) == (model, dt)]
        found |= gaps(group, *play(population(getattr(nest, model), group), group, signed(group)))
    return found


# with five times the step the simulator's own error is larger; a finer solver here comes no nearer
COARSE = {
    "cond exp, coarse": {"V_m": 1e-4, "g_ex": 3e-3, "g_in": 1e-5},
    "cond alpha, coarse": {"V_m": 5e-4, "g_ex": 1e-2, "g_in": 1e-4, "t_ref_remaining": 1e-14},
    "hh, coarse": {"V_m": 5e-2, "Act_m": 5e-4, "Inact_h": 3e-4, "Act_n": 4e-4, "I_syn_ex": 3e-4, "I_syn_in": 1e-4},
}


@pytest.mark.parametrize("run", runs("facts"), ids=lambda run: run.name)
def test_what_the_reference_runs_leave_out(run):
    near = COARSE.get(run.name) or next(m.near for m in MODELS if m.name == run.model)
    gap = facts()[run.name]
    assert len(run.spike_times) and not gap.missing and not gap.extra
    assert gap.worst.keys() == near.keys() and all(v <= near[k] for k, v in gap.worst.items()), gap.worst


MORE = {u.mV: 1.5, u.ms: 1.3, u.pF: 30.0, u.pA: 70.0, u.nS: 4.0}


def variants(case: Case) -> tuple[Any, list[str]]:
    """Neuron 0 with the defaults, each other with one parameter changed, and the names of those."""
    plain = case.kind(1)
    names, values = list(plain.units), {}
    special = {"V_min": -69.9, "refractory_input": 1.0, "t_ref": 0.0}
    for n, name in enumerate(names):
        unit = plain.units[name]
        value = np.full(len(names) + 1, u.Quantity(getattr(plain, name)).to_decimal(unit), float)
        value[n + 1] = special.get(name, value[0] + MORE.get(unit, 0.0))
        values[name] = value * unit
    return case.kind(len(names) + 1, **values), names


def inputs(case: Case) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Current and weights that arrive, `[steps, batch, 1]`."""
    draw = np.random.default_rng(3)
    ex = case.strong * (draw.random((STEPS, BATCH, 1)) < 0.08)
    less = -0.5 * case.strong * (draw.random((STEPS, BATCH, 1)) < 0.04)
    return case.current * draw.random((STEPS, BATCH, 1)), {"ex": ex, "in": less}


def at(case: Case, *index: Any) -> Any:
    """Part of the inputs."""
    return jax.tree.map(lambda x: jnp.asarray(x[index]), inputs(case))


def step(neuron, current, events):
    """Recordables and spikes after a step."""
    with brainstate.environ.context(dt=0.1 * u.ms):
        spikes = neuron.update(jnp.broadcast_to(current, neuron.V.value.shape) * u.pA, events)
        return {**{k: u.get_mantissa(v) for k, v in neuron.record().items()}, "spikes": spikes}


def loop(neuron, xs, batch=None):
    """The same over time."""
    brainstate.nn.init_all_states(neuron, batch_size=batch)
    return brainstate.transform.for_loop(lambda x: step(neuron, *x), xs)


@cache
def double(case: Case) -> dict[str, jax.Array]:
    return loop(variants(case)[0], at(case, slice(None)), BATCH)


@cache
def alone(case: Case) -> dict[str, jax.Array]:
    """One neuron with the defaults under the second example."""
    return loop(case.kind(1), at(case, slice(None), 1))


def assert_same(got, want):
    for k, v in got.items():
        np.testing.assert_allclose(v, want[k], rtol=1e-11, atol=1e-12, err_msg=k)


@some("iaf_psc_alpha", "iaf_cond_exp", "hh_psc_alpha")
def test_single_precision_follows_double(case):
    with brainstate.environ.context(precision=32):
        jax.config.update("jax_enable_x64", False)
        got = loop(variants(case)[0], at(case, slice(None)), BATCH)
    want = double(case)
    assert {v.dtype for v in got.values()} == {jnp.dtype("float32")}
    assert np.array_equal(got["spikes"], want["spikes"])
    assert np.abs(got["V_m"] - want["V_m"]).max() <= case.single


@cases
def test_every_parameter_belongs_to_its_neuron(case):
    out, names = double(case), variants(case)[1]
    assert 0 < out["spikes"][:, :, 0].mean() < 0.2
    differ = [any(np.any(out[k][..., n + 1] != out[k][..., 0]) for k in ("V_m", "spikes")) for n in range(len(names))]
    assert all(differ), dict(zip(names, differ))


@cases
def test_a_batch_is_its_examples(case):
    assert_same(alone(case), {k: v[:, 1, :1] for k, v in double(case).items()})


@cases
def test_one_step_is_the_first_of_many_and_needs_no_compilation(case):
    neuron = case.kind(1)
    assert_same(loop(neuron, at(case, slice(0, 1), 1)), {k: v[:1] for k, v in alone(case).items()})
    neuron.reset_state()
    for t in range(2):
        assert_same(step(neuron, *at(case, t, 1)), {k: v[t] for k, v in alone(case).items()})


def total(case: Case, which, current, arrive, weights):
    """Weighted sum of the spikes and of the voltage under four afferents, the last inhibitory."""
    drive = arrive * weights
    events = {"ex": drive[:, :3].sum(1, keepdims=True), "in": drive[:, 3:]}
    out = loop(case.kind(1, spk_fun=case.surrogate), (jnp.broadcast_to(current, (len(arrive), 1)), events))
    time = jnp.cos(jnp.arange(len(arrive)))[:, None]
    return which @ jnp.stack([(out["spikes"] * time).sum(), (out["V_m"] * time).sum() / 10.0]), out["spikes"].sum()


@some("iaf_psc_delta", "iaf_psc_alpha", "iaf_cond_exp")
def test_gradients_reach_the_weights(case):
    arrive = jnp.asarray(np.random.default_rng(5).random((40, 4)) < 0.2, float)
    both = jax.jit(lambda *x: jax.value_and_grad(total, 4, has_aux=True)(case, *x))
    strong = case.strong * jnp.array([1.0, 0.7, 0.5, -0.2])
    for which in jnp.eye(2):
        (_, spikes), g = both(which, case.current, arrive, strong)
        assert spikes > 0 and np.isfinite(g).all() and (g != 0).all(), (which, g)
    # far from threshold there is no surrogate, and the derivative is true
    which, way = jnp.array([0.0, 1.0]), 1e-2 * strong * jnp.array([1.0, -1.0, 0.5, 0.3])
    (_, spikes), g = both(which, 0.0, arrive, 1e-2 * strong)
    up, down = (both(which, 0.0, arrive, 1e-2 * strong + h * way)[0][0] for h in (1e-2, -1e-2))
    assert spikes == 0
    np.testing.assert_allclose(g @ way, (up - down) / 2e-2, rtol=1e-6)


def test_strong_inhibition_closes_every_gate_and_lets_go():
    """Far below rest the gates are faster than the solver's step; the leak alone is left: V = E_L + I / g_L."""
    with brainstate.environ.context(dt=0.1 * u.ms):
        neuron = nest.hh_psc_alpha(2)
        brainstate.nn.init_all_states(neuron)
        strong = jnp.array([-4700.0, -20000.0])

        def one(k):
            neuron.update(jnp.where(k < 400, strong, 0.0) * u.pA)
            return neuron.V.value / u.mV

        V = np.asarray(brainstate.transform.for_loop(one, jnp.arange(800)))
    np.testing.assert_allclose(V[400], -54.402 + np.asarray(strong) / 30.0, rtol=1e-4)
    np.testing.assert_allclose(V[-1], -65.0, atol=0.5)
