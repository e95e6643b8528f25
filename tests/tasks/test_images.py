"""Images from IDX folders: row scan and moving camera, splits, and files that are not what they should be."""

import gzip

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from idx_files import folder, idx

from vestige.tasks import DataError, events, fashion
from vestige.tasks.events import gaze, saccades, view
from vestige.tasks.fashion import LEVELS
from vestige.tasks.idx import load, pooled, read


@pytest.mark.parametrize("zipped", [False, True])
@pytest.mark.parametrize("make, shape", [(fashion, (8, 24)), (events, (30, 24))])
def test_shapes_labels_and_splits(tmp_path, make, shape, zipped):
    (_, y), (_, later) = folder(tmp_path, zipped=zipped)
    task = make(tmp_path)
    assert task.train.x.shape == (30, *shape) and task.test.x.shape == (12, *shape) and task.train.x.dtype == bool
    assert np.array_equal(task.train.y, y) and np.array_equal(task.test.y, later) and task.classes == ("0", "1", "2")
    assert not set(task.train.source) & set(task.test.source)
    assert not {x.tobytes() for x in task.train.x} & {x.tobytes() for x in task.test.x}
    assert len(make(tmp_path, train=7, test=5).test) == 5 and task.train.summary.shape == (30, 12)


def test_a_row_is_a_step_and_a_pixel_a_thermometer(tmp_path):
    (x, _), _ = folder(tmp_path)
    shown = fashion(tmp_path).train.x.reshape(30, 8, 6, 4)
    np.testing.assert_array_equal(shown.sum(-1), (x[..., None] > np.floor(np.multiply(LEVELS, 255))).sum(-1))


def test_a_still_camera_would_see_the_pooled_image_and_darkness_sends_nothing():
    x = np.random.default_rng(0).integers(0, 256, (5, 8, 6))
    seen = view(8, 0.0) @ (x / 255) @ view(6, 0.0).T
    np.testing.assert_allclose(seen.reshape(5, -1), pooled(x), atol=1e-6)
    np.testing.assert_allclose(view(8, 1.0)[:3] @ np.arange(8), [1.5, 3.5, 5.5])  # halfway between pixels
    np.testing.assert_allclose(gaze()[[0, -1]], 0.0)
    assert not saccades(np.zeros((2, 8, 6), np.uint8)).any()


def test_what_moves_out_on_one_side_comes_in_on_the_other():
    edge = np.zeros((1, 12, 12), np.uint8)
    edge[:, :, :6] = 255
    on, off = np.split(saccades(edge)[0].reshape(30, 12, 6), 2, axis=1)
    assert off[:10].sum() > 0 and not on[1:10, :, 3:].any()  # the gaze goes right: points leave the bright half
    assert np.array_equal(saccades(255 - edge)[0].reshape(30, 12, 6)[1:10, :5, 2:4], off[1:10, :5, 2:4])


def test_held_out_sequences_come_from_training(tmp_path):
    folder(tmp_path)
    task = fashion(tmp_path)
    inner = task.held_out(slice(-6, None))
    assert np.array_equal(inner.test.x, task.train.x[-6:]) and np.array_equal(inner.train.x, task.train.x[:-6])
    assert not set(inner.test.source) & (set(inner.train.source) | set(task.test.source))


def test_names_follow_the_labels_not_the_place(tmp_path, monkeypatch):
    folder(tmp_path)
    monkeypatch.setenv("VESTIGE_IDX_FOLDER", str(tmp_path))
    assert fashion().classes == ("0", "1", "2")
    monkeypatch.setenv("VESTIGE_IDX_FOLDER", str(tmp_path / "none"))
    with pytest.raises(DataError, match="apt-get install dataset-fashion-mnist, or give a folder"):
        fashion()


@pytest.mark.parametrize(
    "name, change, words",
    [
        ("train-images-idx3-ubyte", lambda b: b[:-1], "30 x 8 x 6 bytes, and holds 1439"),
        ("train-images-idx3-ubyte", lambda b: b + b"\0", "and holds 1441"),
        ("train-images-idx3-ubyte", lambda b: b"", "begins with nothing"),
        ("train-images-idx3-ubyte", lambda b: b"\0\0\x0d\3" + b[4:], "begins with 00 00 0d 03, not 00 00 08 03"),
        ("train-images-idx3-ubyte", lambda b: b[:4] + b"\xff" * 12 + b[16:], "4294967295 x 4294967295"),
        ("train-images-idx3-ubyte", lambda b: b[:4] + b"\0" * 12, "0 x 0 x 0 bytes"),
        ("t10k-images-idx3-ubyte", lambda b: idx(np.ones((12, 5, 5))), r"\(8, 6\) pixels and .* of \(5, 5\)"),
        ("t10k-labels-idx1-ubyte", lambda b: idx(np.ones(11)), "12 images, and .* 11 labels"),
        ("t10k-labels-idx1-ubyte", lambda b: idx(np.full(12, 9)), r"classes \[9\]"),
    ],
)
def test_broken_files_are_told(tmp_path, name, change, words):
    folder(tmp_path)
    (tmp_path / name).write_bytes(change((tmp_path / name).read_bytes()))
    with pytest.raises(DataError, match=words):
        load(tmp_path)


@settings(max_examples=30, deadline=None)
@given(data=st.data(), zipped=st.booleans())
def test_any_bytes_give_an_array_or_words(tmp_path_factory, data, zipped):
    content = bytearray(idx(np.arange(24).reshape(2, 3, 4)))
    content = bytearray(gzip.compress(bytes(content))) if zipped else content
    at = data.draw(st.integers(0, len(content)))
    content[at : at + data.draw(st.integers(0, 40))] = data.draw(st.binary(max_size=8))
    path = tmp_path_factory.mktemp("fuzz") / ("any.gz" if zipped else "any")
    path.write_bytes(bytes(content))
    try:
        assert read(path, 3).size > 0
    except DataError as error:
        assert str(path) in str(error)
