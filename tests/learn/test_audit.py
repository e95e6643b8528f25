"""The audit says how far a gradient is from the truth, and is itself held against both truths."""

import json

import brainstate
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import saiunit as u
from nets import N_IN, N_OUT, Memory, Spiking, built, loss, sequence

import vestige as vg


@pytest.fixture(autouse=True)
def _dt():
    with brainstate.environ.context(dt=1.0 * u.ms, precision=64):
        yield


def by_name(found):
    return {r.name: r for r in found.rows}


def test_an_exact_rule_is_called_exact():
    found = vg.audit(built(vg.D_RTRL, Memory), *sequence(), loss, window=2)
    assert found.method == "BPTT" and not found.dropped
    assert {r.name for r in found.rows} == {"leak", "linear.weight.weight", "linear.weight.bias"}
    assert all(r.note == "exact" and r.true > 0 and r.sign == 1 for r in found.rows)
    assert all(r.dropped == 0 and r.own < 1e-12 for r in found.rows)


def test_an_approximation_is_measured_and_its_dropped_paths_are_named():
    learner = built(vg.D_RTRL)
    before = jax.tree.map(np.asarray, [s.value for s in learner.states().values()])
    found = vg.audit(learner, *sequence(20), loss)
    rows = by_name(found)
    assert rows["readout.W"].note == "exact"
    assert 0 < rows["linear.weight.weight"].cosine < 0.9999
    assert found.firing["neuron.V"] > 0
    assert any("linear.weight.weight reads the previous neuron.V" in d for d in found.dropped)
    assert "cosine" in str(found) and "neuron.V" in str(found)
    jax.tree.map(np.testing.assert_array_equal, before, [s.value for s in learner.states().values()])


def test_cosine_ratio_and_signs_are_those_of_the_two_gradients():
    """Against BPTT as a learner of its own, element by element."""
    xs, ys = sequence(20)
    rows = by_name(vg.audit(built(vg.D_RTRL), xs, ys, loss))
    mine, true = (built(rule).gradients(xs, ys, loss).grads for rule in (vg.D_RTRL, vg.BPTT))
    for path, name in ((("linear", "weight"), "linear.weight.weight"), (("readout", "W"), "readout.W")):
        a, g = (np.asarray(jax.tree.leaves(grads[path])[-1]).ravel() for grads in (mine, true))
        sure = abs(g) > 1e-3 * abs(g).max()
        assert rows[name].sign == pytest.approx((np.sign(a) == np.sign(g))[sure].mean())
        assert rows[name].ratio == pytest.approx(np.linalg.norm(a) / np.linalg.norm(g))
        assert rows[name].cosine == pytest.approx(a @ g / np.linalg.norm(a) / np.linalg.norm(g))
    assert 0.3 < rows["linear.weight.weight"].sign < 1


def test_full_rtrl_is_exact_on_the_same_network():
    found = vg.audit(built(vg.RTRL), *sequence(12), loss, window=5)
    assert all(r.cosine == pytest.approx(1, abs=1e-9) and r.ratio == pytest.approx(1, abs=1e-9) for r in found.rows)
    assert all(r.sign == 1 and r.own < 1e-9 for r in found.rows) and not found.paths


def test_what_a_short_window_forgets_is_the_rules_own():
    found = vg.audit(built(vg.TBPTT), *sequence(12), loss, window=3)
    assert not found.paths and all(r.dropped == 0 for r in found.rows)
    assert by_name(found)["linear.weight.weight"].own > 0.1


class Solver(Memory):
    """The same by an adaptive solver, which reverse mode cannot cross; with recurrence, or without."""

    recurrent = False

    def update(self, x):
        x = x + jnp.resize(jnp.tanh(self.h.value), x.shape) if self.recurrent else x
        y, h = jnp.tanh(self.linear(x)), self.h.value
        a = 1 / (1 + jnp.exp(-self.leak.value))
        halve = lambda c: (c[0] - 0.25, c[1] + 0.25 * (y - a * c[1]))
        self.h.value = jax.lax.while_loop(lambda c: c[0] > 1e-9, halve, (1.0, h))[1]
        return self.h.value


class RecurrentSolver(Solver):
    recurrent = True


class WideSolver(Solver):
    """More weights than finite differences look at."""

    def __init__(self):
        super().__init__()
        self.into = vg.nn.Linear(N_IN, 40)
        self.linear = vg.nn.Linear(40, N_OUT)

    def update(self, x):
        return super().update(self.into(x))


