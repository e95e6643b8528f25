"""`window="auto"`: the same gradient, buffers within their budget, long where the trace is dear and short where it is not."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import vestige as vg
from vestige.learn.pieces import GRADIENTS, NEAR, bytes_of_a_step, bytes_of_pairs, bytes_of_weights, length_of, size

I, H, T, B = 5, 12, 24, 3


def step(p, s, x):
    h = 0.9 * jnp.sin(s["h"]) + vg.matmul(jnp.concatenate([x, jnp.tanh(s["h"])]), p["w"])
    return {"h": h}, vg.matmul(jnp.tanh(h), p["out"])


def problem(H=H):
    rng = np.random.default_rng(0)
    params = {"w": jnp.asarray(rng.normal(size=(I + H, H)) / 4), "out": jnp.asarray(rng.normal(size=(H, 2)))}
    state = {"h": jnp.zeros(H)}
    return params, state, vg.trace_graph(step, params, state, jnp.zeros(I))


def chosen(graph, rule, params, state, steps, batch, window="auto", alone=False):
    carry = vg.init(graph, rule, params, state, batch_size=batch)
    return length_of(window, graph, rule, lambda: carry.trace, steps, batch, alone)


def test_the_gradient_does_not_know():
    params, state, graph = problem()
    rng = np.random.default_rng(1)
    xs, ys = jnp.asarray(rng.normal(size=(T, B, I))), jnp.asarray(rng.normal(size=(T, B, 2)))
    loss = lambda o, y: ((o - y) ** 2).mean()
    small = vg.Budget(3 * B * bytes_of_a_step(graph))  # of three steps
    assert chosen(graph, vg.rules.d_rtrl(), params, state, T, B, small) == 3
    runs = [
        vg.gradients(
            graph, vg.rules.d_rtrl(), params, vg.init(graph, vg.rules.d_rtrl(), params, state, B), xs, ys, loss, w
        )
        for w in (5, "auto", small)
    ]
    for run in runs[1:]:
        for got, want in zip(
            jax.tree.leaves((run.grads, run.carry.trace)), jax.tree.leaves((runs[0].grads, runs[0].carry.trace))
        ):
            assert float(jnp.abs(want).max()) > 1e-6
            np.testing.assert_allclose(got, want, rtol=1e-11, atol=1e-13)


def test_windows_fit_their_budget_and_cut_evenly():
    params, state, graph = problem(H=64)
    once, rule = 64 * bytes_of_a_step(graph), vg.rules.d_rtrl()
    for budget in (1, once, 7 * once, 10**9):
        for steps in (1, 2, 23, 24, 1000):
            K = chosen(graph, rule, params, state, steps, 64, vg.Budget(budget))
            assert 1 <= K <= steps and (K == 1 or K * once <= budget)
    # three equal pieces, not 11, 11, 2
    assert chosen(graph, rule, params, state, 24, 64, vg.Budget(11 * once), alone=True) == 8


def test_a_dear_trace_asks_for_long_windows():
    params, state, graph = problem(H=64)
    K = chosen(graph, vg.rules.d_rtrl(), params, state, 10**6, 32)
    carry = vg.init(graph, vg.rules.d_rtrl(), params, state, 32)
    assert K * 32 * bytes_of_a_step(graph) > size(carry.trace) > NEAR


def test_factors_ask_for_as_long_windows_as_the_gradient_is_large():
    # pairs of 5 + H inputs and H outputs, H inputs and two outputs; every weight's gradient
    for H, room in ((64, NEAR), (512, 2 * 8 * (517 * 512 + 512 * 2))):
        params, state, graph = problem(H)
        assert bytes_of_pairs(graph) == 8 * (5 + H + H + H + 2) and bytes_of_weights(graph) == size(params)
        K = chosen(graph, vg.rules.es_d_rtrl(0.9), params, state, 10**6, 32)
        assert room / 2 < K * 32 * bytes_of_pairs(graph) <= room == max(NEAR, GRADIENTS * size(params))


def test_a_sequence_alone_needs_no_trace():
    params, state, graph = problem(H=64)
    how = dict(graph=graph, params=params, state=state, steps=500, batch=64)
    assert chosen(rule=vg.rules.d_rtrl(), alone=True, **how) == 500 > chosen(rule=vg.rules.d_rtrl(), **how)
    small = vg.Budget(100 * 64 * bytes_of_a_step(graph))
    assert chosen(rule=vg.rules.d_rtrl(), alone=True, window=small, **how) == 100
    # one that is smaller than what a step computes is not formed either
    params, state, few = problem(H=1)
    carry = vg.init(few, vg.rules.d_rtrl(), params, state, 10**6)
    assert size(carry.trace) < 4 * 10**6 * bytes_of_a_step(few)
    assert chosen(few, vg.rules.d_rtrl(), params, state, 3, 10**5, vg.Budget(10**9), alone=True) == 3
    assert chosen(few, vg.rules.d_rtrl(), params, state, 3, 10**6, alone=False) == 1
    # factors are small and near: nothing to save
    assert chosen(rule=vg.rules.es_d_rtrl(0.9), alone=True, **how) == chosen(rule=vg.rules.es_d_rtrl(0.9), **how)


def test_one_program_serves_all_windows():
    params, state, graph = problem()
    loss = lambda o, y: ((o - y) ** 2).mean()

    def size(steps, rule, **how):
        xs, ys = jnp.zeros((steps, B, I)), jnp.zeros((steps, B, 2))
        carry = vg.init(graph, rule, params, state, B)
        run = lambda p, c: vg.gradients(graph, rule, p, c, xs, ys, loss, 4, **how).grads
        return str(jax.make_jaxpr(run)(params, carry)).count("\n")

    full, es = vg.rules.d_rtrl(), vg.rules.es_d_rtrl(0.9)
    assert size(24, full) < 1.2 * size(4, full)
    assert size(24, full, last=True) > 1.5 * size(
        4, full
    )  # a last window, whose trace nobody reads, is a program of its own
    assert size(24, es, last=True) < 1.2 * size(4, es, last=True)  # not so factors, which cost next to nothing


def test_what_is_no_window_is_refused():
    params, state, graph = problem()
    carry = vg.init(graph, vg.rules.d_rtrl(), params, state)
    xs, loss = jnp.zeros((4, I)), lambda o, y: o.sum()
    for window in (0, -1, 2.5, "long", True):
        with pytest.raises(ValueError, match="a number of steps of at least 1"):
            vg.gradients(graph, vg.rules.d_rtrl(), params, carry, xs, jnp.zeros(4), loss, window)
    for rule in (vg.rules.rtrl(), vg.rules.es_window(0.9), vg.rules.recent(3)):
        with pytest.raises(ValueError, match="another gradient for another window"):
            vg.gradients(graph, rule, params, vg.init(graph, rule, params, state), xs, jnp.zeros(4), loss, "auto")
    with pytest.raises(ValueError, match="at least 1"):
        vg.Budget(0)
