"""aeif_cond_exp, aeif_cond_alpha, gif_psc_exp, izhikevich, glif_psc: the simulator's runs, laws, gradients, a likelihood."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import brainstate
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import saiunit as u
from more_cases import CASES, DT, EVERY, Case

from marks import slowly
from vestige import nest

RECORDED = dict(np.load(Path(__file__).parent / "data" / "more.npz"))
AEIF = {
    **dict.fromkeys(("V_reset", "V_peak", "Delta_T"), u.mV),
    "b": u.pA,
    "I_e": u.pA,
    "a": u.nS,
    "t_ref": u.ms,
    "tau_w": u.ms,
}
UNITS = {
    "aeif_cond_exp": AEIF,
    "aeif_cond_alpha": AEIF,
    "gif_psc_exp": {
        **dict.fromkeys(("Delta_V", "V_reset", "q_sfa"), u.mV),
        **dict.fromkeys(("t_ref", "tau_sfa", "tau_stc"), u.ms),
        "q_stc": u.pA,
    },
    "glif_psc": {
        **dict.fromkeys(("tau_syn", "t_ref"), u.ms),
        **dict.fromkeys(("th_spike_add", "voltage_reset_add"), u.mV),
        **dict.fromkeys(("asc_init", "asc_amps"), u.pA),
        **dict.fromkeys(("th_spike_decay", "th_voltage_index", "th_voltage_decay"), 1 / u.ms),
    },
    "izhikevich": {**dict.fromkeys(("c", "d", "V_th", "V_min"), u.mV), "I_e": u.pA},
}


def with_units(case: Case) -> dict:
    """A case's parameters as the library takes them."""
    units = UNITS[case.model]
    unit = lambda k, v: [x * units.get(k, 1) for x in v] if isinstance(v, list) else v * units[k] if k in units else v
    # the simulator alone needs the first currents twice
    return {k: unit(k, v) for k, v in case.parameters.items() if k != "ASCurrents"}


def fed(case: Case) -> dict:
    """What arrives, `[steps, 1]`, by receptor."""
    each = case.trains() * np.array(case.weights)
    if case.ports:
        return {n: jnp.asarray(each[:, np.equal(case.ports, n)].sum(1, keepdims=True)) for n in set(case.ports)}
    clip = {"ex": np.maximum, "in": np.minimum}
    return {k: jnp.asarray(f(each, 0.0).sum(1, keepdims=True)) for k, f in clip.items()}


def play(neuron, currents, events, batch=None, loop=brainstate.transform.for_loop) -> dict[str, np.ndarray]:
    """Recordables and spikes by time."""
    with brainstate.environ.context(dt=DT * u.ms):
        brainstate.nn.init_all_states(neuron, batch_size=batch)

        def one(x):
            spikes = neuron.update(jnp.broadcast_to(x[0], neuron.V.value.shape) * u.pA, x[1])
            return {**{k: u.get_mantissa(v) for k, v in neuron.record().items()}, "spikes": spikes}

        return jax.tree.map(np.asarray, loop(one, jax.tree.map(jnp.asarray, (currents, events))))


@cache
def played(name: str) -> dict[str, np.ndarray]:
    case = CASES[name]
    # as fine as the simulator's own steps
    fine = {"sub_steps": 40} if case.model.startswith("aeif") else {}
    out = play(getattr(nest, case.model)(1, **with_units(case), **fine), case.current()[:, None], fed(case))
    return {k: v[:, 0] for k, v in out.items()}


def recorded(name: str) -> dict[str, np.ndarray]:
    return {k.split("/")[1]: v for k, v in RECORDED.items() if k.startswith(f"{name}/")}


# closed forms; a conductance, and a voltage on the upstroke, are as near as the simulator's tolerance lets them be
EXACT = {"izhikevich": 1e-10, "glif_psc": 2e-11, "gif_psc_exp": 5e-13}
AEIF_NEAR = {"V_m": 0.5, "w": 0.15, "g_ex": 1e-5, "g_in": 1e-6}


@pytest.mark.parametrize("name", [n for n in CASES if n != "aeif_several_in_a_step"])
def test_every_step_is_the_simulators(name):
    out, want, model = played(name), recorded(name), CASES[name].model
    assert len(want["spikes"]) > 3 and np.array_equal(np.flatnonzero(out["spikes"]), want.pop("spikes"))
    assert want.keys() == set(getattr(nest, model).RECORDABLES)
    for k, v in want.items():
        bound = EXACT[model] if model in EXACT else AEIF_NEAR[k]
        assert np.abs(out[k][::EVERY] - v).max() <= bound, k


