"""All mechanisms in one cell: batches, and every parameter of each trained online."""

import brainstate
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import saiunit as u
from every_mechanism import ALL_MECHANISMS

import vestige as vg
from vestige import cells

INPUTS = {case.name.lower(): case.make for case in ALL_MECHANISMS if issubclass(case.make, cells.Point)}
INPUTS.pop("iclamp")
STEPS, DT, H = 30, 0.1, 1e-4


def holding(make, train):
    """The mechanism, with those of its parameters as states that are trained that `train(name)` says."""
    found = make(dur=2.0 * u.ms, amp=0.05 * u.nA) if make is cells.IClamp else make()
    values = {name: getattr(found, name) for name in found.units}
    trained = set(values) if train is all else train(make.__name__.lower())
    return make(**{k: brainstate.ParamState(jnp.ones(()) * v) if k in trained else v for k, v in values.items()})


class Everything(brainstate.nn.Module):
    """Two cells of two compartments; what arrives at all synapses and the clamp is a weight times the input."""

    def __init__(self, train, only=lambda name: True) -> None:
        super().__init__()
        shape = cells.Morphology()
        shape.add_cylinder_section("soma", 20 * u.um, 20 * u.um, 1)
        shape.add_cylinder_section("dend", 100 * u.um, 2 * u.um, 1)
        shape.connect("dend", "soma")
        self.cell = cells.MultiCompartment(2, shape, celsius=22.0)
        for case in (case for case in ALL_MECHANISMS if only(case.name.lower())):
            place = ("dend", 0.5) if issubclass(case.make, cells.Point) else None
            self.cell.insert(holding(case.make, train), place)
        rng = np.random.default_rng(0)
        self.w = vg.ETraceParam(rng.uniform(0.2, 1.0, (3, 2)), vg.MatMulOp())

    def update(self, x):
        drive = self.w.execute(x)
        unit = lambda make: 0.8 * u.nA if make is cells.Clamp else 1.0 * u.nS
        self.cell(**{name: drive * unit(make) for name, make in INPUTS.items() if name in self.cell.mechanisms})
        return self.cell.V.value / u.mV / 50


def spikes(batch=()):
    return (np.random.default_rng(1).random((STEPS, *batch, 3)) < 0.3) * 1.0


@pytest.mark.slow
def test_a_batch_is_its_examples_one_by_one():
    net, xs = Everything(lambda name: ()), jnp.asarray(spikes((3,)))
    with brainstate.environ.context(dt=DT * u.ms):

        def runner(batch_size):
            brainstate.nn.init_all_states(net, batch_size=batch_size)
            states = list(net.states(brainstate.HiddenState).values())

            @brainstate.transform.jit
            def run(xs):
                net.cell.reset_state(batch_size)
                out = brainstate.transform.for_loop(net.update, xs)
                return out, [jax.tree.leaves(s.value)[0] for s in states]

            return run

        together, last = runner(3)(xs)
        run = runner(None)
        for b in range(3):
            out, end = run(xs[:, b])
            np.testing.assert_allclose(together[:, b], out, rtol=1e-11)
            for many, one in zip(last, end, strict=True):
                np.testing.assert_allclose(many[b], one, rtol=1e-11, atol=1e-15)
    assert np.ptp(together) > 0.1


@pytest.mark.slow
def test_gradients_by_every_parameter_are_those_of_finite_differences():
    net, xs = Everything(all), jnp.asarray(spikes())
    params = net.states(brainstate.ParamState)
    assert len(params) == 1 + sum(len(case.make().units) for case in ALL_MECHANISMS)
    rng = np.random.default_rng(2)
    with brainstate.environ.context(dt=DT * u.ms):
        brainstate.nn.init_all_states(net)

        def loss():
            net.cell.reset_state()
            return ((brainstate.transform.for_loop(net.update, xs) + 1.3) ** 2).sum()

        true = brainstate.transform.jit(lambda: brainstate.transform.grad(loss, params)())()
        value = brainstate.transform.jit(loss)

        def at(state, start, way):
            state.value = jax.tree.map(lambda x: x + way, start)
            return value()

        for k, state in params.items():
            (by,), start = jax.tree.leaves(true[k]), state.value
            if k[-1] in ("delay", "dur"):  # when a pulse begins and ends is not smooth
                assert not by.any()
                continue
            way = rng.normal(size=by.shape) * (np.abs(jax.tree.leaves(start)[0]) + 0.01)
            want = (at(state, start, H * way) - at(state, start, -H * way)) / (2 * H)
            state.value = start
            assert abs(want) > 1e-8, k
            np.testing.assert_allclose((by * way).sum(), want, rtol=1e-5, atol=2e-10, err_msg=str(k))


@pytest.mark.slow
def test_synapses_and_channels_are_trained_online_as_through_time():
    chosen = {("nmda", "tau_decay"), ("kca", "g_KCa"), ("cat", "g_Ca")}
    there = {"nahh", "khh", "capool", *(name for name, _ in chosen)}
    net, xs = Everything(lambda name: {n for m, n in chosen if m == name}, there.__contains__), spikes()
    loss = lambda out, target: ((out - target) ** 2).sum()
    found = {}
    with brainstate.environ.context(dt=DT * u.ms):
        for rule, window in ((vg.D_RTRL, 7), (vg.BPTT, STEPS)):
            brainstate.nn.init_all_states(net)
            learner = rule(net)
            learner.compile_graph(xs[0])
            found[rule] = learner.gradients(xs, np.zeros(STEPS), loss=loss, window=window).grads
    assert len(found[vg.BPTT]) == 1 + len(chosen)
    for name, true in found[vg.BPTT].items():
        (a,), (b,) = jax.tree.leaves(found[vg.D_RTRL][name]), jax.tree.leaves(true)
        assert np.abs(b).max() > 0, name
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-10 * np.abs(b).max(), err_msg=str(name))
