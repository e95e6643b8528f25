"""Law 5: a batch is its examples, vmap is a loop, jit changes nothing; masks, reductions, ends of sequences."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from marks import slowly
from measure import assert_close, assert_same, compiled, loss, named, online
from oracle.reference import bptt, total
from vestige import gradients, init, trace_graph
from zoo import ALL_RULES, MODELS, RULES, T, matmul, name, spike, square_error

B = 3
MODEL = MODELS["LIF, recurrent"]
BATCHED = ["LIF, recurrent", "bookkeeping", "conv 1d", "embedding", "stacked"]


def one_of(data, b):
    return jax.tree.map(lambda a: a[:, b], data)


def singles(model, rule, xs, ys):
    """Gradients of each example by itself, one row each."""
    alone = jax.vmap(lambda x, y: online(model, rule, x, y, 3).grads, (1, 1))
    return compiled(alone, xs, ys)(xs, ys)


@pytest.mark.parametrize("rule", slowly(ALL_RULES, ["d_rtrl", "es_d_rtrl 0.9", "hybrid", "rtrl"]), ids=name)
def test_a_batch_is_its_examples(rule):
    """The loss averages over the batch, so the gradient is the mean of theirs; also under the caller's own vmap."""
    xs, ys = MODEL.data(batch=B)
    together = named(MODEL, online(MODEL, rule, xs, ys, 3, batch=B).grads)
    mapped = singles(MODEL, rule, xs, ys)
    assert_close(together, named(MODEL, jax.tree.map(lambda g: g.mean(0), mapped)), 1e-12)


@pytest.mark.parametrize("rule", ["d_rtrl", "es_d_rtrl 0.9"])
def test_vmap_is_a_loop(rule):
    xs, ys = MODEL.data(batch=B)
    r = RULES[rule](MODEL.graph)
    start = init(MODEL.graph, r, MODEL.params, MODEL.state)
    go = lambda x, y: gradients(MODEL.graph, r, MODEL.params, start, x, y, loss, 3).grads
    mapped = jax.vmap(go, (1, 1))(xs, ys)
    for b in range(B):
        one = jax.tree.map(lambda g, b=b: g[b], mapped)
        assert_close(named(MODEL, one), named(MODEL, go(one_of(xs, b), one_of(ys, b))), 1e-12)


@pytest.mark.parametrize(
    "model",
    slowly(["conv 1d", "embedding", "stacked", "two groups", "prelude", "sparse, recurrent"], ["conv 1d", "embedding"]),
)
@pytest.mark.parametrize("rule", ["d_rtrl", "hybrid"])
def test_a_batch_of_any_model_is_its_examples(model, rule):
    m, r = MODELS[model], RULES[rule]
    xs, ys = m.data(batch=B)
    together = online(m, r, xs, ys, 3, batch=B)
    mean = jax.tree.map(lambda g: g.mean(0), singles(m, r, xs, ys))
    assert_close(named(m, together.grads), named(m, mean), 1e-12)
    assert jax.tree.leaves(together.outputs)[0].shape[:2] == (T, B)


def test_examples_of_a_batch_draw_their_own_random_numbers():
    m = MODELS["bookkeeping"]
    xs, ys = m.data(batch=B)
    same = jax.tree.map(lambda a: jnp.broadcast_to(a[:, :1], a.shape), xs)
    out = online(m, RULES["d_rtrl"], same, ys, batch=B)
    assert out.carry.state["key"].shape == (B,)
    assert float(jnp.abs(out.carry.state["v"][0] - out.carry.state["v"][1]).max()) > 1e-3


@pytest.mark.parametrize("rule", slowly(["d_rtrl", "es_d_rtrl 0.9"], ["d_rtrl"]))
def test_jit_is_eager(rule):
    xs, ys = MODEL.data(3)
    r = RULES[rule]
    f = lambda x, y: online(MODEL, r, x, y, 2).grads
    with jax.disable_jit():
        eager = f(xs, ys)
    assert_close(named(MODEL, jax.jit(f)(xs, ys)), named(MODEL, eager), 1e-12)


