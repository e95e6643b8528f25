"""The audit looks at who fires and at the signs of inputs: populations that say nothing, and sums that cancel."""

from functools import cache

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


@cache
def driven(bias, T=24, batch=None):
    """An audit of the spiking network whose neurons get constant currents beside small inputs."""

    class Driven(Spiking):
        def __init__(self):
            super().__init__(gain=0.01)
            weight = self.linear.weight.value
            self.linear.weight.value = {**weight, "bias": jnp.broadcast_to(jnp.asarray(bias), (N_REC,)) * u.mA}

    xs, ys = sequence(T, batch)
    return vg.audit(built(vg.D_RTRL, Driven, batch=batch), xs, ys, loss)


def test_a_silent_population_is_named():
    (population,) = driven(-5.0).populations
    assert (population.name, population.rate, population.never, population.always) == ("neuron.V", 0, 1, 0)
    assert "`neuron.V` is silent" in str(driven(-5.0)) and "over 24 steps" in population.note


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
    found = driven((-5.0, -5.0, 500.0, 1.5, 1.5), batch=batch)
    (population,) = found.populations
    assert (population.never, population.always) == (0.4, 0.2)
    assert 0.2 < population.rate < 0.6 and not population.note
    assert found.firing == {"neuron.V": population.rate}
    assert "40.0% of its neurons never fire, 20.0% at every step" in str(found)


def test_the_rate_is_that_of_the_learner():
    learner = built(vg.D_RTRL)
    rate = float(learner.gradients(*sequence(24), loss).firing["neuron.V"])
    assert audited(vg.D_RTRL)[0].firing["neuron.V"] == pytest.approx(rate) and rate > 0


SLOW, APART = np.repeat([1.0, -1.0], 12)[:, None], np.array([[1.0], [-1.0]])
DRIVES = {
    "mixed": lambda xs: xs, "up": abs, "down": lambda xs: -abs(xs),
    "once": lambda xs: 0 * xs + SLOW, "two examples apart": lambda xs: 0 * xs + APART,
}  # fmt: skip


@cache
def audited(rule, drive="mixed", batch=None, choose=None, **options):
    """An audit of the recurrent spiking network under a rule; its inputs have signs, its spikes have none."""
    options |= {"choose": dict([choose])} if choose else {}
    xs, ys = sequence(24, batch)
    found = vg.audit(built(rule, batch=batch, **options), DRIVES[drive](xs), ys, loss)
    return found, {x.weight: x for x in found.inputs}


SIGNED = N_IN / (N_IN + N_REC)


def test_signed_inputs_are_flagged_under_a_rule_that_sums_them_and_spikes_are_not():
    found, inputs = audited(vg.ES_D_RTRL, decay_or_rank=0.9)
    mixed, spikes = inputs["linear.weight.weight"], inputs["readout.W"]
    assert mixed.units == N_IN + N_REC and mixed.decay == spikes.decay == 0.9
    assert mixed.signed == mixed.fails == SIGNED and "assumption fails for 37.5% of them" in mixed.note
    assert spikes.signed == spikes.fails == 0 and spikes.kept == 1 and not spikes.note
    assert mixed.note in str(found) and "inputs of readout.W" in str(found)


@pytest.mark.parametrize("drive", ["up", "down"])
def test_inputs_of_one_sign_are_not_flagged(drive):
    mixed = audited(vg.ES_D_RTRL, drive)[1]["linear.weight.weight"]
    assert mixed.signed == mixed.fails == 0 and mixed.kept == pytest.approx(1) and not mixed.note


def test_what_is_left_of_a_sum_is_counted_by_the_rules_own_filter():
    """Against the filter written out. Units that never spike keep nothing and lose nothing: the mean leaves them out."""
    found, inputs = audited(vg.ES_D_RTRL, decay_or_rank=0.9)
    (population,), kept = found.populations, inputs["linear.weight.weight"].kept
    ex = size = np.zeros(N_IN)
    left = whole = 0.0
    for x in np.asarray(sequence(24)[0]):
        ex, size = 0.9 * ex + x, 0.9 * size + abs(x)
        left, whole = left + abs(ex), whole + size
    # a neuron's last spike is read by nobody, so one that fires then alone would not count
    active = round(N_REC * (1 - population.never))
    assert active > 0 and kept == pytest.approx(((left / whole).sum() + active) / (N_IN + active))


def test_a_change_of_sign_that_the_filter_has_forgotten_does_no_harm():
    short, long = (audited(vg.ES_D_RTRL, "once", decay_or_rank=(a, 0.2))[1] for a in (0.2, 0.99))
    short, long = short["linear.weight.weight"], long["linear.weight.weight"]
    assert short.signed == long.signed == long.fails == SIGNED and long.note
    assert short.fails == 0 and not short.note


def test_rules_that_sum_nothing_keep_it_as_data():
    exact, inputs = audited(vg.D_RTRL)
    assert inputs["linear.weight.weight"].signed == SIGNED
    assert all(x.decay is None and not x.note for x in exact.inputs) and "inputs of" not in str(exact)
    hybrid = audited(vg.HybridDimVjpAlgorithm, decay_or_rank=0.9, choose=("linear.weight.weight", "full"))[1]
    assert hybrid["linear.weight.weight"].decay is None and hybrid["readout.W"].decay == 0.9


def test_examples_of_a_batch_each_have_their_own_sum():
    """One example up, another down: nothing cancels."""
    mixed = audited(vg.ES_D_RTRL, "two examples apart", 2)[1]["linear.weight.weight"]
    assert mixed.kept == pytest.approx(1) and mixed.fails == 0 and mixed.signed == 0
