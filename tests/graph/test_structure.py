"""What the analysis finds: populations, blocks, edges; how far it agrees with a Jacobian; what it costs."""

import time

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from measure import compiled
from vestige import trace_graph
from vestige.graph.program import flatten, run
from vestige.ops import dense, mark
from zoo import ALL_MODELS, MODELS, I, N, _params, matmul, name, sig, spike, tanh, zeros

LOCAL = [m for m in ALL_MODELS if m.local]


@pytest.mark.parametrize("model", LOCAL, ids=name)
def test_no_neuron_moves_another(model):
    """The claim behind every trace, by brute force: with marks held constant, dh'/dh is block diagonal."""
    g = model.graph
    closed = jax.make_jaxpr(model.step)(model.params, model.state, model.x)
    flat = flatten(closed)
    leaves = jax.tree.leaves((model.params, model.state, model.x))
    held = run(flat.eqns, {**flat.consts, **dict(zip(flat.ins, leaves))})
    leaves_h = jax.tree.leaves(model.state)
    for q in g.groups:
        sizes = [leaves_h[i].size for i in q.states]
        pos = np.concatenate([lay.pos for lay in q.layouts])
        rng = np.random.default_rng(0)

        def new(flat_h, q=q, sizes=sizes):
            env = {**flat.consts, **dict(zip(flat.ins, leaves))}
            for i, part in zip(q.states, jnp.split(flat_h, np.cumsum(sizes)[:-1])):
                env[flat.ins[g.n_params + i]] = part.reshape(leaves_h[i].shape)
            for e in flat.eqns:
                if e.is_mark:
                    env[e.outs[0]] = held[e.outs[0]]
                else:
                    run([e], env)
            return jnp.concatenate([env[flat.outs[i]].reshape(-1) for i in q.states])

        h = jnp.asarray(rng.normal(size=sum(sizes)))
        J = np.asarray(compiled((jax.jacrev if model.reverse else jax.jacfwd)(new), h)(h))
        apart = pos[:, None] != pos[None, :]
        assert np.abs(J).max() > 0 or model.name == "vanilla RNN"  # it forgets all but through its weights
        assert not np.abs(J[apart]).max(initial=0) > 0


@pytest.mark.parametrize(
    "model, want",
    [
        ("LIF, recurrent", [(2, 1), (5, 1)]),
        ("ALIF", [(5, 2)]),
        ("GRU", [(5, 1)]),
        ("trailing axes, matmul", [(5, 8)]),
        ("group state", [(5, 2)]),
        ("delay by shift", [(5, 4)]),
        ("delay by pointer", [(5, 4)]),
        ("conv 1d", [(15, 2)]),
        ("conv 2d", [(18, 2)]),
        ("two groups", [(2, 1), (5, 1)]),
        ("stacked", [(2, 1), (3, 1), (5, 1)]),
        ("mapped inside", [(10, 1)]),
        ("bookkeeping", [(5, 1)]),
        ("dendrites and a clock", [(5, 1)]),
    ],
)
def test_populations_and_blocks(model, want):
    assert sorted((g.P, g.S) for g in MODELS[model].graph.groups) == want


def test_bookkeeping_is_pruned():
    (group,) = MODELS["bookkeeping"].graph.groups
    assert group.names == ("v",)


def test_one_weight_that_drives_two_populations_is_two_edges():
    g = MODELS["two groups"].graph
    assert sorted(g.groups[e.group].names[0] for e in g.edges if e.name == "w" and e.group is not None) == ["u", "v"]
    leak = MODELS["two layers, one leak"].graph
    assert len([e for e in leak.edges if e.name == "a"]) == 2


def test_marks_of_constants_are_not_trained():
    fixed = jnp.ones((I, N))
    step = lambda p, s, x: (lambda v: (dict(v=v), v))(0.8 * s["v"] + matmul(x, fixed) + matmul(x, p["w"]))
    g = trace_graph(step, _params(w=(I, N)), zeros(v=(N,)), jnp.zeros(I))
    assert [e.name for e in g.edges] == ["w"]


def test_max_own_says_how_many_values_a_position_may_own():
    m = MODELS["unmarked matrix"]
    few = trace_graph(m.step, m.params, m.state, m.x, max_own=2)
    assert any(line.startswith("U:") for line in few.report.own_step)
    assert not any(line.startswith("U:") for line in m.graph.report.own_step)


def test_shapes_are_enough_to_trace():
    m = MODELS["LIF, recurrent"]
    shapes = jax.eval_shape(lambda: (m.params, m.state, m.x))
    assert str(trace_graph(m.step, *shapes).report) == str(m.graph.report)


def test_a_graph_prints_what_it_learns():
    said = str(MODELS["unmarked matrix, wide"].graph)
    assert "v: 5 positions with blocks of 1" in said and "w -> v" in said and "U: too many values" in said


@pytest.mark.parametrize("unknown", ["qr", "fft", "top_k", "eigh"])
def test_a_primitive_without_a_rule_is_probed_by_rows(unknown):
    """Per neuron it passes, over neurons it does not; nothing about it is written down."""
    inner = {
        "qr": lambda a: jnp.linalg.qr(a[..., None, :].swapaxes(-1, -2) * jnp.ones((1, 2)) + jnp.eye(3, 2))[1].sum(
            (-1, -2)
        ),
        "fft": lambda a: jnp.fft.fft(a).real.sum(-1),
        "top_k": lambda a: jax.lax.top_k(a, 2)[0].sum(-1),
        "eigh": lambda a: jnp.linalg.eigvalsh(a[..., :, None] * a[..., None, :] + jnp.diag(jnp.arange(3.0))).sum(-1),
    }[unknown]

    def step(p, s, x):
        h = tanh(s["h"] + matmul(x, p["w"])[:, None]) * jnp.asarray([1.0, 2.0, 3.0])
        return dict(h=0.9 * h + 0.01 * inner(h)[:, None]), h

    g = trace_graph(step, _params(w=(I, N)), zeros(h=(N, 3)), jnp.zeros(I))
    assert [(q.P, q.S) for q in g.groups] == [(N, 3)]


def _large(n):
    def step(p, s, x):
        z = spike(s["v"] - 1)
        v = sig(p["leak"]) * (s["v"] - z) + mark(dense(), x, p["w"]) + p["b"]
        return dict(v=v), spike(v - 1)

    shape = lambda *s: jax.ShapeDtypeStruct(s, jnp.float32)
    start = time.process_time()
    g = trace_graph(step, dict(w=shape(I, n), b=shape(n), leak=shape(n)), dict(v=shape(n)), shape(I))
    assert [(q.P, q.S, len(q.edges)) for q in g.groups] == [(n, 1, 3)]
    return time.process_time() - start


def test_a_hundred_thousand_neurons_are_analysed_at_once():
    assert _large(100_000) < 2


@pytest.mark.slow
def test_a_million_neurons_are_analysed_in_seconds():
    assert _large(1_000_000) < 10


def test_one_neuron_of_many_states_is_one_position():
    """A leading axis of length 1 is a population of one: its states couple inside it."""
    near = jnp.eye(4) + jnp.eye(4, k=1)

    def step(p, h, x):
        h = jnp.tanh(h @ near + matmul(x, p).reshape(1, 4))
        return h, h

    (q,) = trace_graph(step, jnp.ones((2, 4)), jnp.zeros((1, 4)), jnp.ones(2)).groups
    assert (q.P, q.S) == (1, 4)