@pytest.mark.parametrize("rule", [vg.D_RTRL, vg.RTRL])
def test_finite_differences_stand_in_where_reverse_mode_cannot_go(rule):
    found = vg.audit(built(rule, Solver), *sequence(6), loss, window=2)
    assert found.method == "finite differences"
    assert all(r.cosine > 1 - 1e-6 and r.sign == 1 and r.true > 0 for r in found.rows) and len(found.rows) == 3
    assert all(r.own < 1e-6 and r.dropped == 0 for r in found.rows)


@pytest.mark.parametrize("rule", [vg.D_RTRL, vg.RTRL])
def test_samples_of_a_large_parameter_stand_for_it(rule):
    found = vg.audit(built(rule, WideSolver), *sequence(4), loss)
    rows = by_name(found)
    assert rows["linear.weight.weight"].note == "exact" and all(r.own < 1e-6 for r in found.rows)
    # the layer without a state has its own step's gradient under a local rule
    assert (rows["into.weight.weight"].dropped > 0.01) == (rule is vg.D_RTRL)


def test_dropped_paths_are_measured_there_too():
    """D-RTRL is BPTT without them, so nothing is left for the rule itself; finite differences agree that they are missing."""
    found = vg.audit(built(vg.D_RTRL, RecurrentSolver), *sequence(6), loss)
    assert found.method == "finite differences" and [p.kind for p in found.paths] == ["recurrent"]
    weight = by_name(found)["linear.weight.weight"]
    assert weight.own < 1e-10 and weight.dropped > 0.01
    missing = np.sqrt(1 + weight.ratio**2 - 2 * weight.ratio * weight.cosine)
    assert weight.dropped == pytest.approx(missing, rel=1e-4)


@pytest.mark.parametrize("rule", [vg.D_RTRL, vg.BPTT])
def test_a_batched_learner_is_audited_as_its_examples_are(rule):
    xs, ys = sequence(6, batch=3)
    found = vg.audit(built(rule, Memory, batch=3), xs, ys, loss, window=4)
    assert all(r.note == "exact" and r.true > 0 for r in found.rows) and len(found.rows) == 3
    again = vg.audit(built(rule, batch=3), xs, ys, loss)
    assert all(r.true > 0 and r.own < 1e-10 for r in again.rows)


@pytest.mark.parametrize("mask", [np.r_[1.0, 0, 2, 0, 0, 1], np.arange(18.0).reshape(6, 3) % 4])
def test_masks_and_means_weigh_the_truth_as_well(mask):
    xs, ys = sequence(6, batch=3)
    found = vg.audit(built(vg.D_RTRL, Memory, batch=3), xs, ys, loss, mask=jnp.asarray(mask), reduction="mean")
    plain = vg.audit(built(vg.D_RTRL, Memory, batch=3), xs, ys, loss)
    assert all(r.note == "exact" for r in found.rows)
    assert all(abs(r.true / s.true - 1) > 0.05 for r, s in zip(found.rows, plain.rows))


def test_what_a_rule_needs_besides_goes_on_to_it():
    learner = built(vg.D_RTRL, Memory)
    with pytest.raises(ValueError, match="takes no modulator"):
        vg.audit(learner, *sequence(), loss, modulator=jnp.ones(9))
    with pytest.raises(TypeError, match="modulater"):
        vg.audit(learner, *sequence(), loss, modulater=jnp.ones(9))


class Half(Memory):
    """A readout that nobody hears: its true gradient is zero."""

    def __init__(self):
        super().__init__()
        self.deaf = brainstate.ParamState(jnp.ones(N_OUT))

    def update(self, x):
        return super().update(x) + 0 * self.deaf.value


def test_findings_are_plain_data():
    found = vg.audit(built(vg.ES_D_RTRL, Half), *sequence(), loss)
    told = json.loads(json.dumps(found.as_dict(), allow_nan=False))
    assert set(told) == {"rows", "method", "paths", "populations", "inputs"}
    assert [r["name"] for r in told["rows"]] == [r.name for r in found.rows]
    deaf = by_name(found)["deaf"]
    assert deaf.note == "both are zero" and deaf.sign == deaf.cosine == 1 and deaf.dropped == deaf.own == 0
    both = json.loads(json.dumps(vg.audit(built(vg.D_RTRL, Spiking), *sequence(), loss).as_dict(), allow_nan=False))
    assert set(both["paths"][0]) == {"kind", "weight", "source", "into", "line", "shares"}
