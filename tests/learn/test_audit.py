"""The audit says how far a gradient is from the truth, and is itself held against both truths."""

import brainstate
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import saiunit as u
from nets import N_OUT, Memory, built, loss, sequence

import vestige as vg


@pytest.fixture(autouse=True)
def _dt():
    with brainstate.environ.context(dt=1.0 * u.ms, precision=64):
        yield


def test_an_exact_rule_is_called_exact():
    found = vg.audit(built(vg.D_RTRL, Memory), *sequence(), loss, window=2)
    assert found.method == "BPTT" and not found.dropped
    assert {r.name for r in found.rows} == {"leak", "linear.weight.weight", "linear.weight.bias"}
    assert all(r.note == "exact" and r.true > 0 for r in found.rows)


def test_an_approximation_is_measured_and_its_dropped_paths_are_named():
    learner = built(vg.D_RTRL)
    before = jax.tree.map(np.asarray, [s.value for s in learner.states().values()])
    found = vg.audit(learner, *sequence(20), loss)
    by_name = {r.name: r for r in found.rows}
    assert by_name["readout.W"].note == "exact"
    assert 0 < by_name["linear.weight.weight"].cosine < 0.9999
    assert found.firing["neuron.V"] > 0
    assert any("linear.weight.weight reads the previous neuron.V" in d for d in found.dropped)
    assert "cosine" in str(found) and "neuron.V" in str(found)
    jax.tree.map(np.testing.assert_array_equal, before, [s.value for s in learner.states().values()])


def test_full_rtrl_is_exact_on_the_same_network():
    found = vg.audit(built(vg.RTRL), *sequence(12), loss, window=5)
    assert all(r.cosine == pytest.approx(1, abs=1e-9) and r.ratio == pytest.approx(1, abs=1e-9) for r in found.rows)


def test_finite_differences_stand_in_where_reverse_mode_cannot_go():
    class Solver(Memory):
        def update(self, x):
            y, h = jnp.tanh(self.linear(x)), self.h.value
            a = 1 / (1 + jnp.exp(-self.leak.value))
            halve = lambda c: (c[0] - 0.25, c[1] + 0.25 * (y - a * c[1]))
            self.h.value = jax.lax.while_loop(lambda c: c[0] > 1e-9, halve, (1.0, h))[1]
            return self.h.value

    found = vg.audit(built(vg.D_RTRL, Solver), *sequence(6), loss, window=2)
    assert found.method == "finite differences"
    assert all(r.cosine > 1 - 1e-6 and r.true > 0 for r in found.rows) and len(found.rows) == 3
    assert N_OUT == 2


@pytest.mark.parametrize("rule", [vg.D_RTRL, vg.BPTT])
def test_a_batched_learner_is_audited_as_its_examples_are(rule):
    xs, ys = sequence(6, batch=3)
    found = vg.audit(built(rule, Memory, batch=3), xs, ys, loss, window=4)
    assert all(r.note == "exact" and r.true > 0 for r in found.rows) and len(found.rows) == 3
    again = vg.audit(built(rule, batch=3), xs, ys, loss)
    assert all(r.true > 0 for r in again.rows)
