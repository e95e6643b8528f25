"""Every model learns online: D-RTRL equals BPTT through the buffered current and through every receptor."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import brainstate
import jax.numpy as jnp
import numpy as np
import pytest
import saiunit as u

import vestige as vg
from marks import slowly
from vestige import nest

N_IN, N, STEPS = 3, 4, 24
name = lambda case: case.name


@dataclass(frozen=True, eq=False)
class Case:
    """A population of four, near its threshold. `current`: pA per input; `weights`: by receptor, in the model's unit."""

    make: Callable[[], Any]
    current: float
    weights: dict[str | int, float]
    dt: float = 0.5

    @property
    def name(self) -> str:
        return type(self.make()).__name__


def trained(value: float, unit: u.Unit) -> brainstate.ParamState:
    """A parameter of each neuron, slightly different."""
    return brainstate.ParamState(value * (1.0 + 0.02 * jnp.arange(N)) * unit)


near = lambda low, high: jnp.linspace(low, high, N) * u.mV
PORTS = jnp.linspace(1.0, 6.0, N * N_IN).reshape(N, N_IN) * u.nS
SIGNED = lambda size, against=0.7: {"ex": size, "in": -against * size}
CASES = [
    Case(lambda: nest.iaf_psc_exp(N, tau_m=trained(10.0, u.ms), V_initializer=near(-66, -56)), 250.0, SIGNED(300.0)),
    Case(lambda: nest.iaf_psc_alpha(N, C_m=trained(250.0, u.pF), V_initializer=near(-66, -56)), 250.0, SIGNED(300.0)),
    Case(lambda: nest.iaf_psc_delta(N, E_L=trained(-70.0, u.mV), V_initializer=near(-66, -56)), 250.0, SIGNED(2.0)),
    Case(lambda: nest.iaf_cond_exp(N, g_L=trained(16.67, u.nS), V_initializer=near(-66, -56)), 600.0, SIGNED(40.0, 0.05)),
    Case(lambda: nest.iaf_cond_alpha(N, C_m=trained(250.0, u.pF), V_initializer=near(-66, -56)), 600.0, SIGNED(20.0, 0.05)),
    Case(lambda: nest.hh_psc_alpha(N, g_Na=trained(12000.0, u.nS)), 600.0, SIGNED(500.0), 0.1),
    Case(lambda: nest.aeif_cond_exp(N, a=trained(4.0, u.nS), V_initializer=near(-60, -45)), 700.0, SIGNED(10.0, 0.1)),
    Case(lambda: nest.aeif_cond_alpha(N, b=trained(80.5, u.pA), V_initializer=near(-60, -45)), 700.0, SIGNED(10.0, 0.1)),
    Case(lambda: nest.izhikevich(N, b=trained(0.2, u.UNITLESS), V_initializer=near(-60, -50)), 15.0, SIGNED(5.0)),
    Case(
        lambda: nest.glif_psc(
            N, C_m=trained(58.72, u.pF), V_initializer=near(-65, -53), tau_syn=[2.0 * u.ms, 5.0 * u.ms],
            spike_dependent_threshold=True, after_spike_currents=True, adapting_threshold=True,
        ),
        500.0, {1: 100.0, 2: -70.0},
    ),
    Case(
        lambda: nest.gif_psc_exp(
            N, g_L=trained(4.0, u.nS), V_initializer=near(-60, -46), V_T_star=-45.0 * u.mV, tau_sfa=[30.0 * u.ms],
            q_sfa=[2.0 * u.mV], tau_stc=[9.0 * u.ms], q_stc=[20.0 * u.pA], rng=brainstate.random.RandomState(3),
        ),
        250.0, SIGNED(100.0),
    ),
    Case(
        lambda: nest.iaf_bw_2001_exact(
            N, g_L=trained(25.0, u.nS), nmda_weights=brainstate.ParamState(PORTS), V_initializer=near(-66, -56)
        ),
        500.0, {"AMPA": 10.0, "GABA": 5.0},
    ),
    Case(
        lambda: nest.iaf_bw_2001(N, tau_decay_NMDA=trained(100.0, u.ms), V_initializer=near(-66, -56)),
        500.0, {"AMPA": 10.0, "GABA": 5.0, "NMDA": 3.0},
    ),
]  # fmt: skip


class Net(brainstate.nn.Module):
    """Inputs to a population, as a current and at its receptors; voltages and spikes come out."""

    def __init__(self, case: Case):
        super().__init__()
        self.neuron, self.case = case.make(), case
        draw = np.random.default_rng(3)
        weight = lambda size: brainstate.ParamState(jnp.asarray(size * draw.uniform(0.2, 1.0, (N_IN, N))))
        self.current = weight(case.current)
        self.weights = {k: weight(size) for k, size in case.weights.items()}

    def update(self, x):
        events = {k: vg.matmul(x, w.value) for k, w in self.weights.items()}
        if isinstance(self.neuron, nest.iaf_bw_2001_exact):  # its ports have the weights, and take numbers of spikes
            events["NMDA"] = jnp.broadcast_to(x, (N, N_IN))
        z = self.neuron(vg.matmul(x, self.current.value) * u.pA, events)
        return z, self.neuron.V.value.to_decimal(u.mV)


def loss(out, target):
    z, V = out
    return jnp.sum((z - target) ** 2) + 1e-4 * jnp.sum((V + 60.0) ** 2)


def learned(case, rule, steps=STEPS, **options):
    with brainstate.environ.context(dt=case.dt * u.ms):
        net = Net(case)
        brainstate.nn.init_all_states(net)
        learner = rule(net)
        draw = np.random.default_rng(5)
        xs = jnp.asarray((draw.random((steps, N_IN)) < 0.5) * 1.0)
        targets = jnp.asarray((draw.random((steps, N)) < 0.3) * 1.0)
        learner.compile_graph(xs[0])
        return learner, learner.gradients(xs, targets, loss=loss, **options)


def flat(grads):
    return {k: np.asarray(u.get_mantissa(v)) for k, v in grads.items()}


@pytest.mark.parametrize("case", slowly(CASES, ["iaf_psc_delta", "iaf_cond_exp"]), ids=name)
def test_d_rtrl_is_bptt(case):
    learner, got = learned(case, vg.D_RTRL, window=5)
    _, want = learned(case, vg.BPTT)
    z = np.asarray(got.outputs[0])
    assert 0 < z.mean() < 0.9, "a silent population learns nothing"
    got, want = flat(got.grads), flat(want.grads)
    assert set(got) == set(want) and len(got) > 3
    for k, w in want.items():
        assert np.abs(w).max() > 0, f"{k} has no gradient: the comparison would mean nothing"
        assert np.linalg.norm(got[k] - w) <= 1e-10 * np.linalg.norm(w), k
    assert not learner.graph.report.dropped, learner.graph.report


@pytest.mark.parametrize("case", slowly(CASES, ["iaf_psc_exp"]), ids=name)
def test_es_d_rtrl_is_exact_at_one_step_and_learns_over_many(case):
    _, got = learned(case, lambda net: vg.ES_D_RTRL(net, decay_or_rank=0.9), steps=1)
    _, want = learned(case, vg.BPTT, steps=1)
    for k, w in flat(want.grads).items():
        assert np.abs(flat(got.grads)[k] - w).max() <= 1e-11 * max(np.abs(w).max(), 1e-3), k
    _, many = learned(case, lambda net: vg.ES_D_RTRL(net, decay_or_rank=0.9), window=5)
    assert all(np.isfinite(g).all() and np.abs(g).max() > 0 for g in flat(many.grads).values())
