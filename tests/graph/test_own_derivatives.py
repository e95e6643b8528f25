"""States behind a surrogate spike belong to the population that fires: the derivative's rule says so, not the body."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import vestige as vg

RNG = np.random.default_rng(0)
I, N, T = 3, 4, 9


@jax.custom_jvp
def by_jvp(v):
    return (v > 0).astype(v.dtype)


by_jvp.defjvp(lambda p, t: (by_jvp(*p), t[0] / (1 + 5 * jnp.abs(p[0])) ** 2))


@jax.custom_vjp
def by_vjp(v):
    return (v > 0).astype(v.dtype)


by_vjp.defvjp(lambda v: (by_vjp(v), v), lambda v, g: (g / (1 + 5 * jnp.abs(v)) ** 2,))


def draw(*shape):
    return jnp.asarray(RNG.normal(size=shape))


def loss(y, target):
    return ((y - target) ** 2).mean()


def filtered(spike):
    """The filter of the spikes is what the loss sees; it hangs on the voltage by the surrogate alone."""

    def step(p, s, x):
        v = 0.8 * s["v"] - spike(s["v"] - 0.5) + vg.matmul(x, p["w"]) + p["b"]
        g = 0.9 * s["g"] + spike(v - 0.5)
        return dict(v=v, g=g), g

    return step


@pytest.mark.parametrize("spike", [by_jvp, by_vjp, vg.neurons.ReluGrad()], ids=["custom_jvp", "custom_vjp", "ours"])
def test_a_filter_of_spikes_is_in_the_block_and_exact(spike):
    step = filtered(spike)
    params, state = dict(w=draw(I, N), b=draw(N)), dict(v=jnp.zeros(N), g=jnp.zeros(N))
    xs, targets = 2 * draw(T, I), draw(T, N)
    graph = vg.trace_graph(step, params, state, xs[0])
    assert [(g.P, g.S) for g in graph.groups] == [(N, 2)]

    def total(p):
        def body(h, now):
            h, y = step(p, h, now[0])
            return h, (loss(y, now[1]), y)

        losses, outputs = jax.lax.scan(body, state, (xs, targets))[1]
        return losses.sum(), outputs

    true, outputs = jax.grad(total, has_aux=True)(params)
    assert jnp.abs(outputs).max() > 0 and jnp.linalg.norm(true["w"]) > 0, "a silent network compares nothing"
    rule = vg.rules.d_rtrl()
    for window in (1, 4, T):
        grads = vg.gradients(graph, rule, params, vg.init(graph, rule, params, state), xs, targets, loss, window).grads
        for name in params:
            np.testing.assert_allclose(grads[name], true[name], rtol=1e-10, atol=1e-13)


def test_a_derivative_that_mixes_is_seen_although_the_value_does_not():
    @jax.custom_jvp
    def crowd(v):
        return (v > 0).astype(v.dtype)

    crowd.defjvp(lambda p, t: (crowd(*p), t[0] - t[0].mean()))
    with pytest.raises(vg.GraphError, match="mixes positions.*`g`|mixes positions.*`v`"):
        vg.trace_graph(filtered(crowd), dict(w=draw(I, N), b=draw(N)), dict(v=jnp.zeros(N), g=jnp.zeros(N)), draw(I))


def test_a_smooth_function_with_a_rule_of_its_own_keeps_its_structure():
    """`jax.nn.relu` is one; a pairwise maximum over dendrites joins the two and no others."""

    def step(p, s, x):
        y = jax.nn.relu(vg.matmul(x, p["w"])).reshape(N, 2).max(-1)
        v = 0.8 * s["v"] + jax.nn.silu(y)
        return dict(v=v), v

    graph = vg.trace_graph(step, dict(w=draw(I, 2 * N)), dict(v=jnp.zeros(N)), draw(I))
    assert [(g.P, g.S) for g in graph.groups] == [(N, 1)]


def test_spikes_that_nothing_reads_speak_for_no_population():
    def step(params, h, x, listen):
        h = 0.9 * h + vg.matmul(x, params)
        spike = by_jvp(h - 1.0)
        return h, spike if listen else h

    found = [
        vg.trace_graph(partial(step, listen=on), jnp.ones((2, 3)), jnp.zeros(3), jnp.ones(2)).spikes for on in (0, 1)
    ]
    assert [list(spikes) for spikes in found] == [[], ["value"]]
