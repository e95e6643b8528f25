"""The audit looks at who fires and at the signs of inputs: populations that say nothing, and sums that cancel."""

import brainstate
import jax.numpy as jnp
import numpy as np
import pytest
import saiunit as u
from nets import N_IN, N_REC, Spiking, built, loss, sequence

import vestige as vg
from vestige.learn.silence import EARLIEST


@pytest.fixture(autouse=True)
def _dt():
    with brainstate.environ.context(dt=1.0 * u.ms, precision=64):
        yield


def driven(bias, T=24, batch=None, **more):
    """An audit of the spiking network whose neurons get constant currents beside small inputs."""

    class Driven(Spiking):
        def __init__(self):
            super().__init__(gain=0.01)
            weight = self.linear.weight.value
            self.linear.weight.value = {**weight, "bias": jnp.broadcast_to(jnp.asarray(bias), (N_REC,)) * u.mA}

    xs, ys = sequence(T, batch)
    return vg.audit(built(vg.D_RTRL, Driven, batch=batch), xs, ys, loss, **more)


def test_a_silent_population_is_named():
    (population,) = driven(-5.0).populations
    assert (population.name, population.rate, population.never, population.always) == ("neuron.V", 0, 1, 0)
    assert "`neuron.V` is silent" in str(driven(-5.0)) and f"over {24} steps" in population.note


def test_a_saturated_population_is_named():
    found = driven(500.0)
    (population,) = found.populations
    assert population.rate == population.always == 1 and population.never == 0
    assert "`neuron.V` is saturated: firing rate 1.000" in str(found)


def test_a_short_sequence_is_no_ground_for_a_verdict():
    (population,) = driven(-5.0, T=EARLIEST - 1).populations
    assert population.never == 1 and not population.note


@pytest.mark.parametrize("batch", [None, 3])
def test_some_neurons_never_fire_and_some_always(batch):
    found = driven([-5.0, -5.0, 500.0, 1.5, 1.5], batch=batch)
    (population,) = found.populations
    assert (population.never, population.always) == (0.4, 0.2)
    assert 0.2 < population.rate < 0.6 and not population.note
    assert found.firing == {"neuron.V": population.rate}
    assert "40.0% of its neurons never fire, 20.0% at every step" in str(found)


def test_the_rate_is_that_of_the_learner():
    learner = built(vg.D_RTRL)
    found = vg.audit(learner, *sequence(24), loss)
    assert found.firing["neuron.V"] == pytest.approx(float(learner.gradients(*sequence(24), loss).firing["neuron.V"]))


def inputs(found):
    return {x.weight: x for x in found.inputs}


def test_signed_inputs_are_flagged_under_a_rule_that_sums_them_and_spikes_are_not():
    found = vg.audit(built(vg.ES_D_RTRL, decay_or_rank=0.9), *sequence(24), loss)
    mixed, spikes = inputs(found)["linear.weight.weight"], inputs(found)["readout.W"]
    assert mixed.units == N_IN + N_REC and mixed.decay == spikes.decay == 0.9
    assert mixed.signed == mixed.fails == N_IN / (N_IN + N_REC) and "assumption fails for 37.5% of them" in mixed.note
    assert spikes.signed == spikes.fails == 0 and spikes.kept == 1 and not spikes.note
    assert mixed.note in str(found) and "inputs of readout.W" in str(found)


def test_inputs_of_one_sign_are_not_flagged():
    xs, ys = sequence(24)
    for sign in (1, -1):
        mixed = inputs(vg.audit(built(vg.ES_D_RTRL), sign * abs(xs), ys, loss))["linear.weight.weight"]
        assert mixed.signed == mixed.fails == 0 and mixed.kept == pytest.approx(1) and not mixed.note


def test_what_is_left_of_a_sum_is_counted_by_the_rules_own_filter():
    """Against the filter written out; a change of sign that the filter has forgotten by then does no harm."""
    xs, ys = sequence(24)
    for decay in (0.9, 0.5):
        found = inputs(vg.audit(built(vg.ES_D_RTRL, decay_or_rank=(decay, 0.2)), xs, ys, loss))["linear.weight.weight"]
        ex = size = np.zeros(N_IN)
        left = whole = 0.0
        for x in np.asarray(xs):
            ex, size = decay * ex + x, decay * size + abs(x)
            left, whole = left + abs(ex), whole + size
        fired = built(vg.ES_D_RTRL).gradients(xs, ys, loss)
        assert float(fired.firing["neuron.V"]) > 0
        # units that never spike keep nothing and lose nothing; they are left out of the mean
        active = round(((left / whole).sum() - N_IN * found.kept) / (found.kept - 1))
        assert 1 <= active <= N_REC
        assert found.kept == pytest.approx(((left / whole).sum() + active) / (N_IN + active))
    slow = jnp.repeat(jnp.asarray([[1.0], [-1.0]]), 12, 0) * jnp.ones(N_IN)
    by = lambda decay: inputs(vg.audit(built(vg.ES_D_RTRL, decay_or_rank=(decay, 0.2)), slow, ys, loss))
    short, long = by(0.2)["linear.weight.weight"], by(0.99)["linear.weight.weight"]
    assert short.signed == long.signed == N_IN / (N_IN + N_REC)
    assert short.fails == 0 and not short.note and long.fails == long.signed and long.note


def test_rules_that_sum_nothing_keep_it_as_data():
    exact = vg.audit(built(vg.D_RTRL), *sequence(24), loss)
    assert inputs(exact)["linear.weight.weight"].signed == N_IN / (N_IN + N_REC)
    assert all(x.decay is None and not x.note for x in exact.inputs) and "inputs of" not in str(exact)
    learner = built(vg.HybridDimVjpAlgorithm, decay_or_rank=0.9, choose={"linear.weight.weight": "full"})
    hybrid = inputs(vg.audit(learner, *sequence(24), loss))
    assert hybrid["linear.weight.weight"].decay is None and hybrid["readout.W"].decay == 0.9
    assert inputs(vg.audit(built(vg.RTRL), *sequence(24), loss))["readout.W"].kept == 1


def test_examples_of_a_batch_each_have_their_own_sum():
    """One example up, another down: over the batch both signs occur, and nothing cancels."""
    T, ys = 24, sequence(24, batch=2)[1]
    xs = jnp.ones((T, 2, N_IN)) * jnp.asarray([1.0, -1.0])[:, None]
    found = inputs(vg.audit(built(vg.ES_D_RTRL, batch=2), xs, ys, loss))["linear.weight.weight"]
    assert found.kept == pytest.approx(1) and found.fails == 0 and found.signed == 0
