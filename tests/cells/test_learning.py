"""Cells that learn: synapses, channels and passive parameters trained online are trained as through time."""

from functools import lru_cache

import brainstate
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import saiunit as u

import vestige as vg
from marks import slowly
from vestige import cells
from vestige.cells.morphology import CAPACITANCE, RESISTIVITY

CELLS, INPUTS, T, DT = 2, 3, 16, 0.2


def branched(nseg: int = 1) -> cells.Morphology:
    """A soma and two dendrites at its end: three compartments and a branch point, with one segment each."""
    m = cells.Morphology()
    m.add_cylinder_section("soma", 20 * u.um, 20 * u.um)
    for name, diam in (("a", 2.0), ("b", 1.0)):
        m.add_cylinder_section(name, 120 * u.um, diam * u.um, nseg)
        m.connect(name, "soma", 1.0)
    return m


class Net(brainstate.nn.Module):
    """Spikes come in through weights onto every compartment; channels and cable are parameters too.

    Shared numbers, one a compartment, one a cell, and one for all of these.
    """

    def __init__(self, nseg: int = 1, dtype=float) -> None:
        super().__init__()
        trained = lambda x: brainstate.ParamState(jax.tree.map(lambda a: jnp.asarray(a, dtype), x))
        C = 1 + 2 * nseg
        self.Ra = trained(np.linspace(100.0, 200.0, C) * RESISTIVITY)
        self.cm = trained(1.1 * CAPACITANCE)
        self.V_th = trained(-10.0 * u.mV)
        self.cell = cells.MultiCompartment(CELLS, branched(nseg), Ra=self.Ra, cm=self.cm, V_th=self.V_th)
        self.cell.insert(cells.HH(g_Na=trained(0.12 * cells.DENSITY)), "soma")
        g, E = np.linspace(1e-4, 3e-4, C), np.linspace(-70.0, -60.0, CELLS * C).reshape(CELLS, C)
        self.cell.insert(cells.Leak(g_L=trained(g * cells.DENSITY), E_L=trained(E * u.mV)))
        # as much current for all compartments together, however many
        weight = np.random.default_rng(0).uniform(-0.2, 1.0, (INPUTS, CELLS * C)) * 3 / C
        self.w = vg.ETraceParam({"weight": jnp.asarray(weight, dtype) * u.nA}, vg.MatMulOp())

    def update(self, x):
        spikes = self.cell(self.w.execute(x).reshape((*x.shape[:-1], *self.cell.varshape)))
        return self.cell.V.value[..., 0] / u.mV / 50, spikes


def loss(out, target):
    V, spikes = out
    return ((V - target) ** 2).sum() + 0.3 * spikes.sum()


def trains(seed: int = 1) -> np.ndarray:
    return (np.random.default_rng(seed).random((T, INPUTS)) < 0.4) * 1.0


def started(rule=vg.D_RTRL, nseg: int = 1, **more):
    """A learner, and what makes its gradients of a train of spikes."""
    net = Net(nseg)
    with brainstate.environ.context(dt=DT * u.ms, precision=64):
        brainstate.nn.init_all_states(net)
        learner = rule(net, **more)
        learner.compile_graph(trains()[0])
    return learner


def gradients(learner, window: int, xs=None):
    xs = trains() if xs is None else xs
    with brainstate.environ.context(dt=DT * u.ms, precision=64):
        learner.reset()
        return learner.gradients(xs, np.zeros((len(xs), 1)), loss=loss, window=window)


online, through_time = lru_cache(lambda: started()), lru_cache(lambda: started(vg.BPTT))
truth = lru_cache(lambda: gradients(through_time(), T))


def assert_alike(a, b, rtol: float) -> None:
    for name, want in b.items():
        found, want = jax.tree.leaves(a[name])[0], jax.tree.leaves(want)[0]
        assert np.abs(want).max() > 0, name
        np.testing.assert_allclose(found, want, rtol=0, atol=rtol * np.abs(want).max(), err_msg=str(name))


