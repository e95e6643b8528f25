"""Credit through readouts that remember: exact where the graph proves one decay, and offered nowhere else."""

import brainstate
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import vestige as vg
from marks import slowly
from measure import assert_close, distance, named, online
from oracle.reference import bptt
from vestige import rules
from vestige.graph import Route, routed
from zoo import MODELS, I, Model, N, Named, O, _params, matmul, reals, sig, spike, tanh, zeros

STEPS = 20


def _readout(p, s, z, x):
    return sig(p["k"]) * s["o"] + (1 - sig(p["k"])) * matmul(z, p["out"]) + 0.2 * x[:O] + p["c"]


def _lif(p, s, x, readout=_readout):
    v = sig(p["leak"]) * s["v"] * (1 - 0.5 * spike(s["v"] - 0.4)) + matmul(x, p["w"]) + p["b"]
    o = readout(p, s, spike(v - 0.5), x)
    return dict(v=v, o=o), o


def _alif(p, s, x):
    """Adaptation, a synapse, and a spike of the state before: blocks of three, read one step late."""
    z = spike(s["v"] - 0.4 - p["beta"] * s["a"])
    g = 0.6 * s["g"] + matmul(x, p["w"])
    v = 0.9 * (s["v"] - 0.4 * z) + g
    a = sig(p["leak"]) * s["a"] + z
    o = _readout(p, s, jnp.concatenate([z, tanh(v)]), x)
    return dict(v=v, a=a, g=g, o=o), tanh(o)


LIF = Model("LIF before a readout", _lif, _params(w=(I, N), b=(N,), leak=(N,), out=(N, O), k=2.0, c=(O,)),
            zeros(v=(N,), o=(O,)), reals(I), spikes=True)  # fmt: skip
ALIF = Model("ALIF before a readout", _alif, _params(w=(I, N), beta=(N,), leak=(N,), out=(2 * N, O), k=2.0, c=(O,)),
             zeros(v=(N,), a=(N,), g=(N,), o=(O,)), reals(I, scale=1.0), spikes=True)  # fmt: skip
CALLED = {
    "d_rtrl": lambda on: rules.d_rtrl(kappa=on),
    "hybrid": lambda on: rules.hybrid(kappa=on, choose=dict.fromkeys(LIF.params, "full")),
    "e_prop": lambda on: rules.e_prop(kappa=on),
}


def gradient(model, rule, xs, ys, window=None, **options):
    return named(model, online(model, Named("rule", lambda graph: rule), xs, ys, window, **options).grads)


@pytest.mark.parametrize("rule", slowly(CALLED, ["d_rtrl"]))
@pytest.mark.parametrize("window", slowly([1, 3, STEPS], [3]))
def test_one_population_and_a_leaky_readout_are_exact(rule, window):
    xs, ys = LIF.data(STEPS)
    full = named(LIF, bptt(LIF, xs, ys))
    assert_close(gradient(LIF, CALLED[rule](True), xs, ys, window), full, 1e-10)
    plain = gradient(LIF, CALLED[rule](False), xs, ys, window)
    assert distance(plain["w"], full["w"]) > 0.3 and distance(plain["out"], full["out"]) < 1e-10


def test_blocks_of_several_states_and_a_late_reading():
    xs, ys = ALIF.data(STEPS)
    full = named(ALIF, bptt(ALIF, xs, ys))
    assert_close(gradient(ALIF, rules.d_rtrl(kappa=True), xs, ys, 6), full, 1e-10)
    (q, _) = sorted(routed(ALIF.graph, Route(True)).graph.groups, key=lambda q: -q.S)
    assert q.S == 3 + 2  # three states, and a memory of each of the two parts that are read


@pytest.mark.slow
def test_a_batch_single_precision_and_one_long_factorised_window():
    xs, ys = LIF.data(STEPS, batch=3)
    one = [named(LIF, bptt(LIF, xs[:, b], ys[:, b])) for b in range(3)]
    mean = {k: np.mean([g[k] for g in one], 0) for k in one[0]}
    assert_close(gradient(LIF, rules.d_rtrl(kappa=True), xs, ys, 7, batch=3), mean, 1e-10)
    assert_close(gradient(LIF, rules.es_window(kappa=True), xs, ys, batch=3), mean, 1e-10)
    small = lambda tree: jax.tree.map(lambda a: a.astype(jnp.float32), tree)
    m = Model("single", _lif, small(LIF.params), small(LIF.state), lambda *a: small(LIF.inputs(*a)))
    assert_close(gradient(m, rules.d_rtrl(kappa=True), small(xs), small(ys), 7, batch=3), mean, 2e-4)


