"""Smaller traces: in another floating type, or as the factors of the last steps; and how far off that is."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from measure import named, online
from vestige import gradients, init, rules, trace_graph
from vestige.ops import dense, mark
from zoo import MODELS, Named

N_IN, N, T, DECAY = 3, 5, 60, 0.9
HALF = 2.0**-8  # of bfloat16, which has eight significant bits


def leaky(p, s, x):
    """One population whose states fade by the same factor at every step."""
    v = DECAY * s["v"] + mark(dense(), x, p["w"])
    return {"v": v}, v


def run(rule, window, steps=T, dtype=jnp.float64):
    rng = np.random.default_rng(0)
    xs, ys = (jnp.asarray(rng.normal(size=(steps, n)), dtype) for n in (N_IN, N))
    params, state = {"w": jnp.asarray(rng.normal(size=(N_IN, N)), dtype)}, {"v": jnp.zeros(N, dtype)}
    graph = trace_graph(leaky, params, state, xs[0])
    return gradients(graph, rule, params, init(graph, rule, params, state), xs, ys, lambda y, t: (y * t).sum(), window)


def total(result):
    return np.asarray(result.grads["w"], float)


def bound_on_past(part):
    """What an error of `part` of its largest value in every trace does to the gradient of `sum_t <y_t, target_t>`, at most:
    the credit for a window's entry is that of the targets behind it, as they fade."""
    rng = np.random.default_rng(0)
    xs, ys = (rng.normal(size=(T, n)) for n in (N_IN, N))
    trace, largest = np.zeros((N_IN,)), np.zeros((N_IN,))
    for x in xs:
        trace = DECAY * trace + x
        largest = np.maximum(largest, np.abs(trace))
    return part * np.outer(largest, DECAY * np.abs(ys).sum(0))


def test_a_trace_in_half_the_bits_is_off_by_its_rounding():
    """Roundings of each step fade with the trace: their sum is at most `u / (1 - d)` of its largest value."""
    whole, half = run(rules.d_rtrl(), 1), run(rules.d_rtrl(dtype=jnp.bfloat16), 1)
    (b,) = jax.tree.leaves(half.carry.trace)
    assert b.dtype == jnp.bfloat16 and half.grads["w"].dtype == jnp.float64
    off = np.abs(total(half) - total(whole))
    assert off.max() > 0 and (off <= bound_on_past(HALF / (1 - DECAY))).all()
    # windows round more seldom: the same bound with what is left of a trace after one
    off = np.abs(total(run(rules.d_rtrl(dtype=jnp.bfloat16), 10)) - total(whole))
    assert (off <= bound_on_past(HALF / (1 - DECAY**10))).all()


@pytest.mark.parametrize(
    "rule", [rules.es_d_rtrl(0.9), rules.hybrid(0.9), rules.ottt(0.9)], ids=["es_d_rtrl", "hybrid", "ottt"]
)
def test_every_trace_can_be_kept_in_half(rule):
    """Half the memory, the network's own type for the gradient, and the same gradient to some roundings."""
    half = rules.stored(rule, jnp.bfloat16)
    whole, got = run(rule, 4, 12, jnp.float32), run(half, 4, 12, jnp.float32)
    arrays = lambda r: [a for a in jax.tree.leaves(r.carry.trace) if a.ndim]
    assert sum(a.nbytes for a in arrays(got)) * 2 == sum(a.nbytes for a in arrays(whole)) > 0
    assert got.grads["w"].dtype == jnp.float32
    off = np.linalg.norm(total(got) - total(whole)) / np.linalg.norm(total(whole))
    assert 0 < off < 5 * HALF
    assert rules.stored(rule, jnp.bfloat16) is half and rules.stored(rule, None) is rule


def test_a_short_memory_is_off_by_what_has_faded():
    """Exact while it remembers all; after, at most `d^M` of the trace."""
    whole = total(run(rules.d_rtrl(), 1))
    np.testing.assert_allclose(total(run(rules.recent(T), 1)), whole, rtol=1e-12)
    last = np.inf
    for steps, window in ((5, 1), (20, 1), (40, 4)):
        off = np.abs(total(run(rules.recent(steps), window)) - whole)
        assert 0 < off.max() < last and (off <= bound_on_past(DECAY**steps)).all()
        last = off.max()


def test_a_memory_of_all_steps_is_d_rtrl():
    """Recurrent and of two states a neuron, in windows."""
    m = MODELS["ALIF"]
    xs, ys = m.data()
    got = named(m, online(m, Named("recent", lambda graph: rules.recent(len(xs))), xs, ys, 3).grads)
    want = named(m, online(m, Named("d_rtrl", lambda graph: rules.d_rtrl()), xs, ys, 3).grads)
    for k, g in want.items():
        assert np.abs(g).max() > 0
        np.testing.assert_allclose(got[k], g, rtol=1e-10, atol=1e-13)


def test_what_cannot_be_a_trace_is_said():
    with pytest.raises(ValueError, match="floating type"):
        rules.d_rtrl(dtype=jnp.int32)
    with pytest.raises(ValueError, match="at least 1"):
        rules.recent(0)
