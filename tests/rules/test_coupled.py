"""Rules that follow credit from neuron to neuron: exact where all of it is kept, between D-RTRL and BPTT where it is not."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import vestige as vg
from marks import slowly
from measure import assert_close, assert_same, distance, loss, named, online, part
from oracle.reference import bptt
from runs import Runs
from vestige import GraphError, gradients, init, rules, trace_graph
from vestige.rules.kept import told
from vestige.rules.snap import within
from zoo import ALL_MODELS, COUPLED, MODELS, RULES, I, Model, N, O, T, draw, matmul, name, reals, tanh, zeros

QUICK = {"LIF, recurrent", "embedding", "mixing"}
B = 3


@pytest.fixture(
    scope="module",
    params=slowly(ALL_MODELS, QUICK),
    ids=name,
)
def runs(request):
    yield Runs(request.param, COUPLED)
    jax.clear_caches()


def test_one_step_is_exact(runs):
    """Law 1."""
    now = part(runs.xs, 0, 1), part(runs.ys, 0, 1)
    want, (run, carries) = runs.named(bptt(runs.model, *now)), runs.by_one
    for rule, out in run(carries, *now).items():
        got = runs.named(out.grads)
        for k, w in want.items():
            assert np.abs(got[k] - w).max() < 1e-11 * max(np.abs(w).max(), 1e-3), (rule, k)


def test_all_that_is_reached_is_bptt(runs):
    """Law 4: nothing is left out once n steps, or k paths, reach everything."""
    for rule in ("snap, all", "random_path, all"):
        if rule not in runs.refused:
            assert_close(runs.named(runs.steps[0][rule]), runs.full, 1e-10)


def test_what_acts_on_its_own_future_alone_is_exact_at_one_step_of_reach(runs):
    """Where D-RTRL is exact there are no couplings to leave out, nor to draw from."""
    for rule in ("snap 1", "snap 2") if runs.model.local else ():
        assert_close(runs.named(runs.steps[0][rule]), runs.full, 1e-10, runs.model.exact)


def test_every_parameter_is_learned(runs):
    """Law 7."""
    for rule in runs.rules:
        for k, g in runs.named(runs.steps[0][rule.name]).items():
            assert np.isfinite(g).all() and (np.abs(g).max() > 0 or k in runs.model.graph.report.unread), (rule.name, k)


def test_only_what_cannot_be_is_refused(runs):
    assert set(runs.refused) <= {"snap 1", "snap 2", "snap, all", "ostl, recurrent", "kf_rtrl"}
    assert bool(runs.refused) == (runs.model.index or not runs.model.local)
    for reason in runs.refused.values():
        assert "`uoro()`" in reason


# ------------------------------------------------------------------------------------------------------- sparse influence
@pytest.mark.parametrize("model", slowly(["vanilla RNN", "LIF, recurrent", "LSTM, split"], ["vanilla RNN"]))
def test_longer_reach_comes_nearer(model):
    """One step of reach is not enough, and points the right way; two are, in one layer."""
    m = MODELS[model]
    xs, ys = m.data()
    flat = lambda grads: np.concatenate([g.ravel() for g in named(m, grads).values()])
    want = flat(bptt(m, xs, ys))
    first, second = (flat(online(m, RULES[k], xs, ys).grads) for k in ("snap 1", "snap 2"))
    assert 1e-3 < distance(first, want) < 1 and distance(second, want) < 1e-10
    assert first @ want / np.linalg.norm(first) / np.linalg.norm(want) > 0.9


@pytest.mark.parametrize("rule", slowly(["snap 1", "snap, all", "ostl, recurrent"], ["snap 1"]))
@pytest.mark.parametrize("model", slowly(["stacked", "sparse, recurrent"], ["sparse, recurrent"]))
def test_windows_do_not_change_the_estimator(model, rule):
    """Law 3: whatever the window, the rule sees one step."""
    m = MODELS[model]
    xs, ys = m.data()
    one, three = (online(m, RULES[rule], xs, ys, window) for window in (1, 3))
    assert_close(named(m, one.grads), named(m, three.grads), 1e-12)
    assert_same(one.carry.trace, three.carry.trace, 1e-12)


@pytest.mark.parametrize("rule", slowly(["snap 1", "ostl, recurrent", "random_path, all"], ["snap 1"]))
def test_a_batch_is_its_examples(rule):
    m = MODELS["LIF, recurrent"]
    xs, ys = m.data(batch=B)
    together = named(m, online(m, RULES[rule], xs, ys, 3, batch=B).grads)
    alone = [online(m, RULES[rule], xs[:, b], ys[:, b], 3).grads for b in range(B)]
    assert_close(together, named(m, jax.tree.map(lambda *g: sum(g) / B, *alone)), 1e-11)


@pytest.mark.parametrize(
    "model", slowly(["vanilla RNN", "GRU", "LSTM, split", "sparse, recurrent"], ["vanilla RNN", "GRU"])
)
def test_coupled_ostl_is_bptt_for_one_layer(model):
    m = MODELS[model]
    xs, ys = m.data()
    assert_close(named(m, online(m, RULES["ostl, recurrent"], xs, ys).grads), named(m, bptt(m, xs, ys)), 1e-10)


def test_coupled_ostl_forgets_what_crossed_populations():
    """Of two layers and a leaky readout, the readout's own weights are exact; a layer is when the loss reads it at once."""
    m = MODELS["stacked"]
    xs, ys = m.data()
    got, want = named(m, online(m, RULES["ostl, recurrent"], xs, ys).grads), named(m, bptt(m, xs, ys))
    assert_close(got, want, 1e-10, ["out"])
    assert all(distance(got[k], want[k]) > 1e-2 for k in ("one.w", "one.b", "two.w"))

    def at_once(p, s, x):
        v = tanh(matmul(jnp.concatenate([x, s["v"]]), p["w"]))
        u = tanh(matmul(jnp.concatenate([v, s["u"]]), p["w2"]))
        return dict(v=v, u=u), u + 0.0

    r = np.random.default_rng(0)
    layers = Model("", at_once, dict(w=draw(r, I + N, N), w2=draw(r, N + O, O)), zeros(v=(N,), u=(O,)), reals(I))
    got, want = (
        named(layers, online(layers, RULES["ostl, recurrent"], xs, ys["readout"]).grads),
        named(layers, bptt(layers, xs, ys["readout"])),
    )
    assert_close(got, want, 1e-10, ["w2"])
    assert 1e-2 < distance(got["w"], want["w"]) < 1


