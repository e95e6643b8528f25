"""Mistakes that others made, one test each, by name."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from marks import slowly
from measure import assert_close, distance, loss, modulation, named, online
from oracle.reference import bptt, directional, dot
from vestige import gradients, init, rules, trace_graph
from zoo import MODELS, RULES, I, Model, N, O, T, _params, draw, matmul, name, reals, sig, spike, tanh, zeros

FIRST = ["d_rtrl", "es_d_rtrl 0.9", "hybrid", "rtrl"]


def one_step(model, rule):
    xs, ys = model.data(1)
    return named(model, online(model, RULES[rule], xs, ys).grads), named(model, bptt(model, xs, ys))


@pytest.mark.parametrize("rule", FIRST)
@pytest.mark.parametrize("model", ["LIF with synapse", "LSTM, split"])
def test_same_step_chains_count_once(model, rule):
    """A signal taken by perturbing the states counts synapse -> voltage twice: exactly 2.000 at one step."""
    got, want = one_step(MODELS[model], rule)
    ratio = np.vdot(got["w"], want["w"]) / np.vdot(want["w"], want["w"])
    assert abs(ratio - 1) < 1e-12


@pytest.mark.parametrize("rule", FIRST)
def test_a_stored_post_reset_voltage_does_not_hide_the_weights(rule):
    got, want = one_step(MODELS["post-reset LIF"], rule)
    assert np.abs(want["w"]).max() > 1e-3
    assert_close(got, want, 1e-11)


def test_a_stored_post_reset_voltage_keeps_its_readouts_history():
    """Losing it is the same for every window, so only BPTT shows it."""
    m = MODELS["post-reset LIF"]
    xs, ys = m.data()
    full = named(m, bptt(m, xs, ys))
    own = named(m, bptt(m, xs, ys, cut=True))
    assert distance(own["w"], full["w"]) > 0.1
    for window in (1, T):
        assert_close(named(m, online(m, RULES["d_rtrl"], xs, ys, window).grads), full, 1e-11)


@pytest.mark.parametrize("rule", FIRST)
def test_gradients_of_readout_bias_and_reset_gate_are_not_zero(rule):
    m = MODELS["GRU"]
    xs, ys = m.data()
    grads = named(m, online(m, RULES[rule], xs, ys, 1).grads)
    assert np.abs(grads["out"]).max() > 1e-3 and np.abs(grads["b"]).max() > 1e-3
    reset, update = np.split(grads["w"], 2, axis=1)
    assert np.abs(reset).max() > 1e-6 and np.abs(update).max() > 1e-3


def test_a_bias_has_a_past():
    """Trained from its own step alone it misses nearly all of its gradient, and windows change what it learns."""
    step = lambda p, s, x: (lambda v: (dict(v=v), v))(0.98 * s["v"] + matmul(x, p["w"]) + p["b"])
    m = Model("integrator", step, _params(w=(I, N), b=(N,)), zeros(v=(N,)), reals(I))
    xs, ys = m.data(50)
    full = named(m, bptt(m, xs, ys))
    assert np.linalg.norm(named(m, bptt(m, xs, ys, cut=True))["b"]) < 0.2 * np.linalg.norm(full["b"])
    assert_close(named(m, online(m, RULES["d_rtrl"], xs, ys, 1).grads), full, 1e-10)


def test_voltage_minus_adaptation_is_one_population():
    assert [(g.names, g.P, g.S) for g in MODELS["V minus a"].graph.groups] == [(("a", "v"), N, 2)]


@pytest.mark.parametrize("layout", ["split", "gates last", "gates first"])
def test_fused_gates_are_one_population_in_any_layout(layout):
    graph = MODELS[f"LSTM, {layout}"].graph
    assert [(g.P, g.S) for g in graph.groups] == [(N, 2)]
    assert not graph.report.own_step or all("out" in line for line in graph.report.own_step)


def test_a_weight_per_neuron_drives_a_group_state():
    m = MODELS["group state"]
    xs, ys = m.data()
    got = named(m, online(m, RULES["d_rtrl"], xs, ys, 1).grads)
    assert np.abs(got["w"]).max() > 1e-3
    assert_close(got, named(m, bptt(m, xs, ys)), 1e-11)


def sizes(jaxpr):
    """Elements of every array of a program, those inside calls and loops as well."""
    for e in jaxpr.eqns:
        yield from (int(np.prod(v.aval.shape)) for v in e.outvars if hasattr(v.aval, "shape"))
        for p in e.params.values():
            for inner in p if isinstance(p, (tuple, list)) else (p,):
                inner = getattr(inner, "jaxpr", inner)
                if hasattr(inner, "eqns"):
                    yield from sizes(inner)


def coupled(f, *args, batch):
    """Sizes of the arrays that hold the batch twice: no other length of these programs is a multiple of it."""
    return [n for n in sizes(jax.make_jaxpr(f)(*args).jaxpr) if n and n % batch**2 == 0]


@pytest.mark.parametrize("window", [1, 2])
@pytest.mark.parametrize("rule", RULES.values(), ids=name)
def test_nothing_of_the_batch_is_coupled(rule, window):
    """Traces, influences and Jacobians are per example, whatever the rule couples within one."""
    m, B = MODELS["LIF, recurrent"], 23
    xs, ys = m.data(4, batch=B)
    made = rule(m.graph)
    carry = init(m.graph, made, m.params, m.state, B)
    run = lambda xs, ys: gradients(m.graph, made, m.params, carry, xs, ys, loss, window, **modulation(made, xs))
    assert any(n % B == 0 for n in sizes(jax.make_jaxpr(run)(xs, ys).jaxpr))
    assert not coupled(run, xs, ys, batch=B)


def test_a_batch_that_is_coupled_would_be_seen():
    m, B = MODELS["LIF, recurrent"], 23
    h, xs = jnp.zeros((B, N)), jnp.ones((B, I + N))
    step = lambda h: 0.9 * h + matmul(xs, m.params["w"])
    assert coupled(jax.jacrev(step), h, batch=B)


def test_filters_move_without_a_loss():
    """Memories advance in the forward pass: a silent first half still leaves its trace."""
    m = MODELS["ALIF"]
    xs, ys = m.data()
    r = RULES["es_d_rtrl 0.9"](m.graph)
    go = lambda c, part, mask: gradients(
        m.graph, r, m.params, c, xs[part], ys[part], lambda o, t: ((o - t) ** 2).mean(), 2, mask=mask
    )
    start = init(m.graph, r, m.params, m.state)
    silent = go(start, slice(0, 4), jnp.zeros(4))
    assert all(float(jnp.abs(g).max()) == 0 for g in jax.tree.leaves(silent.grads))
    loud = go(start, slice(0, 4), None)
    assert all(
        np.allclose(a, b) for a, b in zip(jax.tree.leaves(silent.carry.trace), jax.tree.leaves(loud.carry.trace))
    )
    assert (
        int(silent.carry.trace[0]) == 4
        and max(float(jnp.abs(a).max()) for a in jax.tree.leaves(silent.carry.trace[1])) > 0.1
    )


def test_exact_zeros_in_the_dynamics_do_no_harm():
    """A reset that forgets everything: no quotient of cumulative products anywhere."""

    def step(p, s, x):
        z = spike(s["v"] - 0.3)
        v = 0.9 * s["v"] * (1 - jax.lax.stop_gradient(z)) + matmul(x, p["w"]) + p["b"]
        return dict(v=v), tanh(v)

    m = Model("hard reset", step, _params(w=(I, N), b=(N,)), zeros(v=(N,)), reals(I))
    xs, ys = m.data()
    assert float(jnp.mean(jax.lax.scan(lambda h, x: (step(m.params, h, x)[0], h["v"] > 0.3), m.state, xs)[1])) > 0.1
    full = named(m, bptt(m, xs, ys))
    for window in (1, 3, T):
        assert_close(named(m, online(m, RULES["d_rtrl"], xs, ys, window).grads), full, 1e-11)


@pytest.mark.parametrize("model", slowly(["adaptive solver", "ALIF"], ["ALIF"]))
def test_gradients_are_differences_of_losses(model):
    """Central differences, also where reverse mode cannot go. ALIF's surrogate is no derivative, so its spikes are left out."""
    m = MODELS[model]
    if m.spikes:
        smooth = lambda p, s, x: ((lambda v, a: (dict(v=v, a=a), matmul(tanh(v - a), p["out"])))(
            0.9 * s["v"] - 0.3 * tanh(s["a"]) + matmul(x, p["w"]), sig(p["rho"]) * s["a"] + p["beta"] * tanh(s["v"]) ** 2
        ))  # fmt: skip
        m = Model("smooth ALIF", smooth, m.params, m.state, m.inputs)
    xs, ys = m.data(5)
    rng = np.random.default_rng(0)
    for window in (1, 2, 5):
        grads = online(m, RULES["d_rtrl"], xs, ys, window).grads
        for k in m.params:
            direction = {j: draw(rng, *m.params[j].shape, scale=1.0) * (j == k) for j in m.params}
            want = directional(m, xs, ys, direction)
            assert abs(dot(grads, direction) - want) < 1e-6 * max(abs(want), 1e-2), (window, k)


