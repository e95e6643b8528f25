"""Laws 1 to 4 and 7 over every model: exact at one step, equal to BPTT where theory says so, the same for every window."""

from functools import cached_property
from typing import Any

import jax
import numpy as np
import pytest

from marks import slowly
from measure import assert_close, assert_same, distance, in_windows, named, online, part
from oracle.reference import bptt
from runs import Runs
from vestige import GraphError, init
from vestige.rules import Rule
from zoo import ALL_MODELS, ALL_RULES, MODELS, RULES, Model, Named, T, name

# one of each kind; the others in `make test-slow`
FAST = {
    "LIF, recurrent", "post-reset LIF", "ALIF", "LSTM, split", "GRU", "vanilla RNN",
    "encoder", "shared and read", "stacked", "unmarked matrix, wide", "group state",
    "delay by shift", "conv 1d", "sparse, recurrent", "prelude", "embedding", "marks in a scan",
    "norm after the state", "mixing",
}  # fmt: skip


class Laws(Runs):
    @cached_property
    def invariant(self) -> list[Named]:
        return [r for r in self.rules if r.invariant]

    @cached_property
    def whole(self) -> tuple[dict[str, Any], Any]:
        return in_windows(self.model, [r for r in self.invariant if r.name != "rtrl"], self.xs, self.ys, T)


@pytest.fixture(
    scope="module",
    params=slowly(ALL_MODELS, FAST),
    ids=name,
)
def runs(request):
    yield Laws(request.param, ALL_RULES)
    jax.clear_caches()


def test_the_network_is_alive(runs):
    out = runs.first
    _, carries = runs.steps
    assert all(np.abs(g).max() > 0 for g in runs.full.values())
    floats = [a for a in jax.tree.leaves(carries["tbptt"].state) if jax.dtypes.issubdtype(a.dtype, np.floating)]
    moved = [np.abs(a).max() for a in floats]
    assert max(moved) > 1e-3
    assert bool(out["tbptt"].firing) == runs.model.spikes or not runs.model.spikes


@pytest.mark.of(lambda m: m.spikes)
def test_spiking_models_spike(runs):
    run, carries = runs.by_one
    rates = []
    for t in range(T):
        out = run(carries, part(runs.xs, t, t + 1), part(runs.ys, t, t + 1))
        carries = {k: r.carry for k, r in out.items()}
        rates.append({k: float(v) for k, v in out["tbptt"].firing.items()})
    mean = {k: np.mean([r[k] for r in rates]) for k in rates[0]}
    assert mean and all(0.02 < r < 0.98 for r in mean.values()), mean


def test_one_step_is_exact(runs):
    """Law 1: at T = 1 every rule gives autodiff's gradient."""
    want = named(runs.model, bptt(runs.model, part(runs.xs, 0, 1), part(runs.ys, 0, 1)))
    for rule, out in runs.first.items():
        got = runs.named(out.grads)
        for k, w in want.items():
            # one step alone may leave a parameter unused: a leak of a state at rest
            assert np.abs(got[k] - w).max() < 1e-11 * max(np.abs(w).max(), 1e-3), (rule, k)


@pytest.mark.of(lambda m: m.exact)
def test_local_recurrence_alone_is_exact(runs):
    """Law 2: D-RTRL equals BPTT for every parameter whose credit stays inside its neurons."""
    assert_close(runs.named(runs.steps[0]["d_rtrl"]), runs.full, 1e-10, runs.model.exact)


def test_the_report_says_what_is_exact(runs):
    """What law 2 measures is what the graph says beforehand, no more and no less."""
    assert set(runs.model.graph.report.exact) == set(runs.model.exact)


@pytest.mark.of(lambda m: m.own_step)
def test_parameters_that_report_their_own_step_get_it(runs):
    cut = named(runs.model, bptt(runs.model, runs.xs, runs.ys, cut=True))
    assert_close(runs.named(runs.steps[0]["d_rtrl"]), cut, 1e-10, runs.model.own_step)
    report = runs.model.graph.report
    lines = [*report.own_step, *(line for line in report.dropped if line.endswith("credit of this step only"))]
    assert all(any(k in line.split("into")[0] for line in lines) for k in runs.model.own_step)
    assert not any("exact" in line for line in report.notes)


@pytest.mark.of(lambda m: m.local)
def test_windows_do_not_change_the_estimator(runs):
    """Law 3: the same gradient for every parameter, and the same trace, step by step and all at once."""
    (small, small_carry), (large, large_carry) = runs.steps, runs.whole
    for rule in large:
        assert_close(runs.named(small[rule]), runs.named(large[rule]), 1e-12)
        assert_same(small_carry[rule].trace, large_carry[rule].trace, 1e-12)
        assert_same(small_carry[rule].state, large_carry[rule].state, 1e-12)


def test_rtrl_is_bptt(runs):
    """Law 4."""
    assert_close(runs.named(runs.steps[0]["rtrl"]), runs.full, 1e-10)


