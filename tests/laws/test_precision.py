"""In single precision the same gradients, to single precision; and never a float64 by accident."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from measure import loss, named, online
from vestige import gradients, init, trace_graph
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
