"""Wearer after wearer: what the stream holds, that nothing leaks backwards, and the measure of the network that follows it."""

import brainstate
import jax.numpy as jnp
import numpy as np
import pytest

from vestige.tasks import wearers
from vestige.tasks.observer import Measured
from vestige.tasks.wearers import SUMMARY


@pytest.fixture(scope="module")
def two():
    return wearers((3, 4))


def test_a_wearers_windows_come_mixed_and_before_those_of_the_next(two):
    assert two.x.shape == (307, 100, 66) and two.drift == 157 and set(np.unique(two.x)) == {0, 1}
    assert two.features.shape == (307, len(SUMMARY)) and len(set(SUMMARY)) == 30
    # who repeats the last label is right as often as chance has it, about one time in seven
    assert np.mean(two.y[1:] == two.y[:-1]) < 0.25
    assert set(two.y[:157]) == set(two.y[157:]) == set(range(7))


def test_later_wearers_had_no_say_in_how_the_first_is_encoded(two):
    alone = wearers((3,))
    np.testing.assert_array_equal(two.x[:157], alone.x)
    np.testing.assert_array_equal(two.y[:157], alone.y)
    assert alone.drift is None
    other = wearers((3,), seed=1)
    assert not np.array_equal(other.y, alone.y) and np.array_equal(np.sort(other.y), np.sort(alone.y))


@pytest.mark.parametrize("order", [(), (1, 1), (0,), (11,)])
def test_an_order_that_cannot_be_is_refused(order):
    with pytest.raises(ValueError, match="different wearers"):
        wearers(order)


def test_a_measure_is_the_running_one_until_it_is_slow():
    net = Measured(2, fast=1.0, slow=1e6)
    brainstate.nn.init_all_states(net)
    x = np.random.default_rng(0).normal(size=(60, 2)) * [1, 5] + [0, 3]
    y = np.stack([net(jnp.asarray(row)) for row in x])
    np.testing.assert_allclose(net.mean.value, x.mean(0), rtol=1e-6)
    late = y[30:]
    assert np.abs(late.mean(0)).max() < 0.5 and np.abs(late.std(0) - 1).max() < 0.4
