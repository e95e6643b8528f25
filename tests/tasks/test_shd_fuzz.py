"""Spikes in HDF5 with types, lengths and times that no word has: refused with the word that is wrong, or read as they are."""

import h5py
import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from vestige.tasks import DataError
from vestige.tasks.shd import read

TIMES = st.lists(st.lists(st.sampled_from([0.0, 0.1, 0.05, 1.0, -0.1, np.nan, np.inf, 1e9]), max_size=4), max_size=3)
UNITS = st.lists(st.lists(st.sampled_from([0, 3, 9, 70_000, 10**6, -1]), max_size=4), max_size=3)
LABELS = st.lists(st.integers(-1, 3), max_size=3)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("shd")


def ragged(rows, dtype):
    made = np.empty(len(rows), object)
    made[:] = [np.asarray(row, dtype) for row in rows]
    return made


@given(TIMES, UNITS, LABELS, st.sampled_from(["f2", "f8", "i4", "c8"]), st.sampled_from(["u2", "i8", "f4", "i1"]),
       st.sampled_from(["i8", "f4", "S2"]), st.sampled_from(["ragged", "flat", "none", "group"]))  # fmt: skip
@example([[0.1, 0.0]], [[3, 0]], [1], "f8", "i8", "i8", "ragged")
@example([[]], [[]], [0], "f2", "u2", "i8", "ragged")
@example([[0.1, np.nan]], [[3, 0]], [1], "f8", "i8", "i8", "ragged")
@example([[0.1]], [[3, 0]], [1], "f8", "i8", "i8", "ragged")
@example([[0.1]], [[3]], [1], "c8", "i8", "i8", "ragged")
@example([], [], [], "f8", "i8", "i8", "ragged")
def test_any_layout(folder, times, units, labels, t, n, kind, form):
    path = folder / "words.h5"
    with h5py.File(path, "w") as file, np.errstate(all="ignore"):
        for name, rows, dtype in (("spikes/times", times, t), ("spikes/units", units, n)):
            rows = [np.asarray(row, complex if dtype == "c8" else float).astype(dtype) for row in rows]
            if form == "ragged":
                file.create_dataset(name, data=ragged(rows, dtype), dtype=h5py.vlen_dtype(np.dtype(dtype)))
            elif form == "flat":
                file[name] = np.concatenate([np.zeros(0, dtype), *rows])
            elif form == "group":
                file.create_group(name)
        file["labels"] = np.asarray(labels, int).astype(kind)
    try:
        words = read(path)
    except DataError as error:
        assert "words.h5" in str(error)
        return
    assert len(words) == len(times) == len(units) == len(labels) > 0
    for time, unit, given_time in zip(words.times, words.channels, times):
        assert len(time) == len(unit) and np.isfinite(time).all() and (time >= 0).all() and (unit >= 0).all()
        if form == "ragged":
            np.testing.assert_allclose(time, np.asarray(given_time).astype(t).astype(float))
    assert words.units > 0 and words.latest >= 0