def test_several_spikes_in_one_step_are_counted_and_each_adapts():
    out, want = played("aeif_several_in_a_step"), recorded("aeif_several_in_a_step")
    counts = np.bincount(want["spikes"], minlength=len(out["spikes"]))
    assert counts.max() == out["spikes"].max() == 6
    # a spike near the end of a step may fall into the next one; none is lost or made
    assert np.abs(np.cumsum(out["spikes"] - counts)).max() <= 1 and out["spikes"].sum() == counts.sum()
    assert np.abs(out["w"][::EVERY] - want["w"]).max() <= 1.01 * 5.0


@dataclass(frozen=True, eq=False)
class Kind:
    """A model near its threshold. `wrong`: what it refuses. `single`: how near float32 comes, mV."""

    make: Callable[..., nest.NESTNeuron]
    current: float
    strong: float
    single: float
    wrong: dict[str, Any]
    ports: tuple[Any, Any] = ("ex", "in")
    coarse: dict[str, int] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return self.make(1).__class__.__name__


SURE = dict(Delta_V=0.001 * u.mV, V_initializer=-45.0 * u.mV, V_T_star=-40.0 * u.mV)
KERNELS = dict(tau_sfa=[30.0 * u.ms], q_sfa=[2.0 * u.mV], tau_stc=[9.0 * u.ms], q_stc=[20.0 * u.pA])
LEVEL = dict(spike_dependent_threshold=True, after_spike_currents=True, adapting_threshold=True)
WRONG = {"C_m": 0.0 * u.pF, "t_ref": -1.0 * u.ms, "V_reset": 1.0 * u.nS}
AEIF_WRONG = {
    **WRONG, "V_peak": -61.0 * u.mV, "V_th": 1.0 * u.mV, "Delta_T": 0.05 * u.mV, "tau_w": 0.0 * u.ms,
    "a": 1.0 * u.pA, "b": 1.0 * u.nS, "tau_syn_ex": 0.0 * u.ms, "tau_syn_in": -1.0 * u.ms, "sub_steps": 0,
    "E_L": np.full(3, -70.0) * u.mV,
}  # fmt: skip
AEIF_MADE = dict(V_initializer=-52.0 * u.mV)
KINDS = [
    Kind(lambda n, **p: nest.aeif_cond_exp(n, **AEIF_MADE, **p), 900.0, 20.0, 2e-2, AEIF_WRONG, coarse={"sub_steps": 1}),
    Kind(lambda n, **p: nest.aeif_cond_alpha(n, **AEIF_MADE, **p), 900.0, 5.0, 2e-2, AEIF_WRONG, coarse={"sub_steps": 1}),
    Kind(
        lambda n, **p: nest.gif_psc_exp(n, **{**SURE, **KERNELS, **p}), 250.0, 100.0, 1e-3,
        {
            **WRONG, "g_L": 0.0 * u.nS, "Delta_V": 0.0 * u.mV, "lambda_0": -1.0 * u.Hz, "q_sfa": [], "tau_stc": [],
            "tau_sfa": [0.0 * u.ms], "q_stc": [1.0 * u.mV], "tau_syn_ex": 0.0 * u.ms, "tau_syn_in": 0.0 * u.ms,
        },
    ),
    Kind(
        lambda n, **p: nest.izhikevich(n, **p), 25.0, 8.0, 2e-2,
        {"c": 30.0 * u.mV, "d": 8.0 * u.pA, "V_th": -70.0 * u.mV, "I_e": 1.0 * u.mV, "V_min": 1.0, "b": 0.2 * u.mV},
    ),
    Kind(
        lambda n, **p: nest.glif_psc(n, **{"V_initializer": -60.0 * u.mV, **LEVEL, **p}), 500.0, 100.0, 1e-3,
        {
            **WRONG, "t_ref": 0.0 * u.ms, "g": 0.0 * u.nS, "asc_r": [1.0], "tau_syn": [0.0 * u.ms], "asc_amps": [1.0, 1.0],
            "adapting_threshold": True, "th_spike_decay": -0.1 / u.ms, "V_th": -90.0 * u.mV,
        },
        (1, 1),
    ),
]  # fmt: skip
some = lambda *fast: pytest.mark.parametrize("kind", slowly(KINDS, fast), ids=lambda kind: kind.name)
kinds = some("aeif_cond_exp", "gif_psc_exp", "izhikevich", "glif_psc")
NEURONS, BATCH, LONG = 3, 2, 150


