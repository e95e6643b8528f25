"""After a sequence's first window the trace need not be formed; what follows is the same."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import vestige as vg
from vestige.rules.d_rtrl import Recent, first

RNG = np.random.default_rng(0)
I, N, T, K = 25, 20, 7, 4


def draw(*shape, scale=1.0):
    return jnp.asarray(RNG.normal(size=shape) * scale)


def loss(y, target):
    return ((y - target) ** 2).mean()


def step(p, s, x):
    a = 0.9 * s["a"] + 0.1 * s["v"]
    v = 0.8 * jnp.sin(s["v"]) - 0.3 * a + vg.matmul(jnp.concatenate([x, jnp.tanh(s["v"])]), p["w"]) + p["b"]
    return dict(v=v, a=a), vg.matmul(jnp.tanh(v), p["o"])


# the readout reaches no state: it has no trace
PARAMS = dict(w=draw(I + N, N, scale=0.2), b=draw(N), o=draw(N, N, scale=0.3))
STATE = dict(v=jnp.zeros(N), a=jnp.zeros(N))
GRAPH = vg.trace_graph(step, PARAMS, STATE, jnp.zeros(I))
RULE = vg.rules.d_rtrl()


def run(batch, window, **options):
    lead = (T,) if batch is None else (T, batch)
    rng = np.random.default_rng(1)
    xs, ys = (jnp.asarray(rng.normal(size=(*lead, n))) for n in (I, N))
    return vg.gradients(
        GRAPH, RULE, PARAMS, vg.init(GRAPH, RULE, PARAMS, STATE, batch), xs, ys, loss, window, **options
    )


@pytest.mark.parametrize("batch", [None, 3])
@pytest.mark.parametrize("last", [False, True])
def test_two_windows_are_step_by_step(batch, last):
    plain, quick = run(batch, 1), run(batch, K, first=True, last=last)
    for name, g in plain.grads.items():
        assert jnp.linalg.norm(g) > 0
        np.testing.assert_allclose(quick.grads[name], g, rtol=1e-11, atol=1e-14)
    if last:
        assert quick.carry.trace is None
    else:
        jax.tree.map(
            lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-11, atol=1e-14), quick.carry.trace, plain.carry.trace
        )


def test_a_carry_is_fresh_until_it_has_been_used_or_transformed():
    carry = vg.init(GRAPH, RULE, PARAMS, STATE)
    assert carry.fresh and not jax.jit(lambda c: c)(carry).fresh
    xs, ys = draw(T, I), draw(T, N)
    whole = vg.gradients(GRAPH, RULE, PARAMS, carry, xs, ys, loss, 2)
    assert not whole.carry.fresh

    def step_by_step(c, now):
        out = vg.gradients(GRAPH, RULE, PARAMS, c, now[0][None], now[1][None], loss)
        return out.carry, out.grads

    grads = jax.lax.scan(step_by_step, carry, (xs, ys))[1]
    for name, g in whole.grads.items():
        np.testing.assert_allclose(grads[name].sum(0), g, rtol=1e-11, atol=1e-14)


def test_the_smaller_form_is_taken_weight_by_weight():
    from vestige.rules import Obs

    edges = {e.name: n for n, e in enumerate(GRAPH.edges)}
    shaped = lambda e, k: None if e.group is None else jnp.zeros((k, 2, *e.out))
    size = lambda e, k: (jnp.zeros((k, *(() if e.x is None else e.x.shape))), shaped(e, k))
    for steps, form in ((K, Recent), (100, jax.Array)):
        pre, post = zip(*(size(e, steps) for e in GRAPH.edges))
        obs = Obs(list(pre), list(post), [jnp.zeros((steps, 2, 2, N))], None)
        trace = first(GRAPH, RULE.init(GRAPH, [PARAMS[n] for n in ("b", "o", "w")]), obs)
        assert isinstance(trace[edges["w"]], form)
        assert isinstance(trace[edges["b"]], jax.Array), "a bias' trace is small"