def test_an_adaptive_solver_works_in_every_window_and_rule():
    m = MODELS["adaptive solver"]
    xs, ys = m.data(4)
    full = named(m, bptt(m, xs, ys))
    assert_close(named(m, online(m, RULES["rtrl"], xs, ys, 2).grads), full, 1e-10)
    assert_close(named(m, online(m, RULES["tbptt"], xs, ys).grads), full, 1e-10)


def test_untraced_parameters_get_their_own_step_and_a_line():
    from vestige.ops import untraced

    step = lambda p, s, x: (lambda v: (dict(v=v), tanh(v)))(0.9 * s["v"] + matmul(x, p["w"]) + untraced(p["b"]))
    m = Model("untraced bias", step, _params(w=(I, N), b=(N,)), zeros(v=(N,)), reals(I))
    xs, ys = m.data()
    cut, full = named(m, bptt(m, xs, ys, cut=True)), named(m, bptt(m, xs, ys))
    assert distance(cut["b"], full["b"]) > 0.1
    for window in (1, 3, T):
        got = named(m, online(m, RULES["d_rtrl"], xs, ys, window).grads)
        assert distance(got["b"], cut["b"]) < 1e-11 and distance(got["w"], full["w"]) < 1e-11
    assert any(line.startswith("b:") for line in m.graph.report.own_step)


