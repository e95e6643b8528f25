"""Rules with small traces go through a window step by step: the same numbers, and products over all its steps at once."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import vestige as vg

I, H, T, B = 4, 6, 11, 3
STEPWISE = {
    "es_d_rtrl": vg.rules.es_d_rtrl((0.8, 0.9)),
    "es_d_rtrl, kappa": vg.rules.es_d_rtrl(0.9, kappa=0.7),
    "ottt": vg.rules.ottt(0.8),
    "otpe": vg.rules.otpe(0.8, approximate=True),
    "sltt": vg.rules.sltt(2, 3),  # counts steps in a memory of its own
    "immediate": vg.rules.immediate(),
}


def step(p, s, x):
    h = p["leak"] * s["h"] + jnp.tanh(vg.matmul(jnp.concatenate([x, s["h"]]), p["w"]) + p["b"])
    return {"h": h}, p["gain"] * vg.matmul(jnp.tanh(h), p["out"])


def problem(batch):
    rng = np.random.default_rng(0)
    draw = lambda *shape: jnp.asarray(rng.normal(size=shape))
    params = {"w": draw(I + H, H) / 2, "b": draw(H), "leak": jnp.full(H, 0.8), "out": draw(H, 2), "gain": jnp.ones(2)}
    state, lead = {"h": jnp.zeros(H)}, (T,) if batch is None else (T, batch)
    return params, state, vg.trace_graph(step, params, state, jnp.zeros(I)), draw(*lead, I), draw(*lead, 2)


QUICK = {("es_d_rtrl, kappa", B), ("sltt", None)}
CASES = [
    pytest.param(name, batch, marks=() if (name, batch) in QUICK else pytest.mark.slow)
    for name in STEPWISE
    for batch in (None, B)
]


@pytest.mark.parametrize(("name", "batch"), CASES)
def test_a_window_of_single_steps_is_a_window(name, batch):
    """Against windows as other rules have them: one look at all steps together. Ragged, masked, and carried on."""
    rule = STEPWISE[name]
    assert rule.stepwise
    params, state, graph, xs, ys = problem(batch)
    loss, mask = lambda o, y: ((o - y) ** 2).mean(), jnp.where(jnp.arange(T) % 4 == 1, 0.0, 0.5)

    def run(rule, window):
        found = vg.gradients(
            graph, rule, params, vg.init(graph, rule, params, state, batch), xs, ys, loss, window, mask=mask
        )
        return found.grads, found.losses, found.outputs, found.carry.trace, found.carry.lasting

    apart, wanted = run(rule, 4), run(rule._replace(stepwise=False), 4)
    assert min(float(jnp.abs(g).max()) for g in jax.tree.leaves(wanted[0])) > 1e-4
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-11, atol=1e-13), apart, wanted)


def test_all_steps_meet_in_one_product():
    params, state, graph, xs, ys = problem(B)
    rule, loss = vg.rules.es_d_rtrl(0.9), lambda o, y: ((o - y) ** 2).mean()

    def depths(jaxpr, depth=0):
        """How many loops there are around each product that has the weight's shape."""
        for eqn in jaxpr.eqns:
            if eqn.primitive.name == "dot_general" and eqn.outvars[0].aval.shape == (I + H, H):
                yield depth
            for inner in (getattr(v, "jaxpr", None) for v in eqn.params.values()):
                if inner is not None:
                    yield from depths(inner, depth + (eqn.primitive.name == "scan"))

    def found(window):
        carry = vg.init(graph, rule, params, state, B)
        run = lambda p: vg.gradients(graph, rule, p, carry, xs[:8], ys[:8], loss, window).grads
        return list(depths(jax.make_jaxpr(run)(params).jaxpr))

    assert found(None) == [0] and found(4) == [1] and found(1) == [1]


def test_a_coarse_trace_is_rounded_once_a_window():
    params, state, graph, xs, ys = problem(None)
    rule, loss = vg.rules.es_d_rtrl(0.9, dtype=jnp.bfloat16), lambda o, y: ((o - y) ** 2).mean()
    run = lambda rule: vg.gradients(graph, rule, params, vg.init(graph, rule, params, state), xs, ys, loss).grads
    fine = run(vg.rules.es_d_rtrl(0.9))
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-11, atol=1e-13), run(rule), fine)