@pytest.mark.parametrize("kind, key", [(k, w) for k in KINDS for w in k.wrong], ids=lambda x: getattr(x, "name", x))
def test_bad_parameters_raise(kind, key):
    left_out = dict.fromkeys(LEVEL, False) if key == "adapting_threshold" else {}
    with pytest.raises((ValueError, u.UnitMismatchError), match=f"{key}|does not fit|cannot be broadcast"):
        kind.make(2, **{**left_out, key: kind.wrong[key]})


def inputs(kind: Kind) -> tuple[np.ndarray, dict[Any, np.ndarray]]:
    """Current and weights that arrive, `[steps, batch, 1]`."""
    draw = np.random.default_rng(3)
    ex = kind.strong * (draw.random((LONG, BATCH, 1)) < 0.08)
    less = -0.5 * kind.strong * (draw.random((LONG, BATCH, 1)) < 0.04)
    one, other = kind.ports
    return kind.current * draw.uniform(0.9, 1.1, (LONG, BATCH, 1)), {one: ex, other: less} if one != other else {
        one: ex + less
    }


@cache
def batched(kind: Kind) -> dict[str, np.ndarray]:
    out = play(kind.make(NEURONS), *inputs(kind), BATCH)
    assert out["spikes"].shape == (LONG, BATCH, NEURONS) and 0 < out["spikes"].mean() < 0.2
    return out


@kinds
def test_single_precision_follows_double(kind):
    want = batched(kind)
    with brainstate.environ.context(precision=32):
        jax.config.update("jax_enable_x64", False)
        got = play(kind.make(NEURONS), *inputs(kind), BATCH)
    assert {v.dtype for v in got.values()} == {np.dtype("float32")}
    assert np.array_equal(got["spikes"], want["spikes"])
    assert np.abs(got["V_m"] - want["V_m"]).max() <= kind.single


@kinds
def test_a_batch_is_its_members(kind):
    current, events = inputs(kind)
    alone = play(kind.make(NEURONS), current[:, 1], {k: v[:, 1] for k, v in events.items()})
    for k, v in batched(kind).items():
        np.testing.assert_allclose(v[:, 1], alone[k], rtol=1e-12, atol=1e-12, err_msg=k)


@some("izhikevich")
def test_compiled_is_eager(kind):
    def eager(one, xs):
        steps = [one((xs[0][k], {n: v[k] for n, v in xs[1].items()})) for k in range(len(xs[0]))]
        return jax.tree.map(lambda *v: jnp.stack(v), *steps)

    current, events = jax.tree.map(lambda x: x[:6], inputs(kind))
    want, got = (play(kind.make(NEURONS, **kind.coarse), current, events, BATCH, *how) for how in ((), (eager,)))
    for k, v in want.items():
        np.testing.assert_allclose(got[k], v, rtol=1e-12, atol=1e-12, err_msg=k)


@kinds
def test_spikes_and_voltages_reach_the_weights_that_arrived(kind):
    steps, neuron = 40, kind.make(NEURONS)
    arrive = (np.random.default_rng(1).random((steps, NEURONS)) < 0.2) * 1.0
    current = np.full((steps, NEURONS), kind.current)

    def run(size):
        def one(x):
            spikes = neuron.update(x[0] * u.pA, {kind.ports[0]: x[1] * size})
            return spikes, u.get_mantissa(neuron.V.value)

        brainstate.nn.init_all_states(neuron)
        spikes, V = brainstate.transform.for_loop(one, (jnp.asarray(current), jnp.asarray(arrive)))
        return jnp.stack([(spikes * jnp.arange(steps)[:, None]).sum(), ((V / 50.0) ** 2).sum()])

    with brainstate.environ.context(dt=DT * u.ms):
        by_size = brainstate.transform.jit(brainstate.transform.jacrev(run))(jnp.full(NEURONS, kind.strong))
    assert np.isfinite(by_size).all() and (np.abs(by_size) > 0).all()
