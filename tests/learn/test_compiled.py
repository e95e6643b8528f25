"""Large arrays that a graph holds reach a program as arguments."""

import brainstate
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from scipy.sparse import csr_array

import vestige as vg
from vestige import Graph, gradients, init, rules, trace_graph
from vestige.learn import compiled
from vestige.ops import Mapped, Sparse, mark

N, E = 5, 12


def network() -> tuple[Graph, dict, dict]:
    rng = np.random.default_rng(0)
    op = Sparse(rng.integers(0, N, E), rng.integers(0, N, E), N, N)
    fixed = jnp.asarray(rng.normal(size=(7, N)))

    def step(p, s, x):
        v = 0.8 * s["v"] + mark(op, jnp.tanh(s["v"]), p["w"]) + x @ fixed
        return {"v": v}, v

    params, state = {"w": jnp.asarray(rng.normal(size=E))}, {"v": jnp.zeros(N)}
    return trace_graph(step, params, state, jnp.zeros(7)), params, state


@pytest.mark.parametrize("large", [1, 1 << 20], ids=["passed", "written in"])
def test_constants_are_passed_where_they_are_large(monkeypatch, large):
    """The same numbers, and of the large ones no copy in the program."""
    monkeypatch.setattr(compiled, "LARGE", large)
    graph, params, state = network()
    xs, ys = jnp.asarray(np.random.default_rng(1).normal(size=(4, 7))), jnp.ones((4, N))
    loss = lambda y, t: ((y - t) ** 2).mean()
    go = lambda p: gradients(graph, rules.d_rtrl(), p, init(graph, rules.d_rtrl(), p, state), xs, ys, loss, 2).grads
    got, again, inside = go(params), go(params), jax.jit(go)(params)
    assert compiled.holds(graph) == (large == 1)
    for grads in (again, inside):
        np.testing.assert_allclose(grads["w"], got["w"], rtol=1e-12)


def test_a_step_at_a_time_passes_them_too(monkeypatch):
    """`Online` and the eager step, whose programs hold others: the same weights and gradients."""
    found = []
    for large in (1, 1 << 20):
        monkeypatch.setattr(compiled, "LARGE", large)
        brainstate.random.seed(0)
        model = vg.nn.SparseLinear(csr_array(np.array([[0.0, 2, 1], [1, 0, 0], [3, 0, 0]])))
        learner = vg.D_RTRL(model)
        learner.compile_graph(jnp.ones(3))
        grads = brainstate.transform.grad(
            lambda learner=learner: learner(jnp.ones(3)).sum(), model.states(brainstate.ParamState)
        )()
        online = vg.Online(learner, loss=lambda y, t: ((y - t) ** 2).mean(), optimizer=optax.sgd(0.1))
        seen = [online(jnp.ones(3), jnp.zeros(3)).loss for _ in range(3)]
        assert compiled.holds(learner.graph) == (large == 1)
        found.append(np.concatenate([*map(np.ravel, jax.tree.leaves(grads)), np.asarray(seen)]))
    assert np.abs(found[1]).min() > 0
    np.testing.assert_allclose(*found, rtol=1e-12)


def test_what_is_large_is_found_inside_operators_of_operators():
    op = Mapped(Mapped(Sparse([0, 1, 2], [0, 1, 1], 3, 2), True, False), True, False)
    assert sum(a.size for a in compiled.arrays(op)) == 6
