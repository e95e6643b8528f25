"""States that remember an input alike at all positions are found, and no others."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import vestige as vg
from vestige.graph import uniform

N, I = 5, 3
FLAT, STEEP = np.full(N, 0.8), np.linspace(0.7, 0.9, N)


def found(now, params=None, state=("g", "v"), x=None):
    """The uniform states of the block, by weight; `now(p, s, y, u)` is the new state from two weights' outputs."""
    params = {"w": jnp.ones((I, N)), "u": jnp.ones((I, N))} | (params or {})
    state = dict.fromkeys(state, jnp.ones(N)) if isinstance(state, tuple) else state

    def step(p, s, x):
        new = now(p, s, vg.matmul(x, p["w"]), vg.matmul(x, p["u"]))
        return new, sum(a.sum() for a in jax.tree.leaves(new))

    graph = vg.trace_graph(step, params, state, jnp.ones(I) if x is None else x)
    names = [(graph.state_names[i], lay.depth) for q in graph.groups for i, lay in zip(q.states, q.layouts)]
    slots = [f"{name}{k}" if depth > 1 else name for name, depth in names for k in range(depth)]
    return {e.name: [slots[s] for s in at] for e, at in uniform(graph).items() if e.name in "wu"}


def synapse(decay, into=0.3):
    def now(p, s, y, u):
        g = decay(p, s) * s["g"] + y
        return {"g": g, "v": 0.9 * jnp.tanh(s["v"]) + into * g + u}

    return now


@pytest.mark.parametrize(
    "decay, params, there",
    [
        (lambda p, s: 0.8, {}, True),
        (lambda p, s: jnp.asarray(FLAT), {}, True),
        (lambda p, s: jnp.exp(-1 / p["tau"]), {"tau": jnp.asarray(5.0)}, True),
        (lambda p, s: jnp.exp(-1 / jnp.full(N, p["tau"])), {"tau": jnp.asarray(5.0)}, True),
        (lambda p, s: jnp.asarray(STEEP), {}, False),
        (lambda p, s: p["tau"], {"tau": jnp.asarray(FLAT)}, False),
        (lambda p, s: jax.nn.sigmoid(s["g"]), {}, False),
        (lambda p, s: jax.nn.sigmoid(s["v"]), {}, False),
    ],
    ids=["number", "constants", "scalar", "spread", "several", "trained", "own state", "other state"],
)
def test_a_current_is_uniform_where_its_decay_is_one_number_for_all(decay, params, there):
    # the second weight never meets the current, so of it there is nothing to remember, which is the same for all
    expected = ["g"] if there else []
    assert found(synapse(decay), params) == {"w": expected, "u": expected}


def test_what_neurons_receive_differently_is_not_uniform():
    now = lambda p, s, y, u: {"g": 0.8 * s["g"] + STEEP * y, "v": jnp.tanh(s["v"]) + s["g"] + u}
    assert found(now) == {"w": [], "u": ["g"]}


def test_chains_are_uniform_from_their_start_up_to_the_first_that_differs():
    def now(p, s, y, u):
        a = 0.8 * s["a"] + y
        b = 0.7 * s["b"] + 0.1 * s["a"]
        return {"a": a, "b": b, "c": jnp.sin(s["c"]) + b, "d": 0.9 * s["d"] + 0.2 * s["c"] + u}

    assert found(now, state=("a", "b", "c", "d")) == {"w": ["a", "b"], "u": ["a", "b"]}


def test_a_linear_population_is_uniform_altogether():
    now = lambda p, s, y, u: {"g": 0.8 * s["g"] - 0.1 * s["v"] + y, "v": 0.9 * s["v"] + s["g"] + 2 * u}
    assert found(now) == {"w": ["g", "v"], "u": ["g", "v"]}


def test_ports_of_one_array_are_told_apart():
    def now(p, s, y, u):
        g = s["g"] * jnp.asarray([0.8, 0.5]) + jnp.stack([y, u], -1)
        return {"g": g, "v": 0.9 * jnp.tanh(s["v"]) + g[:, 0] - g[:, 1]}

    both = ["g0", "g1"]
    assert found(now, state={"g": jnp.ones((N, 2)), "v": jnp.ones(N)}) == {"w": both, "u": both}
    mixed = lambda p, s, y, u: {
        "g": s["g"] * jnp.stack([jnp.full(N, 0.8), jnp.sin(s["v"])], -1) + y[:, None],
        "v": s["v"] + u,
    }
    assert found(mixed, state={"g": jnp.ones((N, 2)), "v": jnp.ones(N)}) == {"w": ["g0", "v"], "u": ["g0", "v"]}


def test_a_reset_keeps_a_state_apart():
    reset = lambda p, s, y, u: {"g": jnp.where(s["v"] > 1, 0.0, 0.8 * s["g"]) + y, "v": jnp.tanh(s["v"]) + s["g"] + u}
    assert found(reset) == {"w": [], "u": []}
