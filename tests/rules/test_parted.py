"""A trace in two parts is the trace: where it is, and against full ones that another rule keeps."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import vestige as vg
from vestige.rules.parted import whole

RNG = np.random.default_rng(0)
I, N, T = 4, 5, 7
RULE = vg.rules.d_rtrl()


def draw(*shape, scale=0.5):
    return jnp.asarray(RNG.normal(size=shape) * scale)


def step(p, s, x):
    """An alpha-shaped current from one weight, a plain one from another, a trained scalar decay, a bias, a leaky readout."""
    k = jax.nn.sigmoid(p["k"])
    a = k * s["a"] + vg.matmul(x, p["w"])
    b = k * s["b"] + 0.2 * s["a"]
    c = 0.6 * s["c"] + vg.matmul(jnp.tanh(s["v"]), p["u"]) + p["bias"]
    v = 0.9 * jnp.tanh(s["v"]) + 0.3 * b - 0.2 * c
    r = 0.8 * s["r"] + vg.matmul(jnp.tanh(v), p["o"])
    return {"a": a, "b": b, "c": c, "r": r, "v": v}, r


PARAMS = dict(w=draw(I, N), u=draw(N, N), o=draw(N, 2), bias=draw(N), k=draw())
STATE = {name: draw(2 if name == "r" else N) for name in "abcvr"}
GRAPH = vg.trace_graph(step, PARAMS, STATE, jnp.zeros(I))
NAMES = [e.name for e in GRAPH.edges]


def run(rule, window, batch=None, **options):
    rng = np.random.default_rng(1)
    lead = (T,) if batch is None else (T, batch)
    xs, ys = (jnp.asarray(rng.normal(size=(*lead, n))) for n in (I, 2))
    loss = lambda y, t: ((y - t) ** 2).mean()
    return vg.gradients(
        GRAPH, rule, PARAMS, vg.init(GRAPH, rule, PARAMS, STATE, batch), xs, ys, loss, window, **options
    )


def close(a, b):
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-11, atol=1e-14), a, b)


def test_what_all_neurons_remember_alike_is_kept_once():
    trace = dict(zip(NAMES, vg.init(GRAPH, RULE, PARAMS, STATE).trace))
    assert trace["w"].alike.shape == (3, I) and trace["w"].own.shape == (1, I, N)
    assert trace["o"].alike.shape == (1, N) and trace["o"].own is None
    assert trace["bias"].alike.shape == (3,) and trace["bias"].own.shape == (1, 1, N)
    assert trace["k"].alike.shape == (1,), "of c alone, which it never meets: its slope on the others is their state"


@pytest.mark.parametrize("batch", [None, 3])
def test_it_is_what_full_traces_give(batch):
    """`reward_modulated(0)` with a modulator of one is D-RTRL with full traces, step by step."""
    ones = jnp.ones(T) if batch is None else jnp.ones((T, batch))
    plain = run(vg.rules.reward_modulated(0.0), 3, batch, modulator=ones)
    for window in (1, 3, T):
        out = run(RULE, window, batch)
        close(out.grads, plain.grads)
        for edge, e, old in zip(GRAPH.edges, out.carry.trace, plain.carry.trace[0]):
            shown = whole if batch is None else jax.vmap(whole, (None, None, 0))
            if e is not None:
                assert float(jnp.abs(old).max()) > 0
                close(shown(GRAPH, edge, e), old)
    assert min(float(jnp.abs(g).max()) for g in out.grads.values()) > 0
    size = lambda trace: sum(a.size for a in jax.tree.leaves(trace))
    assert size(out.carry.trace) < 0.5 * size(plain.carry.trace[0])