def test_filters_too_come_nearer_with_a_memory_before_the_readout():
    xs, ys = LIF.data(40)
    full = named(LIF, bptt(LIF, xs, ys))
    plain, kept = (gradient(LIF, rules.es_d_rtrl(0.9, kappa=k), xs, ys) for k in (False, True))
    for k in ("w", "b", "leak"):
        assert distance(kept[k], full[k]) < distance(plain[k], full[k]) - 0.02, k


@pytest.mark.slow
def test_a_given_decay_is_the_found_one_where_they_agree():
    xs, ys = LIF.data(STEPS)
    k = float(sig(LIF.params["k"]))
    found, given = (gradient(LIF, rules.d_rtrl(kappa=kappa), xs, ys, 4) for kappa in (True, k))
    assert_close(given, found, 1e-12)
    assert distance(gradient(LIF, rules.d_rtrl(kappa=0.3), xs, ys, 4)["w"], found["w"]) > 0.05
    assert_close(gradient(LIF, rules.d_rtrl(kappa=0.0), xs, ys, 4), gradient(LIF, rules.d_rtrl(), xs, ys, 4), 1e-12)


@pytest.mark.parametrize("kappa", [1.0, -0.1, 2])
def test_a_decay_lies_between_zero_and_one(kappa):
    for make in (rules.d_rtrl, rules.es_d_rtrl, rules.hybrid, rules.e_prop, rules.es_window):
        with pytest.raises(ValueError, match=r"kappa is .*\[0, 1\)"):
            make(kappa=kappa)


REFUSED = {
    "a decay for each output": lambda p, s, z, x: sig(p["c"]) * s["o"] + matmul(z, p["out"]),
    "constants that differ": lambda p, s, z, x: jnp.array([0.8, 0.9]) * s["o"] + matmul(z, p["out"]),
    "a decay that the input moves": lambda p, s, z, x: sig(x[0]) * s["o"] + matmul(z, p["out"]),
    "a gain that the input moves": lambda p, s, z, x: 0.9 * s["o"] + x[0] * matmul(z, p["out"]),
    "a reset": lambda p, s, z, x: 0.9 * s["o"] * (1 - spike(s["o"])) + matmul(z, p["out"]),
    "a nonlinear sum": lambda p, s, z, x: 0.9 * s["o"] + tanh(matmul(z, p["out"])),
}


@pytest.mark.parametrize("readout", REFUSED)
def test_where_decays_differ_nothing_is_promised(readout):
    params = {k: v for k, v in LIF.params.items() if k != "k"}
    m = Model(readout, lambda p, s, x: _lif(p, s, x, REFUSED[readout]), params, LIF.state, LIF.inputs)
    route = routed(m.graph, Route(True))
    assert not route.empty and any("is not a leaky sum with one decay" in line for line in route.graph.report.notes)
    assert any(line.startswith("out carries v into o") for line in route.graph.report.dropped)


def test_what_is_read_past_the_readout_is_not_its_memory():
    def step(p, s, x):
        v = 0.8 * s["v"] + matmul(x, p["w"])
        y = matmul(tanh(v), p["out"])
        o = 0.9 * s["o"] + y
        return dict(v=v, o=o), o + y**2

    m = Model("bypass", step, _params(w=(I, N), out=(N, O)), zeros(v=(N,), o=(O,)), reals(I))
    assert not routed(m.graph, Route(True)).empty


def test_a_readout_that_feeds_back_is_no_readout():
    def step(p, s, x):
        v = 0.8 * s["v"] + matmul(x, p["w"]) + matmul(s["o"], p["back"])
        o = 0.9 * s["o"] + matmul(tanh(v), p["out"])
        return dict(v=v, o=o), o

    m = Model("loop", step, _params(w=(I, N), out=(N, O), back=(O, N)), zeros(v=(N,), o=(O,)), reals(I))
    assert not routed(m.graph, Route(True)).empty


@pytest.mark.parametrize(
    "model", slowly(["LIF, recurrent", "stacked", "two layers, one leak", "encoder", "prelude"], ["stacked", "encoder"])
)
def test_the_report_says_what_a_memory_makes_exact(model):
    m = MODELS[model]
    xs, ys = m.data()
    full, got = named(m, bptt(m, xs, ys)), gradient(m, rules.d_rtrl(kappa=True), xs, ys, 2)
    exact = routed(m.graph, Route(True)).graph.report.exact
    assert {*m.exact} <= {*exact}
    assert {k for k in full if distance(got[k], full[k]) < 1e-10} == {*exact}


