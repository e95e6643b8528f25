"""What a rule keeps, per weight: sizes, choices, and large blocks whose Jacobian is never formed."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from measure import assert_close, assert_same, loss, named
from oracle.reference import bptt
from vestige import GraphError, gradients, init, rules, trace_graph
from zoo import MODELS, C, I, N, O, T

shapes = lambda tree: [a.shape for a in jax.tree.leaves(tree)]


def trace(model, rule):
    m = MODELS[model]
    return init(m.graph, rule, m.params, m.state).trace


def by_name(model, items):
    """Items of a list by edge, under the edge's name; None for what is not kept."""
    return {e.name: None if a is None else a.shape for e, a in zip(MODELS[model].graph.edges, items)}


def test_d_rtrl_keeps_one_number_per_weight_and_state():
    kept = by_name("trailing axes, matmul", trace("trailing axes, matmul", rules.d_rtrl()))
    S = 8
    assert kept["w"] == (S, I, N) and kept["b"] == (S, 1, N) and kept["tau"] == (S, 1, N)
    assert kept["c"] == (S, C, N) and kept["g"] == (S, C * C, N)


def test_d_rtrl_keeps_shared_kernels_per_position():
    kept = by_name("conv 1d", trace("conv 1d", rules.d_rtrl()))
    assert kept["k"] == (2, 5, 3, 2, 3) and kept["out"] is None


def test_es_d_rtrl_keeps_inputs_and_outputs():
    t, ex, ef = trace("ALIF", rules.es_d_rtrl(0.9))
    assert t.shape == () and int(t) == 0
    assert by_name("ALIF", ex)["w"] == (I,) and by_name("ALIF", ef)["w"] == (2, N)
    assert by_name("ALIF", ex)["out"] is None and by_name("ALIF", ef)["out"] is None


def test_tbptt_keeps_nothing_and_rtrl_everything():
    assert trace("LIF, recurrent", rules.tbptt()) is None
    n = sum(p.size for p in MODELS["LIF, recurrent"].params.values())
    assert shapes(trace("LIF, recurrent", rules.rtrl())) == [(n, O), (n, N)]


def test_hybrid_takes_the_smaller():
    """Ten synapses are fewer than their factors, an 8 x 5 matrix is more."""
    whole, _ = trace("sparse, recurrent", rules.hybrid(0.9))
    assert by_name("sparse, recurrent", whole)["w"] is not None
    whole, _ = trace("LIF, recurrent", rules.hybrid(0.9))
    kept = by_name("LIF, recurrent", whole)
    assert kept["w"] is None and kept["b"] is not None and kept["leak"] is not None
    whole, _ = trace("LIF, recurrent", rules.hybrid(0.9, choose={"w": "full", "b": "factorised"}))
    kept = by_name("LIF, recurrent", whole)
    assert kept["w"] is not None and kept["b"] is None


def test_equal_rules_are_one_value():
    """Rules are static arguments of compiled programs: asking twice must not compile twice."""
    assert rules.d_rtrl() == rules.d_rtrl() and hash(rules.d_rtrl()) == hash(rules.d_rtrl())
    assert rules.es_d_rtrl(0.9) == rules.es_d_rtrl((0.9, 0.9)) and rules.es_d_rtrl(0.9) != rules.es_d_rtrl(0.8)


PUSHED = ["block of 3", "LSTM, split", "trailing axes, matmul", "conv 1d", "LIF with synapse"]


@pytest.mark.parametrize(
    "model, rule",
    [(m, "d_rtrl") for m in PUSHED[:1]]
    + [pytest.param(m, r, marks=pytest.mark.slow) for m in PUSHED[1:] for r in ("d_rtrl", "es_d_rtrl")],
)
def test_large_blocks_are_pushed_to_the_same_numbers(model, rule):
    """Above `max_block` dh'/dh is never formed; gradients and traces stay what they are."""
    m, made = MODELS[model], getattr(rules, rule)()
    xs, ys = m.data()
    outs = []
    for block in (1, 50):
        graph = trace_graph(m.step, m.params, m.state, m.x, max_block=block)
        assert all(q.pushed == (block < q.S) for q in graph.groups)
        assert ("pushed by forward mode" in str(graph.report)) == (block == 1)
        carry = init(graph, made, m.params, m.state)
        outs.append(gradients(graph, made, m.params, carry, xs, ys, loss, 3))
    assert_close(named(m, outs[0].grads), named(m, outs[1].grads), 1e-11)
    assert_same(outs[0].carry.trace, outs[1].carry.trace, 1e-11)
    if rule == "d_rtrl":
        assert_close(named(m, outs[0].grads), named(m, bptt(m, xs, ys)), 1e-10, m.exact)


def test_hybrid_says_when_a_block_is_too_large():
    m = MODELS["LSTM, split"]
    graph = trace_graph(m.step, m.params, m.state, m.x, max_block=1)
    with pytest.raises(GraphError, match="too large for its full trace"):
        init(graph, rules.hybrid(0.9, choose={"w": "full"}), m.params, m.state)


def test_a_window_of_any_length_needs_no_more_trace():
    m = MODELS["ALIF"]
    xs, ys = m.data(2 * T)
    carry = init(m.graph, rules.d_rtrl(), m.params, m.state)
    for steps in (2, 2 * T):
        out = gradients(m.graph, rules.d_rtrl(), m.params, carry, xs[:steps], ys[:steps], loss)
        assert shapes(out.carry) == shapes(carry)
    assert np.isfinite(float(jnp.sum(out.losses)))