def numbers(graph, rule, params, state):
    """How many numbers the trace of one example holds."""
    return sum(a.size for a in jax.tree.leaves(init(graph, rule, params, state).trace))


@pytest.mark.parametrize("size", [8, 16])
def test_memory_grows_with_what_is_kept(size):
    """A recurrent layer with few synapses: parameters times the states that they reach, not times all."""
    r = np.random.default_rng(0)
    ring = np.eye(size) + np.roll(np.eye(size), 1, 1)  # each neuron hears itself and one other

    def step(p, s, x):
        h = tanh(matmul(x, p["w"]) + matmul(s["h"], p["r"] * ring))
        return dict(h=h), h + 0.0

    params, state = dict(w=draw(r, I, size), r=draw(r, size, size)), zeros(h=(size,))
    graph, count = trace_graph(step, params, state, jnp.zeros(I)), I * size + 2 * size
    for n in (1, 2, 3):
        assert numbers(graph, rules.snap(n), params, state) == count * n  # one more neuron of the ring a step
    assert numbers(graph, rules.snap(99), params, state) == count * size
    assert numbers(graph, rules.rtrl(), params, state) == (I * size + size**2) * size


def test_what_is_kept_is_counted_in_words():
    """At one step, of a recurrent layer and its readout: a neuron, and the outputs that it drives at once."""
    lines = told(MODELS["LIF, recurrent"].graph, within(1))
    each = {"b": N * (1 + O), "leak": N * (1 + O), "out": N * O, "w": (I + N) * N * (1 + O)}
    every = {"b": N, "leak": N, "out": N * O, "w": (I + N) * N}
    assert sorted(lines) == [f"{k}: {n} of {every[k] * (N + O)} influences kept" for k, n in each.items()]


def test_memory_of_a_dense_layer_is_that_of_d_rtrl():
    m = MODELS["vanilla RNN"]
    kept = [numbers(m.graph, rule, m.params, m.state) for rule in (rules.snap(1), rules.d_rtrl())]
    assert kept[0] == kept[1] == (I + N) * N + N


# ------------------------------------------------------------------------------------------------------------ drawn numbers
@pytest.mark.parametrize("rule", ["uoro", "kf_rtrl", "random_path 2"])
def test_examples_windows_and_calls_draw_apart(rule):
    m = MODELS["vanilla RNN"]
    r, (xs, ys) = RULES[rule](m.graph), m.data()
    twice = lambda a: jnp.stack([a, a], 1)
    start = init(m.graph, r, m.params, m.state, 2)
    first = gradients(m.graph, r, m.params, start, twice(xs), twice(ys), loss, 1)
    a, b = (jax.tree.map(lambda t, n=n: t[n], first.carry.trace) for n in (0, 1))
    assert max(distance(p, q) for p, q in zip(jax.tree.leaves(a), jax.tree.leaves(b))) > 1e-3
    again = gradients(m.graph, r, m.params, start, twice(xs), twice(ys), loss, 1)
    assert_same(first.grads, again.grads, 1e-14)  # the same carry draws the same numbers
    onward = first.carry.__class__(m_state(m, 2), None, 2, None, first.carry.lasting)
    later = gradients(m.graph, r, m.params, onward, twice(xs), twice(ys), loss, 1, first=True)
    assert distance(later.grads["w"], first.grads["w"]) > 1e-3  # the next sequence draws others