class Net(brainstate.nn.Module):
    """LIF neurons of the library and its leaky readout."""

    def __init__(self):
        super().__init__()
        import saiunit as u

        self.inp = vg.nn.Linear(I, N, w_init=brainstate.nn.init.KaimingNormal(scale=8.0, unit=u.mA))
        self.lif = vg.neurons.LIF(N, tau=20 * u.ms, V_th=1 * u.mV, R=1 * u.ohm)
        self.out = vg.nn.LeakyRateReadout(N, O, tau=10 * u.ms)

    def update(self, x):
        return self.out(self.lif(self.inp(x)))


@pytest.mark.slow
def test_learners_of_brainstate_models():
    import saiunit as u

    with brainstate.environ.context(dt=1.0 * u.ms):
        brainstate.random.seed(0)
        net = brainstate.nn.init_all_states(Net())
        rng = np.random.default_rng(0)
        xs, ys = jnp.asarray(rng.normal(size=(STEPS, I)) * 2), jnp.asarray(rng.normal(size=(STEPS, O)))
        loss = lambda out, target: ((out - target) ** 2).sum()
        grads = {}
        for name, learner in dict(bptt=vg.BPTT(net), kept=vg.D_RTRL(net, kappa=True), plain=vg.D_RTRL(net)).items():
            learner.compile_graph(xs[0])
            grads[name] = jax.tree.leaves(learner.gradients(xs, ys, loss=loss, window=3).grads)
            learner.reset()
        assert "one for all: credit through it is kept" in vg_report(net, xs)
        assert all(float(jnp.abs(a).max()) > 0 for a in grads["bptt"])
        assert max(distance(a, b) for a, b in zip(grads["kept"], grads["bptt"])) < 1e-10
        assert max(distance(a, b) for a, b in zip(grads["plain"], grads["bptt"])) > 0.3
        online_step = vg.D_RTRL(net, kappa=True)
        online_step.compile_graph(xs[0])
        total = None
        for x, y in zip(xs, ys):
            call = brainstate.transform.grad(
                lambda x=x, y=y: loss(online_step(x), y), net.states(brainstate.ParamState)
            )
            g = jax.tree.leaves(call())
            total = g if total is None else [a + b for a, b in zip(total, g)]
        assert max(distance(a, b) for a, b in zip(total, grads["bptt"])) < 1e-10


def vg_report(net, xs):
    learner = vg.EProp(net)
    learner.compile_graph(xs[0])
    learner.reset()
    return learner.report


def _normed(p, s, x):
    v = 0.8 * s["v"] + matmul(x, p["w"])
    n = (v - v.mean()) / jnp.sqrt(v.var() + 1e-3)
    u = 0.7 * s["u"] + matmul(tanh(v), p["w2"])
    o = 0.9 * s["o"] + matmul(n, p["out"])
    return dict(v=v, u=u, o=o), (o, u)


def test_neurons_that_meet_before_a_readout_have_no_memory_each():
    m = Model("norm", _normed, _params(w=(I, N), w2=(N, O), out=(N, O)), zeros(v=(N,), u=(O,), o=(O,)), reals(I))
    route = routed(m.graph, Route(True))
    assert list(route.empty) == ["memory before w2"]
    assert any(line.startswith("what out reads joins neurons") for line in route.graph.report.notes)
    xs, ys = m.data(STEPS)
    for kappa in (True, False):
        gradient(m, rules.d_rtrl(kappa=kappa), xs, ys, 5)
    with pytest.raises(vg.GraphError, match="no memory per neuron can stand before `out`.*use `kappa=False`"):
        gradient(m, rules.otpe(0.9), xs, ys)


def test_a_gain_for_each_output_does_no_harm():
    readout = lambda p, s, z, x: 0.9 * s["o"] + p["c"] * matmul(z, p["out"])
    params = {k: v for k, v in LIF.params.items() if k != "k"}
    m = Model("gains", lambda p, s, x: _lif(p, s, x, readout), params, LIF.state, LIF.inputs)
    xs, ys = m.data(STEPS)
    assert_close(gradient(m, rules.d_rtrl(kappa=True), xs, ys, 5), named(m, bptt(m, xs, ys)), 1e-10)
