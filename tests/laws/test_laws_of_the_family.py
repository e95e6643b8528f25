"""The laws over the wider family of rules: exact at one step, the same for every window, alive; or refused with a reason."""

from functools import cached_property
from typing import Any

import jax
import numpy as np
import pytest

from marks import slowly
from measure import assert_close, assert_same, compiled, in_windows, named, online, part
from oracle.reference import bptt
from runs import Runs
from zoo import ALL_MODELS, FAMILY, MODELS, T, name

QUICK = {"LIF, recurrent"}
B = 3


class Family(Runs):
    @cached_property
    def whole(self) -> tuple[dict[str, Any], Any]:
        rules = [r for r in self.rules if r.invariant and r.name not in PER_CALL]
        return in_windows(self.model, rules, self.xs, self.ys, T)


# what these want they want once a call, or they change with it, so calls are not windows: the test below runs one call
PER_CALL = {"e_prop, rates", "e_prop, adaptive"}


@pytest.fixture(
    scope="module",
    params=slowly([m for m in ALL_MODELS if m.local], QUICK),
    ids=name,
)
def runs(request):
    yield Family(request.param, FAMILY)
    jax.clear_caches()


def test_one_step_is_exact(runs):
    """Law 1, for every rule whose signal is the loss's own."""
    want = runs.named(bptt(runs.model, part(runs.xs, 0, 1), part(runs.ys, 0, 1)))
    for rule in (r for r in runs.rules if r.one_step):
        got = runs.named(runs.first[rule.name].grads)
        for k, w in want.items():
            assert np.abs(got[k] - w).max() < 1e-11 * max(np.abs(w).max(), 1e-3), (rule.name, k)


def test_windows_do_not_change_the_estimator(runs):
    """Law 3."""
    (small, small_carry), (large, large_carry) = runs.steps, runs.whole
    assert large
    for rule in large:
        a, b = runs.named(small[rule]), runs.named(large[rule])
        for k in b:
            assert np.abs(a[k] - b[k]).max() <= 1e-12 * max(np.abs(b[k]).max(), 1e-9), (rule, k)
        assert_same(small_carry[rule].trace, large_carry[rule].trace, 1e-12)
        assert_same(small_carry[rule].added, large_carry[rule].added, 1e-12)
        assert_same(small_carry[rule].state, large_carry[rule].state, 1e-12)


def test_every_parameter_is_learned(runs):
    """Law 7. A state that no credit leaves (an untaught layer) would show as a zero here."""
    for rule in runs.rules:
        for k, g in runs.named(runs.steps[0][rule.name]).items():
            assert np.isfinite(g).all(), (rule.name, k)
            assert np.abs(g).max() > 0 or k in runs.model.graph.report.unread, (rule.name, k)


def test_the_network_runs_as_it_would_alone(runs):
    """A rule looks on: states after the sequence are the same for all."""
    carries = runs.steps[1]
    first = next(iter(carries.values())).state
    for carry in carries.values():
        assert_same(carry.state, first, 1e-13)


def test_a_refusal_gives_a_reason_and_a_way_out(runs):
    assert len(runs.rules) + len(runs.refused) == len(FAMILY)
    for rule, reason in runs.refused.items():
        assert len(reason) > 60 and any(
            way in reason.lower() for way in ("use ", "give ", "mark ", "leave ", "read ")
        ), rule


@pytest.mark.parametrize("rule", slowly(FAMILY, ["d_rtrl, kappa", "e_prop, rates", "otpe"]), ids=name)
def test_a_batch_in_ragged_windows_is_its_examples_in_one(rule):
    """7 steps as 3 + 3 + 1 together, and alone all at once, or in the same windows where they make a difference."""
    m = MODELS["LIF, recurrent"]
    xs, ys = m.data(batch=B)
    together = named(m, online(m, rule, xs, ys, 3, batch=B).grads)
    if rule.name == "dni":  # what the examples teach the rule in a window, the next one shares
        assert all(np.abs(g).max() > 0 for g in together.values())
        return
    alone = jax.vmap(lambda x, y: online(m, rule, x, y, None if rule.invariant else 3).grads, (1, 1))
    each = compiled(alone, xs, ys)(xs, ys)
    assert_close(together, named(m, jax.tree.map(lambda g: g.mean(0), each)), 1e-11)
