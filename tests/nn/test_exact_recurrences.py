"""Recurrences that stay in their neuron: D-RTRL is BPTT, whatever the length, the window, the batch and the precision."""

from functools import cache
from itertools import pairwise

import brainstate
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from pure_step import pure, squares

import vestige.nn as vn
from measure import compiled
from vestige.graph import trace_graph
from vestige.learn.core import gradients, init
from vestige.rules import d_rtrl, es_d_rtrl, rtrl

LENGTHS, BATCH = (1, 7, 40), 3


class Read(brainstate.nn.Module):
    """One recurrent layer and a readout of two layers without memory."""

    def __init__(self, cell, width):
        super().__init__()
        self.cell, self.hidden, self.out = cell, vn.Linear(width, 4), vn.Linear(4, 2)

    def update(self, x):
        return self.out(jnp.tanh(self.hidden(self.cell(x))))


biased = brainstate.nn.init.Normal(0.5)
CELLS = {
    "LRU": lambda: (vn.LRUCell(3, 5, r_min=0.5), 3),
    "RTU": lambda: (vn.RTUCell(3, 5, "tanh", r_min=0.5), 10),
    "RTU, nonlinear": lambda: (vn.RTUCell(3, 5, "tanh", linear=False, r_min=0.5), 10),
    "MinimalRNN": lambda: (vn.MinimalRNNCell(3, 5, b_init=biased, diagonal=True), 5),
    "minGRU": lambda: (vn.MiniGRU(3, 5, b_init=biased), 5),
    "minLSTM": lambda: (vn.MiniLSTM(3, 5, b_init=biased), 5),
    "eLSTM": lambda: (vn.ElementwiseLSTMCell(3, 5, b_init=biased), 5),
}


class Case:
    """One network, its data and what its tests share; programs are compiled once for each window."""

    def __init__(self, name):
        brainstate.random.seed(1)
        model = Read(*CELLS[name]())
        brainstate.nn.init_all_states(model)
        rng = np.random.default_rng(2)
        self.xs = jnp.asarray(rng.normal(size=(max(LENGTHS), BATCH, 3)))
        self.ys = jnp.asarray(rng.normal(size=(max(LENGTHS), BATCH, 2)))
        self.step, self.params, self.state = pure(model, self.xs[0, 0])
        self.model, self.windows, self.network = model, cache(self._window), cache(self._network)
        self.full = compiled(self._bptt, self.params, self.xs[:, 0], self.ys[:, 0], 1)

    def _network(self, dtype):
        """The same numbers in another precision."""
        cast = lambda tree: jax.tree.map(lambda a: a.astype(dtype), tree)
        for k, value in cast({**self.params, **self.state}).items():
            self.model.states()[k].value = value
        xs, ys = cast((self.xs, self.ys))
        step, params, state = pure(self.model, xs[0, 0])
        return trace_graph(step, params, state, xs[0, 0]), params, state, xs, ys

    def _bptt(self, params, xs, ys, length):
        """The gradient of the first steps alone: one program for every length."""

        def total(p):
            def body(carry, now):
                (state, t), (x, y) = carry, now
                state, out = self.step(p, state, x)
                return (state, t + 1), jnp.where(t < length, squares(out, y), 0.0)

            return jax.lax.scan(body, (self.state, 0), (xs, ys))[1].sum()

        return jax.grad(total)(params)

    def _window(self, rule, steps, batch, dtype):
        graph, params, state, xs, ys = self.network(dtype)
        xs, ys = (xs, ys) if batch else (xs[:, 0], ys[:, 0])
        go = lambda carry, x, y: gradients(graph, rule, params, carry, x, y, squares)
        first = init(graph, rule, params, state, batch)
        return compiled(go, first, xs[:steps], ys[:steps]), first, xs, ys

    def online(self, rule, length, window, batch=None, dtype="float64"):
        """Window by window; steps that are left go one by one."""
        edges = [*range(0, length - length % window, window), *range(length - length % window, length), length]
        carry, total = None, None
        for a, b in pairwise(edges):
            run, first, xs, ys = self.windows(rule, b - a, batch, dtype)
            out = run(first if carry is None else carry, xs[a:b], ys[a:b])
            carry = out.carry
            total = out.grads if total is None else jax.tree.map(jnp.add, total, out.grads)
        return total

    def bptt(self, length, b=0):
        return self.full(self.params, self.xs[:, b], self.ys[:, b], length)


@pytest.fixture(scope="module", params=CELLS)
def case(request):
    before = jax.config.jax_enable_x64
    jax.config.update("jax_enable_x64", True)
    with brainstate.environ.context(precision=64):
        yield Case(request.param)
    jax.config.update("jax_enable_x64", before)


def assert_equal(got, want, tol=1e-10, idle=()):
    """Each parameter by itself, and none of them zero but those that rest in the first step."""
    assert jax.tree.structure(got) == jax.tree.structure(want)
    for (path, b), a in zip(jax.tree.leaves_with_path(want), jax.tree.leaves(got)):
        size = float(jnp.linalg.norm(b))
        assert size > 0 or any(k in str(path) for k in idle), f"{path} has no gradient"
        assert float(jnp.linalg.norm(a - b)) <= tol * max(size, 1e-3), path


# at first the state is zero: what multiplies it has nothing to learn yet
AT_REST = ("nu_log", "theta_log", "'u'", "u_f", "u_z")


@pytest.mark.parametrize("length", LENGTHS)
def test_d_rtrl_is_bptt(case, length):
    want = case.bptt(length)
    for window in sorted({1, min(3, length), length}):
        assert_equal(case.online(d_rtrl(), length, window), want, idle=AT_REST if length == 1 else ())


def test_rtrl_is_bptt(case):
    assert_equal(case.online(rtrl(), 7, 1), case.bptt(7))


def test_es_d_rtrl_is_exact_at_one_step_and_not_for_ever(case):
    assert_equal(case.online(es_d_rtrl(0.9), 1, 1), case.bptt(1), idle=AT_REST)
    with pytest.raises(AssertionError):
        assert_equal(case.online(es_d_rtrl(0.9), 7, 1), case.bptt(7), 1e-3)


def test_a_batch_is_exact(case):
    each = [case.bptt(7, b) for b in range(BATCH)]
    assert_equal(case.online(d_rtrl(), 7, 1, BATCH), jax.tree.map(lambda *g: sum(g), *each))


def test_single_precision_is_exact_to_single_precision(case):
    got = case.online(d_rtrl(), 40, 1, dtype="float32")
    assert {g.dtype.name for g in jax.tree.leaves(got)} == {"float32"}
    assert_equal(got, case.bptt(40), 2e-5)
