"""What a step couples is never less than what its derivative shows, and no more where the structure is plain."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from measure import compiled
from vestige import GraphError, trace_graph
from vestige.graph import prelude
from vestige.ops import Sparse, mark
from vestige.rules.couplings import couplings
from vestige.rules.influence import back, size, trained
from vestige.rules.structure import Weights
from zoo import ALL_MODELS, COLS, MODELS, ROWS, I, N, draw, matmul, name, spike, tanh, zeros

LOCAL = [m for m in ALL_MODELS if m.local]
QUICK = {"LIF, recurrent", "LSTM, split", "stacked", "two groups", "prelude", "delay by pointer", "bookkeeping"}


def derivatives(model, points):
    """(dh'/dh, dh'/dtheta) at random parameters, states and inputs, `[n, ...]` each."""
    g, rng = model.graph, np.random.default_rng(7)
    moved = lambda a: a + draw(rng, *a.shape) if jnp.issubdtype(a.dtype, jnp.floating) else a

    def at(params, state, x):
        pull = back(g, prelude(g, params), jax.tree.leaves(state), jax.tree.leaves(x))
        return jax.vmap(pull)(jnp.eye(size(g)))[:2]

    args = lambda: (jax.tree.map(moved, model.params), jax.tree.map(moved, model.state), model.inputs(rng, ()))
    run = compiled(at, *args())
    return [jax.tree.map(np.asarray, run(*args())) for _ in range(points)]


@pytest.mark.parametrize(
    "model", [pytest.param(m, marks=() if m.name in QUICK else pytest.mark.slow) for m in LOCAL], ids=name
)
def test_no_coupling_is_missed(model):
    c, weights = couplings(model.graph), Weights(model.graph)
    alive = [
        weights(v).reshape(-1) for v in trained(model.graph, model.graph.frontier)
    ]  # a masked weight has no parameter
    for J, local in derivatives(model, 4):
        assert np.abs(J).max() > 0
        assert not (np.abs(J).T > 0)[~c.onward[: c.n]].any()
        for value, some, touched, read in zip(local, alive, c.touched, c.read):
            reached = np.repeat(~some[:, None], c.n, 1)
            for element, node in (touched, read):
                np.logical_or.at(reached, element, c.onward[node])
            assert not (np.abs(value.reshape(c.n, -1)).T > 0)[~reached].any()


def test_synapses_that_are_stored_couple_and_no_others():
    c = couplings(MODELS["sparse, recurrent"].graph)
    want = np.eye(N, dtype=bool)
    want[ROWS[ROWS >= I] - I, COLS[ROWS >= I]] = True
    np.testing.assert_array_equal(c.onward[: c.n], want)


def test_masked_weights_do_not_couple():
    r = np.random.default_rng(0)
    mask = r.uniform(size=(N, N)) < 0.4

    def step(p, s, x):
        v = 0.8 * s["v"] + matmul(x, p["w"]) + matmul(spike(s["v"] - 0.2), jnp.abs(p["r"]) * mask)
        return dict(v=v), v + 0.0

    graph = trace_graph(step, dict(w=draw(r, I, N), r=draw(r, N, N)), zeros(v=(N,)), jnp.zeros(I))
    c = couplings(graph)
    np.testing.assert_array_equal(c.onward[: c.n], mask | np.eye(N, dtype=bool))
    assert sorted(len(element) for element, _ in c.touched) == [mask.sum(), I * N]


def test_gates_of_one_neuron_are_its_own_and_layers_lead_on():
    c = couplings(MODELS["LSTM, split"].graph)
    assert c.n == 2 * N and (c.onward[: c.n].sum(1) == [*[2] * N, *[2 * N] * N]).all()  # c, then h
    c = couplings(MODELS["stacked"].graph)
    np.testing.assert_array_equal(np.unique(c.population, return_counts=True)[1], [N, 3, 2])
    assert c.onward[:N].all() and not c.onward[N : N + 3, :N].any()  # never from the second layer to the first


def test_what_weights_may_be_is_known_before_they_are():
    """Never too few: what is cut off at random values may be there at others."""
    mask = np.arange(12).reshape(3, 4) % 3 == 0

    def step(p, s, x):
        block = jnp.zeros((3, 4)).at[:, 1:3].set(0) + jnp.pad(p["a"], ((0, 0), (1, 1)))
        kept = jnp.where(p["b"] > 3, p["b"], 0.0)
        low = (p["c"] * mask[:, :2].astype(float)) @ p["d"]
        return s, [
            matmul(x, w) for w in (p["e"] * mask, block, kept, low, jax.nn.relu(p["b"]), p["b"].T.reshape(3, 4) / 2)
        ]

    r = np.random.default_rng(0)
    params = dict(a=draw(r, 3, 2), b=draw(r, 3, 4), c=draw(r, 3, 2), d=draw(r, 2, 4), e=draw(r, 3, 4))
    graph = trace_graph(step, params, jnp.zeros(1), jnp.zeros(3))
    weights = Weights(graph)
    got = [weights(e.ins[1]) for e in graph.eqns if e.is_mark]
    every = np.ones((3, 4), bool)
    padded = np.pad(np.ones((3, 2), bool), ((0, 0), (1, 1)))
    rows = np.repeat(mask[:, :2].any(1)[:, None], 4, 1)
    for a, b in zip(got[:1] + got[2:], (mask, every, rows, every, every)):
        np.testing.assert_array_equal(a, b)
    assert (got[1] >= padded).all()


def test_weights_stored_by_index_and_mapped_ones_touch_their_own_outputs():
    rows, cols = np.array([0, 1, 2]), np.array([1, 1, 0])

    def step(p, s, x):
        h = tanh(mark(Sparse(rows, cols, 3, 2), x, p["w"]) + s["h"])
        return dict(h=h), h + 0.0

    graph = trace_graph(step, dict(w=jnp.ones(3)), zeros(h=(2,)), jnp.ones(3))
    c = couplings(graph)
    element, node = c.touched[0]
    np.testing.assert_array_equal(element, [0, 1, 2])
    np.testing.assert_array_equal([np.flatnonzero(c.onward[n]) for n in node], [[1], [1], [0]])


def test_positions_are_needed():
    with pytest.raises(GraphError, match="position by position.*uoro"):
        couplings(MODELS["mixing"].graph)