def test_a_parameter_that_is_never_read_is_said_to_be():
    step = lambda p, s, x: (lambda v: (dict(v=v), v))(0.9 * s["v"] + matmul(x, p["w"]))
    graph = trace_graph(step, _params(w=(I, N), unused=(O,)), zeros(v=(N,)), jnp.zeros(I))
    assert graph.report.unread == ("unused",)
    assert "unused" in str(graph.report) and "never reads" in str(graph.report)


def test_dropped_credit_is_reported_and_exactness_too():
    assert any("reads the previous v" in line for line in MODELS["LIF, recurrent"].graph.report.dropped)
    (said,) = MODELS["ALIF"].graph.report.notes
    assert "exact" in said and said.endswith("each position of a, v acts on its own future alone")
    assert not any("exact" in line for line in MODELS["LIF, recurrent"].graph.report.notes)


def test_of_two_layers_the_last_is_said_to_be_exact_and_why():
    report = MODELS["two layers, one leak"].graph.report
    assert report.exact == ("c", "w2")
    said = "D-RTRL equals BPTT for c, w2: the past of each position of u acts on its own future alone"
    assert report.notes == (said,)


def test_what_only_acts_through_anothers_input_is_never_called_exact():
    """A layer without memory before one with it, a gain between two layers: own step only, and said to be so."""
    report = MODELS["encoder"].graph.report
    assert "w1: acts through the input of others" in report.own_step
    assert "w2 carries g, w1 into u, which remembers: credit of this step only" in report.dropped
    assert report.exact == ("w2",) and not any("exact" in line for line in report.notes)


def test_hybrid_names_its_weights():
    m = MODELS["LIF, recurrent"]
    with pytest.raises(ValueError, match=r"no weight named \['nope'\]"):
        init(m.graph, rules.hybrid(0.9, choose={"nope": "full"}), m.params, m.state)


def test_a_rule_that_reads_new_states_takes_counters_too():
    """What others read of a new state is that state, where it has no derivative: a pointer, a count of silent steps."""
    m = MODELS["delay by pointer"]
    out = online(m, RULES["ostl"], *m.data(3), window=2)
    assert all(np.isfinite(g).all() and np.abs(g).max() > 0 for g in named(m, out.grads).values())
    assert int(out.carry.state["at"]) == (int(m.state["at"]) + 3) % 3
