"""The digits task: one spike per lit pixel, a split by place in the file."""

import numpy as np
import pytest

from vestige.tasks import DataError, Split, digits


def test_digits():
    task = digits()
    assert task.train.x.shape == (1437, 16, 64)
    assert task.test.x.shape == (360, 16, 64)
    assert task.train.source.max() < task.test.source.min()
    assert np.array_equal(task.test.x.sum(1) > 0, task.test.summary > 0)
    assert task.test.x.sum(1).max() == 1


def test_epochs_are_permutations_of_the_training_images():
    task = digits()
    epoch = task.epoch(np.random.default_rng(0))
    assert not np.array_equal(epoch.source, task.train.source)
    assert np.array_equal(np.sort(epoch.source), task.train.source)
    assert np.array_equal(task.train.y[epoch.source], epoch.y)


def test_a_missing_package_says_what_to_install(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "sklearn.datasets", None)
    with pytest.raises(DataError, match="pip install"):
        digits()


def test_a_split_needs_one_label_per_sequence():
    with pytest.raises(ValueError, match="one entry per sequence"):
        Split(np.zeros((3, 4, 2)), np.zeros(2), np.zeros((3, 1)), np.zeros(3))