@pytest.mark.parametrize(
    "wrap",
    [
        pytest.param(jax.jit, id="jit", marks=pytest.mark.slow),
        pytest.param(jax.checkpoint, id="remat", marks=pytest.mark.slow),
        pytest.param(lambda f: jax.jit(jax.jit(f)), id="jit in jit"),
    ],
)
def test_wrapping_inner_functions_changes_nothing(wrap):
    def step(p, s, x, inner=lambda f: f):
        z = inner(lambda v: spike(v - 0.5))(s["v"])
        drive = inner(lambda x, z, w: matmul(jnp.concatenate([x, z]), w))(x, z, p["w"])
        v = inner(lambda v, z: jax.nn.sigmoid(p["leak"]) * (v - 0.5 * z) + p["b"])(s["v"], z) + drive
        o = inner(lambda o, v: 0.9 * o + matmul(spike(v - 0.5), p["out"]))(s["o"], v)
        return dict(v=v, o=o), o

    xs, ys = MODEL.data()
    grads = []
    for inner in (lambda f: f, wrap):
        graph = trace_graph(lambda p, s, x: step(p, s, x, inner), MODEL.params, MODEL.state, xs[0])  # noqa: B023
        rule = RULES["d_rtrl"](graph)
        carry = init(graph, rule, MODEL.params, MODEL.state)
        grads.append(named(MODEL, gradients(graph, rule, MODEL.params, carry, xs, ys, loss, 2).grads))
        assert [g.S for g in graph.groups] == [1, 1] and sorted(g.P for g in graph.groups) == [2, 5]
    assert_close(*grads, 1e-13)
    assert_close(grads[0], named(MODEL, online(MODEL, RULES["d_rtrl"], xs, ys, 2).grads), 1e-12)


@pytest.mark.parametrize("rule", slowly(["d_rtrl", "es_d_rtrl 0.9", "rtrl"], ["es_d_rtrl 0.9"]))
def test_a_carry_goes_on_where_it_stopped(rule):
    """Two calls in a row are one: gradients add up, the state and the trace are handed on."""
    xs, ys = MODEL.data()
    r = RULES[rule](MODEL.graph)
    go = lambda c, a, b: gradients(MODEL.graph, r, MODEL.params, c, xs[a:b], ys[a:b], loss, 2)
    whole = go(init(MODEL.graph, r, MODEL.params, MODEL.state), 0, T)
    first = go(init(MODEL.graph, r, MODEL.params, MODEL.state), 0, 4)
    second = go(first.carry, 4, T)
    both = jax.tree.map(jnp.add, first.grads, second.grads)
    assert_close(named(MODEL, both), named(MODEL, whole.grads), 1e-12)
    assert_same(second.carry, whole.carry, 1e-12)
    np.testing.assert_allclose(jnp.concatenate([first.losses, second.losses]), whole.losses, atol=1e-14)


def test_losses_and_outputs_are_those_of_the_plain_step():
    xs, ys = MODEL.data()
    out = online(MODEL, RULES["d_rtrl"], xs, ys, 3)
    state, outputs = jax.lax.scan(lambda h, x: MODEL.step(MODEL.params, h, x), MODEL.state, xs)
    assert_same(out.outputs, outputs, 1e-13)
    assert_same(out.carry.state, state, 1e-13)
    np.testing.assert_allclose(out.losses.sum(), total(MODEL.step, MODEL.params, MODEL.state, xs, ys))


@pytest.mark.parametrize("rule", ["d_rtrl", "es_d_rtrl 0.9", "rtrl"])
def test_a_mask_per_step_scales_its_loss(rule):
    """Steps without a loss still move the state and the trace."""
    xs, ys = MODEL.data()
    mask = jnp.asarray([0.0, 1, 0, 0, 2, 0, 1])
    got = online(MODEL, RULES[rule], xs, ys, 3, mask=mask)
    weighted = lambda out, target: loss(out, target[0]) * target[1]
    want = online(MODEL, RULES[rule], xs, (ys, mask), 3, loss=weighted)
    assert_close(named(MODEL, got.grads), named(MODEL, want.grads), 1e-13)
    np.testing.assert_allclose(got.losses, want.losses, atol=1e-14)
    assert float(got.losses[0]) == 0 and float(got.losses[1]) > 0


