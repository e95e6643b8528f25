"""Operators, models and rules give the same numbers on a GPU as on the CPU."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from on_device import TOLERANCE, largest, on, same_on, typed

from measure import distance, loss, modulation, named
from oracle.reference import bptt
from vestige import gradients, init, rules, trace_graph
from zoo import ALL_MODELS, ALL_OPS, MODELS, RULES, name

pytestmark = pytest.mark.gpu

# dense with spikes, gates, convolution, sparse, low rank, a solver's loop, delays
SINGLE = "LIF, recurrent/LSTM, split/conv 1d/sparse, recurrent/prelude/adaptive solver/delay by pointer".split("/")


def learned(model: Any, rule: Any, dtype: Any = "float64", batch: int | None = 3, window: int | None = 3) -> Any:
    """A function of parameters, state and a sequence of 7 steps, its last window ragged; and these."""
    xs, ys = model.data(batch=batch)
    args = typed((model.params, model.state, xs, ys), dtype)
    one = jax.tree.map(lambda a: a[0] if batch is None else a[0, 0], args[2])
    graph = trace_graph(model.step, *args[:2], one, positions=model.local)
    made = rule(graph)

    def run(params: Any, state: Any, xs: Any, ys: Any) -> Any:
        carry = init(graph, made, params, state, batch)
        return gradients(graph, made, params, carry, xs, ys, loss, window, **modulation(made, xs))

    return run, args


def ways(op: Any) -> Any:
    """All that an operator does, forward and back, of two steps: a function; and its arguments."""
    y = jax.eval_shape(op.op.apply, op.x, op.w)
    g = jnp.asarray(np.random.default_rng(0).normal(size=(2, *y.shape)))

    def run(x: Any, w: Any, g: Any) -> Any:
        xs = jnp.stack([x, x])
        e = op.op.imprint(xs, g)
        y, pull = jax.vjp(lambda w: op.op.apply(x, w), w)
        return y, pull(g[0]), op.op.correlate(xs, g), op.op.at_post(g[0]) * e, op.op.drain(e)

    return run, (op.x, op.w, g)


@pytest.mark.parametrize("op", ALL_OPS, ids=name)
def test_operators(device, op):
    run, args = ways(op)
    assert largest(same_on(device, jax.jit(run), *args)) > 0


@pytest.mark.parametrize("model", ALL_MODELS, ids=name)
def test_models(device, model):
    run, args = learned(model, RULES["d_rtrl" if model.local else "rtrl"])
    assert largest(same_on(device, run, *args).grads) > 0


@pytest.mark.parametrize("rule", RULES.values(), ids=name)
def test_rules(device, rule):
    run, args = learned(MODELS["ALIF"], rule, batch=None)
    assert largest(same_on(device, run, *args).grads) > 0


@pytest.mark.parametrize("model", SINGLE)
def test_single_precision(device, model):
    run, args = learned(MODELS[model], RULES["es_d_rtrl 0.9"], "float32")
    assert largest(same_on(device, run, *args, tol=TOLERANCE["float32"]).grads) > 0


def test_the_compilers_own_precision(device):
    """A GPU may round what it multiplies (TF32): gradients are then right to that."""
    run, (params, state, xs, ys) = learned(MODELS["GRU"], RULES["d_rtrl"], "float32", batch=32)
    with jax.default_device(device):
        there = run(*jax.device_put((params, state, xs, ys), device)).grads
    here = on(jax.devices("cpu")[0], run, params, state, xs, ys).grads
    for a, b in zip(jax.tree.leaves(there), jax.tree.leaves(here)):
        assert distance(a, b) < 1e-2


def test_traces_in_half_precision(device):
    """A rounding of a trace may fall to the other side: what it does to gradients stays at that of bfloat16."""
    run, args = learned(MODELS["ALIF"], lambda graph: rules.d_rtrl(dtype=jnp.bfloat16), "float32")
    there, here = on(device, run, *args), on(jax.devices("cpu")[0], run, *args)
    assert {a.dtype for a in jax.tree.leaves(there.carry.trace)} == {jnp.dtype(jnp.bfloat16)}
    for a, b in zip(jax.tree.leaves(there.grads), jax.tree.leaves(here.grads)):
        assert distance(a, b) < 2e-2


def test_bptt_there_is_autodiff_here(device):
    model = MODELS["LIF, recurrent"]
    run, args = learned(model, RULES["tbptt"], batch=None, window=None)
    got = named(model, on(device, run, *args).grads)
    for k, want in named(model, bptt(model, *model.data())).items():
        assert np.abs(got[k] - want).max() < 1e-10 * np.abs(want).max(), k
