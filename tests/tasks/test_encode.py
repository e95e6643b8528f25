"""Encoders: what can be read back from their spikes."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vestige.tasks.encode import latency, population, quantile_levels, rate, send_on_delta, thresholds


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**16), steps=st.sampled_from([1, 2, 5, 40]))
def test_sent_deltas_follow_the_signal(seed, steps):
    rng = np.random.default_rng(seed)
    delta = np.array([0.5, 2.0])
    x = np.cumsum(rng.uniform(-1, 1, (3, steps, 2)) * delta, axis=1)
    on, off = np.split(send_on_delta(x, delta), 2, axis=-1)
    assert np.all(np.abs(x[:, :1] + delta * np.cumsum(on - off, axis=1) - x) < delta + 1e-9)
    assert not np.any((on > 0) & (off > 0))


def test_a_still_signal_sends_nothing():
    assert send_on_delta(np.ones((2, 9, 3)), np.full(3, 0.1)).sum() == 0


def test_negated_signals_swap_on_and_off():
    x = np.random.default_rng(0).normal(size=(4, 30, 2))
    on, off = np.split(send_on_delta(x, np.ones(2) / 3), 2, axis=-1)
    assert np.array_equal(send_on_delta(-x, np.ones(2) / 3), np.concatenate([off, on], axis=-1))
    assert on.sum() > 20


def test_thresholds_are_a_thermometer_of_equally_used_levels():
    x = np.random.default_rng(0).gamma(2.0, size=(50, 40, 2))
    spikes = thresholds(x, quantile_levels(x.reshape(-1, 2), 4)).reshape(50, 40, 2, 4)
    assert np.all(np.diff(spikes, axis=-1) <= 0)
    np.testing.assert_allclose(spikes.mean((0, 1)), [[0.8, 0.6, 0.4, 0.2]] * 2, atol=0.01)


def test_latency_code_keeps_the_order_of_values():
    spikes = latency(np.array([[0.0, 0.1, 0.5, 1.0]]), 16)[0]
    assert spikes.sum(0).tolist() == [0, 1, 1, 1]
    assert np.argmax(spikes[:, 1:], axis=0).tolist() == [14, 8, 0]


def test_rate_code_fires_as_often_as_asked():
    x = np.repeat(np.array([[0.0, 0.2, 1.0]]), 4000, axis=0)
    spikes = rate(np.random.default_rng(0), x, 0.5)
    np.testing.assert_allclose(spikes.mean(0), [0.0, 0.1, 0.5], atol=0.02)
    assert set(np.unique(spikes)) == {0.0, 1.0} and rate(np.random.default_rng(0), x)[:, 2].all()


def test_a_population_answers_most_near_its_centre():
    centres = np.array([[0.0, 1.0, 2.0], [0.0, 10.0, 20.0]])
    found = population(np.array([[[1.0, 21.0]]]), centres, 1.0)[0, 0]
    np.testing.assert_allclose(found[:3], np.exp([-0.5, 0.0, -0.5]), rtol=1e-6)
    np.testing.assert_allclose(found[5], np.exp(-0.5), rtol=1e-6)
    assert np.argmax(found[3:]) == 2


@pytest.mark.parametrize(
    "call",
    [
        lambda x: send_on_delta(x, np.zeros(2)),
        lambda x: thresholds(x, np.zeros((3, 4))),
        lambda x: thresholds(x, np.array([[1.0, 0.0]] * 2)),
        lambda x: latency(x[:, 0] + 2, 8),
        lambda x: rate(np.random.default_rng(0), x - 1),
        lambda x: rate(np.random.default_rng(0), x, 2.0),
        lambda x: population(x, np.zeros((2, 3)), 0.0),
        lambda x: population(x, np.zeros((3, 3)), 1.0),
    ],
)
def test_bad_arguments_are_refused(call):
    with pytest.raises(ValueError, match="must be|needs values"):
        call(np.zeros((1, 5, 2)))