@pytest.mark.of(lambda m: m.local)
def test_hybrid_with_full_traces_is_d_rtrl(runs):
    grads = runs.steps[0]
    assert_close(runs.named(grads["hybrid, all full"]), runs.named(grads["d_rtrl"]), 1e-11)


@pytest.mark.of(lambda m: m.local and not m.index)
def test_hybrid_with_factors_is_es_d_rtrl(runs):
    grads = runs.steps[0]
    assert_close(runs.named(grads["hybrid, all factorised"]), runs.named(grads["es_d_rtrl 0.9"]), 1e-11)


def test_every_parameter_is_learned_or_reported(runs):
    """Law 7: a gradient that is not zero, or a line that says why."""
    report = runs.model.graph.report
    for rule in runs.invariant:
        for k, g in runs.named(runs.steps[0][rule.name]).items():
            assert np.abs(g).max() > 0 or k in report.unread, (rule.name, k)
    said = " ".join((*report.traced, *report.own_step))
    assert not runs.model.local or all(e.name in said for e in runs.model.graph.edges)


WINDOWED = [
    "LIF, recurrent",
    "GRU",
    "stacked",
    "two layers, one leak",
    "conv 1d",
    "unmarked matrix, wide",
    "delay by pointer",
]


@pytest.mark.slow
@pytest.mark.parametrize("window", [2, 3])
@pytest.mark.parametrize("model", [m for m in ALL_MODELS if m.local], ids=name)
def test_ragged_windows_do_not_change_the_estimator(model, window):
    rules = [RULES[k] for k in ("d_rtrl", "es_d_rtrl 0.9", "hybrid")]
    check_ragged(model, window, [r for r in rules if not (model.index and r.filters)])


@pytest.mark.parametrize("rule", ["d_rtrl", "es_d_rtrl 0.9"])
@pytest.mark.parametrize("model", slowly(WINDOWED, ["LIF, recurrent", "unmarked matrix, wide"]))
def test_a_ragged_window_does_not_change_the_estimator(model, rule):
    check_ragged(MODELS[model], 3, [RULES[rule]])


def check_ragged(model: Model, window: int, rules: list[Named]) -> None:
    """Through the library's own loop over windows: 7 steps as 3 + 3 + 1."""
    xs, ys = model.data()
    for rule in rules:
        a, b = online(model, rule, xs, ys, window), online(model, rule, xs, ys)
        assert_close(named(model, a.grads), named(model, b.grads), 1e-12)
        assert_same(a.carry.trace, b.carry.trace, 1e-12)
        assert_same(a.carry.state, b.carry.state, 1e-12)
        assert_same((a.losses, a.outputs), (b.losses, b.outputs), 1e-12)


@pytest.mark.parametrize("window", [1, 3, T])
@pytest.mark.parametrize("model", ["LIF, recurrent", "vanilla RNN", "mixing"])
def test_rtrl_is_bptt_for_every_window(model, window):
    m = MODELS[model]
    xs, ys = m.data()
    assert_close(named(m, online(m, RULES["rtrl"], xs, ys, window).grads), named(m, bptt(m, xs, ys)), 1e-10)


def test_tbptt_is_bptt_in_one_window_and_not_in_two():
    m = MODELS["vanilla RNN"]
    xs, ys = m.data()
    full = named(m, bptt(m, xs, ys))
    assert_close(named(m, online(m, RULES["tbptt"], xs, ys).grads), full, 1e-11)
    with pytest.raises(AssertionError):
        assert_close(named(m, online(m, RULES["tbptt"], xs, ys, 3).grads), full, 1e-3)


@pytest.mark.parametrize("model", ["LIF, recurrent", "stacked"])
def test_one_window_with_a_factorised_past_is_d_rtrl_and_many_come_near(model):
    m = MODELS[model]
    xs, ys = m.data()
    go = lambda rule, window: np.concatenate(
        [g.ravel() for g in named(m, online(m, RULES[rule], xs, ys, window).grads).values()]
    )
    exact = go("d_rtrl", T)
    assert distance(go("es_window", T), exact) < 1e-12
    assert 1e-6 < distance(go("es_window", 3), exact) < 1


def test_an_index_is_not_filtered():
    m = MODELS["embedding"]
    for rule in ALL_RULES:
        if rule.filters:
            with pytest.raises(GraphError, match="`table` is picked by an integer"):
                init(m.graph, rule(m.graph), m.params, m.state)


def test_scopes_are_as_the_design_names_them():
    m = MODELS["LIF, recurrent"]
    made: dict[str, Rule] = {r.name: r(m.graph) for r in ALL_RULES}
    assert {k: r.scope for k, r in made.items()} == {
        "d_rtrl": "local", "es_d_rtrl 0.9": "instant", "es_d_rtrl (0.2, 0.7)": "instant", "hybrid": "instant",
        "es_window": "local", "hybrid, all full": "instant", "hybrid, all factorised": "instant",
        "tbptt": "full", "rtrl": "full",
    }  # fmt: skip
