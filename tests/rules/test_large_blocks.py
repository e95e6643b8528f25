"""Large blocks: traces pushed by forward mode are those of the explicit Jacobian, for every kind of edge."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import vestige as vg
from vestige.ops import conv_op, mark

RNG = np.random.default_rng(0)
N, I, C, T = 3, 4, 5, 6


def draw(*shape, scale=0.4):
    return jnp.asarray(RNG.normal(size=shape) * scale)


def loss(y, target):
    return ((y - target) ** 2).mean()


def cable(p, s, x):
    """Compartments on the last axis, coupled by a stencil; a bias and a shared coupling matrix beside the mark."""
    y = vg.matmul(x, p["w"]) + p["b"]
    v = s["v"] + 0.2 * (jnp.roll(s["v"], 1, -1) - s["v"]) + jnp.tanh(s["v"]) @ p["g"] * 0.1
    v = v.at[:, 0].add(y)
    m = 0.8 * s["m"] + 0.2 * jnp.tanh(v[:, -1])
    return dict(v=v, m=m), v.sum(-1) + m


def dendrites(p, s, x):
    """Two outputs of one mark into each position."""
    y = jnp.tanh(vg.matmul(x, p["w"])).reshape(N, 2)
    v = 0.8 * s["v"] + 0.1 * s["v"][:, ::-1] + y * s["v"].sum(-1, keepdims=True) + y + p["b"][:, None]
    return dict(v=v), v.sum(-1)


def convolved(p, s, x):
    v = 0.8 * s["v"] - 0.3 * s["a"] + mark(conv_op((3,)), x, p["k"]) + p["b"]
    return dict(v=v, a=0.9 * s["a"] + 0.1 * v), jnp.tanh(v).sum(-1)


CASES = {
    "cable": (cable, lambda: dict(w=draw(I, N), b=draw(N), g=draw(C, C)), dict(v=(N, C), m=(N,)), (I,)),
    "dendrites": (dendrites, lambda: dict(w=draw(I, 2 * N), b=draw(N)), dict(v=(N, 2)), (I,)),
    "convolved": (convolved, lambda: dict(k=draw(3, 2, 3), b=draw(3)), dict(v=(4, 3), a=(4, 3)), (4, 2)),
}


RULES = {"d_rtrl": vg.rules.d_rtrl(), "es": vg.rules.es_d_rtrl(0.8), "hybrid": vg.rules.hybrid(0.8)}
PAIRS = [(case, rule) for case in CASES for rule in RULES]
QUICK = {("dendrites", "es"), ("convolved", "hybrid")}


@pytest.mark.parametrize("case, rule", [pytest.param(*p, marks=() if p in QUICK else pytest.mark.slow) for p in PAIRS])
def test_pushed_traces_are_the_explicit_ones(case, rule):
    step, params, shapes, n_in = CASES[case]
    params, state = params(), {k: draw(*v) for k, v in shapes.items()}
    xs = draw(T, 2, *n_in, scale=1.0)
    targets = draw(T, 2, *jax.eval_shape(step, params, state, xs[0, 0])[1].shape)
    results = []
    for size in (48, 1):
        graph = vg.trace_graph(step, params, state, xs[0, 0], max_block=size)
        assert any(g.pushed for g in graph.groups) == (size == 1)
        choose = vg.rules.hybrid(0.8, choose={e.name: "factorised" for e in graph.edges if e.group is not None})
        used = choose if rule == "hybrid" else RULES[rule]
        carry = vg.init(graph, used, params, state, batch_size=2)
        results.append(vg.gradients(graph, used, params, carry, xs, targets, loss, window=4))
    explicit, pushed = results
    for a, b in zip(jax.tree.leaves(explicit.grads), jax.tree.leaves(pushed.grads)):
        assert jnp.linalg.norm(a) > 0
        np.testing.assert_allclose(b, a, rtol=1e-10, atol=1e-14)


def test_a_block_of_a_hundred_states_equals_bptt_and_says_how():
    step, params, _, _ = CASES["cable"]
    wide = 100
    params = params() | dict(g=draw(wide, wide, scale=0.01))
    state = dict(v=draw(N, wide), m=draw(N))
    xs, targets = draw(T, I, scale=1.0), draw(T, N)
    graph = vg.trace_graph(step, params, state, xs[0])
    assert graph.groups[0].pushed and "pushed by forward mode" in str(graph.report)

    def total(p):
        def body(h, now):
            h, y = step(p, h, now[0])
            return h, loss(y, now[1])

        return jax.lax.scan(body, state, (xs, targets))[1].sum()

    rule = vg.rules.d_rtrl()
    grads = vg.gradients(graph, rule, params, vg.init(graph, rule, params, state), xs, targets, loss, window=2).grads
    true = jax.grad(total)(params)
    assert any(line.startswith("g:") for line in graph.report.own_step), "a position owns too much of g"
    for name in ("w", "b"):
        np.testing.assert_allclose(grads[name], true[name], rtol=1e-9, atol=1e-13, err_msg=name)


def test_hybrid_refuses_a_full_trace_over_a_large_block():
    step, params, shapes, n_in = CASES["cable"]
    params, state = params(), {k: jnp.zeros(v) for k, v in shapes.items()}
    graph = vg.trace_graph(step, params, state, jnp.zeros(n_in), max_block=1)
    with pytest.raises(vg.GraphError, match="`w`.*too large.*D-RTRL"):
        vg.init(graph, vg.rules.hybrid(choose={"w": "full"}), params, state)


@pytest.mark.parametrize(
    "rule", [vg.rules.d_rtrl(), vg.rules.ostl(), vg.rules.hybrid(0.8)], ids=["d_rtrl", "ostl", "hybrid"]
)
def test_blocks_of_twenty_are_pushed_where_that_is_cheaper(rule):
    """Few columns: pushed unless a limit is given by hand; rules that want dh'/dh form it all the same."""
    S = 20
    near = jnp.eye(S) + 0.1 * jnp.eye(S, k=1)

    def step(p, h, x):
        h = jnp.tanh(0.5 * h @ near + vg.matmul(x, p["w"])[:, None] + p["b"])
        return h, h[:, 0]

    params, state = dict(w=draw(I, N), b=draw(N, 1)), jnp.zeros((N, S))
    xs, targets = draw(T, I, scale=1.0), draw(T, N)
    found = []
    for limit in (None, S):
        graph = vg.trace_graph(step, params, state, xs[0], max_block=limit)
        assert graph.groups[0].pushed == (limit is None)
        carry = vg.init(graph, rule, params, state)
        found.append(vg.gradients(graph, rule, params, carry, xs, targets, loss, window=3).grads)
    for a, b in zip(*map(jax.tree.leaves, found)):
        assert jnp.linalg.norm(a) > 0
        np.testing.assert_allclose(b, a, rtol=1e-10, atol=1e-14)