def test_cells_are_alive():
    V, spikes = truth().outputs
    assert np.asarray(spikes).sum() >= 1 and np.ptp(np.asarray(V)) > 1
    assert len(truth().grads) == 7


@pytest.mark.parametrize("window", slowly([1, 7, T], [1]))
def test_online_is_as_through_time(window):
    found = gradients(online(), window)
    assert_alike(found.grads, truth().grads, 1e-10)
    np.testing.assert_allclose(found.losses, truth().losses, rtol=1e-12)


def test_the_report_says_that_it_is_exact():
    report = online().graph.report
    assert len(report.exact) == 7 and not report.dropped
    assert "D-RTRL is exact here" in str(report) and f"{CELLS} positions with blocks of 6" in str(report)


@pytest.mark.slow
@pytest.mark.parametrize("nseg", [1, 100])
def test_through_time_is_as_finite_differences_through_the_implicit_solve(nseg):
    # weak input: a spike is not smooth
    learner = started(vg.BPTT, nseg=nseg)
    net, xs, rng = learner.model, 0.2 * trains()[:6], np.random.default_rng(3)
    true = gradients(learner, 6, xs)
    assert not np.asarray(true.outputs[1]).any()
    with brainstate.environ.context(dt=DT * u.ms, precision=64):

        @brainstate.transform.jit
        def total():
            net.cell.reset_state()
            return (brainstate.transform.for_loop(net.update, xs)[0] ** 2).sum()

        def along(state, way):
            start, found = state.value, 0.0
            # of fourth order in the step
            for e, c in ((1e-3, 8.0), (-1e-3, -8.0), (2e-3, -1.0), (-2e-3, 1.0)):
                state.value = jax.tree.map(lambda a, e=e: a + e * way, start)
                found += c * total() / 12e-3
            state.value = start
            return found

        checked = 0
        for name, state in net.states(brainstate.ParamState).items():
            by = jax.tree.leaves(true.grads[name])[0]
            if not by.any():  # the threshold: nothing fires
                continue
            way = rng.choice([-1.0, 1.0], by.shape) * np.abs(jax.tree.leaves(state.value)[0])
            np.testing.assert_allclose(along(state, way), (by * way).sum(), rtol=1e-6, err_msg=str(name))
            checked += 1
    assert checked == 6


@pytest.mark.slow
def test_a_block_of_two_hundred_is_pushed_and_as_exact():
    found, true = (started(rule, nseg=100) for rule in (vg.D_RTRL, vg.BPTT))
    assert "blocks of 204, pushed by forward mode" in str(found.report)
    assert_alike(gradients(found, 8).grads, gradients(true, T).grads, 1e-10)


@pytest.mark.slow
def test_a_batch_is_its_examples_one_by_one():
    xs = np.stack([trains(1), trains(2)], 1)
    net = Net()
    with brainstate.environ.context(dt=DT * u.ms, precision=64):
        brainstate.nn.init_all_states(net)
        learner = vg.D_RTRL(net)
        learner.compile_graph(xs[0, 0], batch_size=2)
    together = gradients(learner, 1, xs)
    singles = [gradients(online(), 1, xs[:, b]).grads for b in range(2)]
    assert_alike(together.grads, jax.tree.map(lambda a, b: a + b, *singles), 1e-10)


@pytest.mark.slow
def test_single_precision_is_near():
    with brainstate.environ.context(dt=DT * u.ms, precision=32):
        net = Net(dtype=jnp.float32)
        brainstate.nn.init_all_states(net)
        learner = vg.D_RTRL(net)
        xs = trains().astype(np.float32)
        learner.compile_graph(xs[0])
        found = learner.gradients(xs, np.zeros((T, 1), np.float32), loss=loss, window=1)
    brainstate.environ.set(precision=64)
    assert {a.dtype for a in jax.tree.leaves(found.grads)} == {jnp.dtype("float32")}
    assert_alike(found.grads, truth().grads, 1e-3)
