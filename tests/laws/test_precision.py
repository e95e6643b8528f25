"""In single precision the same gradients, to single precision; a carry and gradients keep the types that they began with."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from measure import loss, named, online
from vestige import GraphError, gradients, init, trace_graph
from zoo import MODELS, RULES

single = lambda tree: jax.tree.map(lambda a: a.astype(jnp.float32) if a.dtype == jnp.float64 else a, tree)


# every rule on small models, one on the larger ones
PAIRS = [(m, r) for m in ("LSTM, split", "ALIF") for r in ("d_rtrl", "es_d_rtrl 0.9", "hybrid", "rtrl")]
PAIRS += [(m, "d_rtrl") for m in ("block of 3", "conv 1d")]
SLOW = [("LSTM, split", "hybrid"), ("LSTM, split", "rtrl"), ("block of 3", "d_rtrl")]


@pytest.mark.parametrize("model, rule", [pytest.param(*p, marks=pytest.mark.slow if p in SLOW else ()) for p in PAIRS])
def test_single_precision_agrees_with_double(model, rule):
    m, r = MODELS[model], RULES[rule]
    xs, ys = m.data()
    want = named(m, online(m, r, xs, ys, 3).grads)
    params, state, xs, ys = single((m.params, m.state, xs, ys))
    graph = trace_graph(m.step, params, state, xs[0])
    made = r(graph)
    out = gradients(graph, made, params, init(graph, made, params, state), xs, ys, loss, 3)
    assert {a.dtype for a in jax.tree.leaves(out.grads)} == {jnp.dtype("float32")}
    floats = [a.dtype for a in jax.tree.leaves(out.carry) if jnp.issubdtype(a.dtype, jnp.floating)]
    assert set(floats) == {jnp.dtype("float32")}
    for k, g in named(m, out.grads).items():
        assert np.abs(g - want[k]).max() < 1e-4 * np.abs(want[k]).max(), k


# (parameters, states): alike, and weights coarser than the states they drive
TYPES = [("float32", "float32"), ("bfloat16", "bfloat16"), ("float32", "float64"), ("bfloat16", "float32")]
# these steps hold constants in float64 themselves
DOUBLE = "two layers, one leak/trailing axes, tridiagonal solve/trailing axes, solve/cell/bookkeeping/mixing".split("/")
QUICK = [("ALIF", r, *t) for r in ("d_rtrl", "es_d_rtrl 0.9") for t in TYPES[2:3]]
QUICK += [("ALIF", r, *TYPES[3]) for r in ("otpe, approximate", "reward_modulated", "uoro")]
ALL = [
    (m, r, *t)
    for m in MODELS
    if m not in DOUBLE
    for r in RULES
    for t in (TYPES if m == "LIF, recurrent" else TYPES[:1])
]


def as_types(tree, dtype):
    return jax.tree.map(lambda a: a.astype(dtype) if jnp.issubdtype(a.dtype, jnp.floating) else a, tree)


@pytest.mark.parametrize(
    "model, rule, weights, states", [*QUICK, *(pytest.param(*p, marks=pytest.mark.slow) for p in ALL)]
)
def test_nothing_changes_its_type(model, rule, weights, states):
    """Weights coarser than states too: a trace is as fine as what it is made of, from the start."""
    m, xs, ys = MODELS[model], *MODELS[model].data(5)
    params, state, xs = as_types(m.params, weights), as_types(m.state, states), as_types(xs, states)
    graph = trace_graph(m.step, params, state, jax.tree.map(lambda a: a[0], xs))
    made = RULES[rule](graph)
    try:
        carry = init(graph, made, params, state)
    except GraphError:
        return  # the rule refuses this model, whatever its types
    more = dict(modulator=jnp.ones(5)) if made.teach.modulated else {}
    out = jax.eval_shape(lambda c: gradients(graph, made, params, c, xs, ys, loss, 2, **more), carry)
    types = lambda tree: jax.tree.map(lambda a: a.dtype, tree)
    assert types(out.carry) == types(carry)
    assert types(out.grads) == types(params)
