"""The watch task: the right bytes, unseen wearers, variations that keep what they should."""

import numpy as np
import pytest

from vestige.tasks import DataError, Variation, logistic_regression, watch
from vestige.tasks.movement import rotations, vary
from vestige.tasks.watch import TEST_WEARERS, WEARERS, load


@pytest.fixture(scope="module")
def task():
    return watch()


def test_shapes_and_classes(task):
    assert (task.n_in, task.steps, len(task.classes), len(task.test)) == (66, 100, 7, 777)
    assert set(np.unique(task.train.x)) == {0.0, 1.0}
    assert set(task.test.y) == set(task.train.y) == set(range(7))
    assert 1 / 7 < task.chance < 0.18


def test_no_wearer_is_in_both_splits(task):
    assert set(task.test.source) == set(TEST_WEARERS)
    assert set(task.train.source) == set(WEARERS) - set(TEST_WEARERS)


def test_the_test_never_changes_and_epochs_do(task):
    one, two = task.epoch(np.random.default_rng(1)), task.epoch(np.random.default_rng(2))
    assert one.x.shape == two.x.shape == task.train.x.shape
    assert not np.array_equal(one.y, two.y)
    assert set(one.source) == set(task.train.source)
    again = task.epoch(np.random.default_rng(1))
    assert np.array_equal(one.x, again.x)


def test_the_encoder_looks_at_training_wearers_alone():
    small = dict(train=(2, 3), hop=400, variation=None)
    one, other = watch(test=(1,), **small), watch(test=(5, 9), **small)
    assert np.array_equal(one.train.x, other.train.x)


def test_without_variation_every_epoch_has_the_same_windows():
    task = watch(hop=500, variation=None)
    epoch = task.epoch(np.random.default_rng(0))
    np.testing.assert_allclose(epoch.x.sum(), task.train.x.sum())


def test_all_variations_off_is_the_recording():
    recordings, _ = load()
    start, which = recordings.starts(300)
    low, high = recordings.low[which], recordings.high[which]
    still = vary(np.random.default_rng(0), recordings.x, start, low, high, 100, Variation(0, 0, 0, 0, 0))
    np.testing.assert_allclose(still, recordings.x[start[:, None] + np.arange(100)], atol=2e-5)


def test_windows_stay_in_their_recording():
    ends = np.array([0, 120, 260])
    signal = np.repeat([1.0, 2.0], [120, 140])[:, None] * np.ones((1, 6), np.float32)
    start = np.array([0, 20, 120, 160] * 50)
    which = (start >= 120).astype(int)
    far = Variation(shift=200.0, tempo=1.0, mirror=0, tilt=0, strength=0)
    x = vary(np.random.default_rng(0), signal, start, ends[which], ends[which + 1], 100, far)
    np.testing.assert_allclose(x[..., :3], np.broadcast_to(1.0 + which[:, None, None], (200, 100, 3)), rtol=1e-6)


def test_tilts_are_rotations():
    turn = rotations(np.random.default_rng(0), 50, 0.7)
    np.testing.assert_allclose(turn @ turn.transpose(0, 2, 1), np.broadcast_to(np.eye(3), (50, 3, 3)), atol=1e-5)
    np.testing.assert_allclose(np.linalg.det(turn), 1, atol=1e-5)


def test_a_changed_file_is_not_unpickled(tmp_path):
    class Bomb:
        def __reduce__(self):
            return (pytest.fail, ("the pickle ran",))

    forged = tmp_path / "watch_dataset.npy"
    np.save(forged, np.array(Bomb(), dtype=object), allow_pickle=True)
    with pytest.raises(DataError, match="not opened"):
        load(forged)


def test_a_missing_package_says_what_to_install(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(DataError, match=r"pip install 'vestige\[data\]'"):
        load()


def test_a_missing_file_says_what_to_install(tmp_path):
    with pytest.raises(DataError, match="force-reinstall"):
        load(tmp_path / "nothing.npy")


@pytest.mark.parametrize("test, train", [((), None), ((1,), (1, 2)), ((11,), None), (WEARERS, None)])
def test_bad_splits_are_refused(test, train):
    with pytest.raises(ValueError, match="wearers"):
        watch(test, train)


def test_logistic_regression_is_a_strong_baseline(task):
    assert 0.83 < logistic_regression(task) < 0.90
