"""Spikes as events: only the synapses of inputs that are not zero are visited, and the numbers are the same."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from measure import loss
from vestige import gradients, init, rules, trace_graph
from vestige.ops import Sparse, dense, mark
from zoo import spike

N, E, K = 16, 96, 6


def network(chunk, seed=0, order=True):
    rng = np.random.default_rng(seed)
    rows, cols = rng.integers(0, N, E), rng.integers(0, N, E)
    return Sparse(np.sort(rows) if order else rows, cols, N, N, chunk=chunk)


def sparse_inputs(rng, *shape):
    """At most one of `N` inputs is on."""
    at = np.zeros((*shape, N))
    np.put_along_axis(at, rng.integers(0, N, (*shape, 1)), rng.normal(size=(*shape, 1)), -1)
    return jnp.asarray(at)


def test_events_need_synapses_in_the_order_of_their_inputs():
    assert network(5).start is not None
    assert network(5, order=False).start is None and network(E).start is None


@pytest.mark.parametrize("on", [0, 1, N], ids=["silent", "few", "all"])
def test_events_give_the_same_numbers(on):
    """Sums to the last bit, for every number of inputs that are on; correlation over time; derivatives."""
    rng = np.random.default_rng(on)
    few, all_ = network(5), network(E)
    x = sparse_inputs(rng, K) if on == 1 else jnp.asarray(rng.normal(size=(K, N))) * (on > 0)
    w, g = jnp.asarray(rng.normal(size=E)), jnp.asarray(rng.normal(size=(K, N)))
    single, batch = jax.jit(few.apply), jax.jit(jax.vmap(few.apply, (0, None)))
    want = jax.jit(jax.vmap(all_.apply, (0, None)))(x, w)
    np.testing.assert_array_equal(jnp.stack([single(a, w) for a in x]), want)
    np.testing.assert_array_equal(batch(x, w), want)
    np.testing.assert_allclose(few.correlate(x, g), all_.correlate(x, g), atol=1e-14)
    f = lambda op: lambda x, w: (op.apply(x, w) * g[0]).sum()
    for got, true in zip(jax.grad(f(few), (0, 1))(x[0], w), jax.grad(f(all_), (0, 1))(x[0], w)):
        np.testing.assert_allclose(got, true, atol=1e-14)
    push = lambda op: jax.jvp(lambda x: op.apply(x, w), (x[0],), (g[0],))[1]
    np.testing.assert_allclose(push(few), push(all_), atol=1e-14)


def test_few_inputs_are_not_multiplied_by_what_they_do_not_reach():
    """A weight that no active input uses is not looked at: what is not a number there does not show."""
    op, rng = network(5), np.random.default_rng(0)
    x = sparse_inputs(rng)
    unused = ~np.isin(np.asarray(op.rows), np.flatnonzero(x))
    w = jnp.where(unused, jnp.nan, 1.0)
    assert np.isfinite(op.apply(x, w)).all() and not np.isfinite(op.apply(jnp.ones(N), w)).all()


@pytest.mark.parametrize(
    "rule, batch", [(rules.d_rtrl(), None), (rules.es_d_rtrl(0.9), 2)], ids=["d_rtrl", "es, batch"]
)
def test_rules_do_not_see_how_the_product_is_done(rule, batch):
    """A recurrent network that fires seldom, whole and by events, in windows."""
    rng = np.random.default_rng(1)
    lead = (K,) if batch is None else (K, batch)
    params = {"w": jnp.asarray(rng.normal(size=E)), "out": jnp.asarray(rng.normal(size=(N, 2)))}
    xs, ys = 2 * jnp.abs(sparse_inputs(rng, *lead)) + 0.1, jnp.asarray(rng.normal(size=(*lead, 2)))
    state = {"v": jnp.zeros(N)}

    def result(op):
        def step(p, s, x):
            z = spike(s["v"] - 1)
            v = 0.9 * (s["v"] - z) + mark(op, z, p["w"]) + x
            return {"v": v}, mark(dense(), spike(v - 1), p["out"])

        graph = trace_graph(step, params, state, jnp.zeros(N))
        return gradients(graph, rule, params, init(graph, rule, params, state, batch), xs, ys, loss, K // 2)

    got, want = result(network(5)), result(network(E))
    assert 0 < float(want.firing["v"]) < 0.3
    for k in params:
        assert np.abs(want.grads[k]).max() > 0
        np.testing.assert_allclose(got.grads[k], want.grads[k], rtol=1e-11, atol=1e-14)