def test_a_mask_on_the_last_step_is_bptt_of_the_last_loss():
    m = MODELS["ALIF"]
    xs, ys = m.data()
    mask = jnp.zeros(T).at[-1].set(1.0)
    got = named(m, online(m, RULES["d_rtrl"], xs, ys, 3, mask=mask).grads)

    def last(p):
        outputs = jax.lax.scan(lambda h, x: m.step(p, h, x), m.state, xs)[1]
        return square_error(outputs[-1], ys[-1])

    assert_close(got, named(m, jax.grad(last)(m.params)), 1e-11)


def test_a_mask_per_example_weighs_examples():
    """Sequences of different lengths in one batch: each example is learned as if alone."""
    xs, ys = MODEL.data(batch=B)
    lengths = np.array([2, 5, 7])
    mask = jnp.asarray(np.arange(T)[:, None] < lengths, float)
    got = named(MODEL, online(MODEL, RULES["d_rtrl"], xs, ys, 3, batch=B, mask=mask).grads)
    parts = [online(MODEL, RULES["d_rtrl"], xs[:n, b], ys[:n, b]).grads for b, n in enumerate(lengths)]
    assert_close(got, named(MODEL, jax.tree.map(lambda *g: sum(g) / B, *parts)), 1e-12)


def test_the_mean_is_the_sum_over_steps():
    xs, ys = MODEL.data()
    total_, mean = (online(MODEL, RULES["d_rtrl"], xs, ys, 3, reduction=r) for r in ("sum", "mean"))
    scaled = jax.tree.map(lambda g: g / T, total_.grads)
    assert_close(named(MODEL, mean.grads), named(MODEL, scaled), 1e-14)
    np.testing.assert_allclose(mean.losses, total_.losses)


@pytest.mark.parametrize("rule", ["d_rtrl", "es_d_rtrl 0.9", "hybrid", "rtrl"])
def test_the_last_window_needs_no_trace_after_it(rule):
    xs, ys = MODEL.data()
    a, b = (online(MODEL, RULES[rule], xs, ys, 3, last=k) for k in (False, True))
    assert_close(named(MODEL, a.grads), named(MODEL, b.grads), 1e-13)
    assert b.carry.trace is None


@pytest.mark.parametrize("steps", [1, 2, 5])
def test_any_length_and_any_window(steps):
    m = MODELS["post-reset LIF"]
    xs, ys = m.data(T)
    xs, ys = xs[:steps], ys[:steps]
    want = named(m, bptt(m, xs, ys))
    for window in {1, 2, steps, 100}:
        got = named(m, online(m, RULES["d_rtrl"], xs, ys, window).grads)
        for k, w in want.items():
            assert np.abs(got[k] - w).max() < 1e-12 * max(1.0, np.abs(w).max())


def test_firing_rates_are_the_spikes_of_the_run():
    m = MODELS["post-reset LIF"]
    xs, ys = m.data()
    out = online(m, RULES["d_rtrl"], xs, ys, 3)
    v, spikes = m.state["v"], []
    for x in xs:
        pre = 0.9 * v + x @ m.params["w"] + m.params["b"]
        spikes.append(pre > m.params["th"])
        v = pre - spikes[-1] * m.params["th"]
    (rate,) = out.firing.values()
    # windows are averaged one by one: whole windows of 3, and the one step that is left
    windows = [np.mean(spikes[0:3]), np.mean(spikes[3:6]), np.mean(spikes[6:])]
    assert 0 < float(rate) < 1
    assert any(np.isclose(float(rate), want) for want in (np.mean(spikes), np.mean(windows)))