def m_state(model, batch):
    return jax.tree.map(lambda a: jnp.broadcast_to(a, (batch, *a.shape)), model.state)


@pytest.mark.parametrize("rule", slowly(["uoro", "kf_rtrl", "random_path 2"], ["kf_rtrl"]))
def test_one_window_over_the_sequence_is_bptt(rule):
    m = MODELS["stacked"]
    xs, ys = m.data()
    want = named(m, bptt(m, xs, ys))
    assert_close(named(m, online(m, RULES[rule], xs, ys, T).grads), want, 1e-11)
    assert distance(np.ravel(online(m, RULES[rule], xs, ys, 2).grads["one"]["w"]), want["one.w"].ravel()) > 1e-3


@pytest.mark.parametrize("rule", ["uoro", "snap 1"])
def test_an_adaptive_solver_is_crossed(rule):
    """Reverse mode cannot cross the step; the rule does."""
    m = MODELS["adaptive solver"]
    xs, ys = m.data(2)
    got = named(m, online(m, RULES[rule], xs, ys, 1).grads)
    if rule == "snap 1":
        assert_close(got, named(m, bptt(m, xs, ys)), 1e-10)
    assert all(np.isfinite(g).all() and np.abs(g).max() > 0 for g in got.values())


# ---------------------------------------------------------------------------------------------------------- precision, names
@pytest.mark.parametrize(
    "rule", slowly(["snap 1", "ostl, recurrent", "uoro", "kf_rtrl", "random_path 2"], ["snap 1", "kf_rtrl"])
)
def test_single_precision_stays_single(rule):
    single = lambda tree: jax.tree.map(lambda a: a.astype(jnp.float32), tree)
    m = MODELS["LIF, recurrent"]
    want = named(m, online(m, RULES[rule], *m.data(), 3).grads)
    params, state, xs, ys = single((m.params, m.state, *m.data()))
    graph = trace_graph(m.step, params, state, xs[0])
    made = RULES[rule](graph)
    out = gradients(graph, made, params, init(graph, made, params, state), xs, ys, loss, 3)
    floats = [a.dtype for a in jax.tree.leaves((out.grads, out.carry)) if jnp.issubdtype(a.dtype, jnp.floating)]
    assert set(floats) == {jnp.dtype("float32")}
    for k, g in named(m, out.grads).items():
        assert np.abs(g - want[k]).max() < 1e-3 * np.abs(want[k]).max(), k


def test_equal_rules_are_one_value():
    assert rules.snap(2) is rules.snap(2) and rules.uoro(1) is rules.uoro(1) and rules.kf_rtrl() is rules.kf_rtrl()
    assert rules.random_path(3, 1) is rules.random_path(3, 1) and rules.ostl(True) is rules.ostl(True)
    assert rules.snap(1) != rules.snap(2) and rules.uoro(0) != rules.uoro(1)


def test_bad_settings_are_refused():
    for n in (0, -1, 1.0, True):
        with pytest.raises(ValueError, match="n is .*at least 1"):
            rules.snap(n)
        with pytest.raises(ValueError, match="k is .*at least 1"):
            rules.random_path(n)
    m = MODELS["mixing"]
    for rule in (rules.snap(1), rules.ostl(recurrent=True)):
        with pytest.raises(GraphError, match="position by position.*`rtrl\\(\\)`"):
            init(m.graph, rule, m.params, m.state)
    m = MODELS["embedding"]
    with pytest.raises(GraphError, match="`table` is picked by an integer.*`uoro\\(\\)`"):
        init(m.graph, rules.kf_rtrl(), m.params, m.state)


class Bent:
    """`y = tanh(x) w`: linear in the weight, as an operator must be, and not in its input."""

    def apply(self, x, w):
        return jnp.tanh(x) @ w

    def correlate(self, x, g):
        return jnp.tanh(x).T @ g

    imprint = correlate

    def at_post(self, v):
        return v[None]

    def drain(self, e):
        return e


def test_an_operator_that_bends_its_input_is_refused_by_kronecker_factors_and_safe_elsewhere():
    bent = Bent()

    def step(p, s, x):
        h = tanh(vg.ops.mark(bent, jnp.concatenate([x, s["h"]]), p["w"]))
        return dict(h=h), h + 0.0

    m = Model("", step, dict(w=draw(np.random.default_rng(0), I + N, N)), zeros(h=(N,)), reals(I))
    with pytest.raises(GraphError, match="`w`.*not linear in its input.*`uoro\\(\\)`"):
        init(m.graph, rules.kf_rtrl(), m.params, m.state)
    xs, ys = m.data()
    assert_close(named(m, online(m, RULES["snap, all"], xs, ys).grads), named(m, bptt(m, xs, ys)), 1e-10)
