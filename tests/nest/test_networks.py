"""Networks: delays, connections, sources and recorders, against the simulator's spikes and by their own laws."""

import runpy
from pathlib import Path

import brainstate
import jax.numpy as jnp
import numpy as np
import pytest
import saiunit as u

from vestige import nest

MS = u.ms
EXAMPLES = Path(__file__).parents[2] / "examples"
RECORDED = Path(__file__).parent / "data" / "networks.npz"


@pytest.fixture(autouse=True)
def time_step():
    with brainstate.environ.context(dt=0.1 * MS):
        yield


def recorded(name):
    """What went in and what came out of a network of the simulator."""
    with np.load(RECORDED) as data:
        return {k.split("/")[1]: v for k, v in data.items() if k.startswith(f"{name}/")}


class Replay(brainstate.nn.Module):
    """The recorded network: neurons among themselves, trains from outside."""

    def __init__(self, net):
        super().__init__()
        n, trains = len(net["V_m"]), np.arange(net["train_of"].max() + 1)
        split = lambda values: [values[net["train_of"] == k] for k in trains]
        self.neurons = nest.iaf_psc_exp(n, V_initializer=net["V_m"] * u.mV, I_e=net["I_e"] * u.pA)
        self.outside = nest.spike_generator(split(net["train_times"]), split(net["train_heights"]))
        self.line, self.far = nest.DelayLine(n), nest.DelayLine(len(trains))
        self.within = self.wire(net, self.line, "sources", "targets", "weights", "delays")
        self.drive = self.wire(net, self.far, "drives", "driven", "strengths", "latencies")
        self.meter = nest.multimeter(self.neurons, ("V_m", "I_syn_ex"))

    def wire(self, net, line, sources, targets, weights, delays):
        who = nest.from_indices(net[sources], net[targets])
        return nest.Projection(line, self.neurons, who, weight=net[weights] * u.pA, delay=net[delays] * MS)

    def update(self):
        self.within()
        self.drive()
        self.far(self.outside())
        return self.line(self.neurons()), self.meter()


def run(model, steps, **start):
    """What the model returns, stacked."""
    brainstate.nn.init_all_states(model, **start)
    return brainstate.transform.for_loop(lambda n: model(), jnp.arange(steps))


@pytest.mark.parametrize("name", ["two", "many"])
def test_spike_trains_are_those_of_the_simulator(name):
    net = recorded(name)
    spikes, seen = run(Replay(net), 2000)
    events = nest.spike_recorder(spikes)
    order = np.lexsort((net["senders"], net["steps"]))
    assert len(order) > 10
    assert np.array_equal(np.rint(events["times"].to_decimal(MS) / 0.1) - 1, net["steps"][order])
    assert np.array_equal(events["senders"], net["senders"][order])
    assert seen["V_m"].shape == spikes.shape == (2000, len(net["V_m"])) and u.get_unit(seen["V_m"]) == u.mV


@pytest.mark.parametrize("kind", ["Decision", "Jumping"])
def test_a_decision_network_spikes_as_the_simulators(kind):
    net, NE = recorded(kind), 40
    outside = np.unpackbits(net["outside"], axis=0)[:3000] * np.where(np.arange(50) < NE, 23.5, 18.0)
    # a train's own spikes arrive one step after their time
    arriving = jnp.asarray(np.concatenate([np.zeros((1, 50)), outside[:-1]]))
    model = runpy.run_path(str(EXAMPLES / "parts" / "wang.py"))[kind](NE, 10)
    brainstate.nn.init_all_states(model)
    step = lambda x: model.step(x[:NE] * u.nS, x[NE:] * u.nS)
    events = nest.spike_recorder(brainstate.transform.for_loop(step, arriving))
    order = np.lexsort((net["senders"], net["steps"]))
    assert len(order) > 150
    assert np.array_equal(np.rint(events["times"].to_decimal(MS) / 0.1) - 1, net["steps"][order])
    assert np.array_equal(events["senders"], net["senders"][order])


class Chain(brainstate.nn.Module):
    """One train, one projection, targets that cannot spike."""

    def __init__(self, source, connect, n=3, receptor="ex", neuron=nest.iaf_psc_exp, **how):
        super().__init__()
        self.source, self.line = source, nest.DelayLine(source.varshape)
        self.neurons = neuron(n)
        self.to = nest.Projection(self.line, self.neurons, connect, receptor=receptor, **how)

    def update(self):
        self.to()
        arriving = sum(v for v in self.neurons.delta_inputs.values())
        self.line(self.source())
        self.neurons()
        return u.get_mantissa(arriving)


TRAINS = [[0.1, 0.5], [0.2], [0.5, 0.5, 0.7], []]
SENT = np.zeros((12, 4))
for _k, _train in enumerate(TRAINS):
    np.add.at(SENT, (np.rint(np.array(_train) / 0.1).astype(int) - 1, _k), 1.0)
draw = np.random.default_rng(0)
W = draw.normal(size=(4, 3))


def late(sent, by):
    return np.concatenate([np.zeros((by, *sent.shape[1:])), sent])[: len(sent)]


def chain(connect, weight, delay=0.3 * MS, **more):
    return run(Chain(nest.spike_generator(TRAINS), connect, weight=weight, delay=delay, **more), 12)


@pytest.mark.parametrize("back", [1, 3, 7])
def test_a_delay_is_this_many_steps(back):
    got = chain(nest.all_to_all(), W * u.pA, delay=back * 0.1 * MS)
    np.testing.assert_allclose(got, late(SENT, back) @ W, atol=1e-12)


LISTED = [
    ("a number", nest.all_to_all(), 2.0, np.full((4, 3), 2.0)),
    ("blocks", nest.blocks([1, 3], [2, 1]), [[1.0, 2.0], [3.0, -4.0]], [[1, 1, 2], *[[3, 3, -4.0]] * 3]),
    ("pairs", nest.from_indices([0, 3, 0, 2], [1, 1, 1, 2]), [1.0, 2.0, 3.0, 4.0], [[0, 4, 0], [0, 0, 0], [0, 0, 4], [0, 2, 0]]),
    ("csr", nest.from_csr([0, 2, 1], [0, 2, 2, 3, 3]), [1.0, 2.0, 3.0], [[1, 0, 2], [0, 0, 0], [0, 3, 0], [0, 0, 0]]),
    ("mask", nest.from_mask(W > 0.1), 2.0, 2.0 * (W > 0.1)),
]  # fmt: skip


@pytest.mark.parametrize("connect, weight, matrix", [row[1:] for row in LISTED], ids=[row[0] for row in LISTED])
def test_every_rule_is_its_matrix(connect, weight, matrix):
    for held in (np.asarray(weight) * u.pA, brainstate.ParamState(jnp.asarray(weight) * u.pA)):
        np.testing.assert_allclose(chain(connect, held), late(SENT, 3) @ np.asarray(matrix, float), atol=1e-12)


def test_connections_have_delays_of_their_own():
    delays = draw.integers(1, 6, (4, 3))
    want = sum(late(SENT[:, [i]] * W[i], delays[i, j])[:, j, None] * np.eye(3)[j] for i in range(4) for j in range(3))
    np.testing.assert_allclose(chain(nest.all_to_all(), W * u.pA, delay=delays * 0.1 * MS), want, atol=1e-12)
    rows, cols = np.indices((4, 3)).reshape(2, -1)
    listed = chain(nest.from_indices(rows, cols), W.reshape(-1) * u.pA, delay=delays.reshape(-1) * 0.1 * MS)
    np.testing.assert_allclose(listed, want, atol=1e-12)


def test_pairs_and_populations_without_themselves():
    square = nest.spike_generator(TRAINS)
    one = run(Chain(square, nest.one_to_one(), n=4, weight=np.arange(4.0) * u.pA), 12)
    np.testing.assert_allclose(one, late(SENT, 10) * np.arange(4.0), atol=1e-12)
    others = run(Chain(square, nest.all_to_all(allow_autapses=False), n=4, weight=2.0 * u.pA), 12)
    np.testing.assert_allclose(others, late(SENT, 10) @ (2.0 * (1 - np.eye(4))), atol=1e-12)


@pytest.mark.parametrize("multapses, autapses", [(True, True), (False, True), (True, False), (False, False)])
def test_in_degrees_are_fixed(multapses, autapses):
    made = nest.fixed_indegree(5, seed=1, allow_multapses=multapses, allow_autapses=autapses)(7, 7)
    matrix = np.zeros((7, 7))
    np.add.at(matrix, (made.rows, made.cols), 1)
    assert (matrix.sum(0) == 5).all()
    assert (matrix.max() > 1) == multapses and (np.trace(matrix) > 0) == autapses


def test_without_a_receptor_each_connection_goes_by_its_sign():
    net = Chain(nest.spike_generator(TRAINS), nest.all_to_all(), receptor=None, weight=W * u.pA, delay=0.1 * MS)
    run(net, 6)
    sent = SENT[:5] * np.exp(-0.1 / 2.0) ** np.arange(4, -1, -1)[:, None]
    np.testing.assert_allclose(net.neurons.I_syn_ex.value.to_decimal(u.pA), sent.sum(0) @ np.maximum(W, 0), atol=1e-12)
    np.testing.assert_allclose(net.neurons.I_syn_in.value.to_decimal(u.pA), sent.sum(0) @ np.minimum(W, 0), atol=1e-12)


def test_states_may_lead_with_a_batch_and_steps_compile():
    net = recorded("two")
    one, _ = run(Replay(net), 600)
    model = Replay(net)
    brainstate.nn.init_all_states(model, batch_size=2)
    step = brainstate.transform.jit(model.update)
    several = np.stack([np.asarray(step()[0]) for _ in range(600)])
    assert several.shape == (600, 2, 2) and one.sum() > 2
    assert np.array_equal(several[:, 0], one) and np.array_equal(several[:, 1], one)
    brainstate.nn.reset_all_states(model, batch_size=2)
    assert not model.line.past.value.any() and int(model.line.turn.value) == int(model.outside.count.value) == 0
