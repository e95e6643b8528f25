"""Speech: files of the SHD layout, the cache of synthetic words, and the generator in its own process."""

import json
from hashlib import sha256

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vestige.tasks import DataError, Voice, speech
from vestige.tasks.shd import Words, read
from vestige.tasks.speech import kept, synthetic
from vestige.tasks.voice import vary


def words(path, count=6, units=10, speaker=True, keys=True, **other):
    """A small file of the layout; `other` replaces a dataset, None leaves it out."""
    draw = np.random.default_rng(count)
    sizes = draw.integers(1, 9, count)
    ragged = lambda rows, dtype: np.fromiter(rows, h5py.vlen_dtype(dtype), len(rows))
    data = {
        "spikes/times": ragged([np.sort(draw.uniform(0, 0.1, n)) for n in sizes], np.float16),
        "spikes/units": ragged([draw.integers(0, units, n) for n in sizes], np.uint16),
        "labels": np.arange(count) % 3,
    }
    data |= {"extra/speaker": np.arange(count) + 10 * count} if speaker else {}
    data |= {"extra/keys": [b"null", b"one", b"two"]} if keys else {}
    with h5py.File(path, "w") as file:
        for name, value in (data | {name.replace("__", "/"): value for name, value in other.items()}).items():
            if value is not None:
                file[name] = value
    return path


def pair(path):
    return words(path / "shd_train.h5", 9), words(path / "test.h5", 6)


def test_spikes_are_binned_and_counted(tmp_path):
    train, _ = pair(tmp_path)
    task = speech(tmp_path, dt=5.0)
    with h5py.File(train) as file:
        for n, (time, unit) in enumerate(zip(file["spikes/times"], file["spikes/units"])):
            wanted = np.zeros((task.steps, 10), bool)
            wanted[(time.astype(float) * 200).astype(int), unit] = True
            assert np.array_equal(task.train.x[n], wanted)
            assert task.train.summary[n].sum() == len(time)
    assert task.classes == ("null", "one", "two") and task.train.x.dtype == bool
    assert not set(task.train.source) & set(task.test.source)
    assert task.train.x[:, -1].any() or task.test.x[:, -1].any()  # as long as the longest word
    merged = speech(tmp_path, dt=5.0, merge=4, steps=7)
    assert merged.train.x.shape == (9, 7, 3)
    assert np.array_equal(merged.train.x[..., 2], task.train.x[:, :7, 8:].any(-1))


def test_words_vary_from_epoch_to_epoch_and_the_test_never(tmp_path):
    pair(tmp_path)
    task = speech(tmp_path, dt=5.0, variation=Voice())
    one, two = (task.epoch(np.random.default_rng(seed)) for seed in (1, 2))
    assert one.x.shape == task.train.x.shape and not np.array_equal(one.x, two.x)
    assert np.array_equal(one.x, task.epoch(np.random.default_rng(1)).x) and set(one.source) == set(task.train.source)
    assert np.array_equal(speech(tmp_path, dt=5.0).test.x, task.test.x)
    still = speech(tmp_path, dt=5.0, variation=Voice(0, 0, 0))
    assert np.array_equal(still.redraw(np.random.default_rng(0)).x, still.train.x)


def test_a_voice_moves_stretches_and_loses():
    times, channels = [np.linspace(0, 1, 500)] * 300, [np.full(500, 50)] * 300
    words = Words(times, channels, np.zeros(300, int), np.zeros(300, int), ())
    found = vary(np.random.default_rng(0), words, Voice(pitch=0.02, tempo=0.2, lost=0.3), 100)
    moved = np.array([channel[0] - 50 for channel in found.channels])
    assert abs(moved.std() - 2) < 0.3 and all(len(set(channel)) == 1 for channel in found.channels)
    ends = np.log([time[-1] / times[0][-5:].max() for time in found.times])
    assert -0.22 < ends.min() < -0.15 < 0.15 < ends.max() < 0.22
    assert abs(np.mean([len(time) for time in found.times]) - 350) < 5
    gone = vary(np.random.default_rng(0), words, Voice(pitch=9.0, tempo=0, lost=0), 100)
    assert {len(time) for time in gone.times} == {0, 500} and max(c.max(initial=0) for c in gone.channels) < 100


def test_names_and_speakers_may_be_missing(tmp_path):
    found = read(words(tmp_path / "a.h5", speaker=False, keys=False))
    assert found.keys == () and set(found.speakers) == {-1}


@pytest.mark.parametrize(
    "other, said",
    [
        ({"labels": None}, "no `labels`, only 'extra', 'spikes'"),
        ({"spikes__times": None}, "no `spikes/times`"),
        ({"labels": np.arange(5)}, r"they are \[6, 6, 5, 6\]"),
        ({"labels": np.zeros((6, 2), int)}, "of the same number of words"),
        ({"labels": np.full(6, 0.5)}, "labels must be whole"),
        ({"spikes__units": np.zeros((6, 9), int)}, "times and 9 units"),
        ({"spikes__times": np.zeros((6, 0)), "spikes__units": np.full((6, 0), 1)}, None),
        ({"spikes__times": np.full((6, 2), np.nan), "spikes__units": np.ones((6, 2), int)}, "no seconds"),
        ({"spikes__times": np.zeros((6, 2)), "spikes__units": np.ones((6, 2))}, "no numbers of channels"),
        ({"spikes__times": 3.0}, "cannot be read|number of words"),
        ({"spikes__times": np.zeros((0, 2)), "spikes__units": np.zeros((0, 2), int), "labels": np.zeros(0, int),
          "extra__speaker": None}, "at least one"),
    ],
)  # fmt: skip
def test_broken_files_are_told(tmp_path, other, said):
    path = words(tmp_path / "a.h5", **other)
    if said is None:
        assert read(path).latest == 0
        return
    with pytest.raises(DataError, match=said):
        read(path)


@settings(max_examples=15, deadline=None)
@given(keep=st.floats(0, 0.99), head=st.binary(max_size=16))
def test_torn_files_are_told(tmp_path_factory, keep, head):
    path = words(tmp_path_factory.mktemp("fuzz") / "a.h5")
    content = path.read_bytes()
    path.write_bytes(head + content[: int(keep * len(content))])
    with pytest.raises(DataError, match="a.h5"):
        read(path)


def test_a_folder_without_words_and_labels_without_names_are_told(tmp_path):
    with pytest.raises(DataError, match="no shd_train.h5 or train.h5"):
        speech(tmp_path)
    words(tmp_path / "train.h5", labels=np.full(6, 7)), words(tmp_path / "test.h5")
    with pytest.raises(DataError, match="labels go up to 7, but `extra/keys` has 3"):
        speech(tmp_path)
    with pytest.raises(ValueError, match="must be positive"):
        speech(tmp_path, merge=0)


def test_synthetic_words_are_read_from_the_cache_only_as_they_were_made(tmp_path, monkeypatch):
    monkeypatch.setenv("VESTIGE_CACHE", str(tmp_path))
    folder = kept(6, 6, 0)
    folder.mkdir(parents=True)
    sums = {p: sha256(words(folder / f"{p}.h5").read_bytes()).hexdigest() for p in ("train", "test")}
    (folder / "sums.json").write_text(json.dumps(sums))
    assert [len(part) for part in synthetic(6, 6, 0)] == [6, 6]
    words(folder / "test.h5", 7)
    with pytest.raises(DataError, match="SHA-256 differs.*remove the folder"):
        synthetic(6, 6, 0)
    (folder / "sums.json").write_text("[]")
    with pytest.raises(DataError, match="no list of sums.*remove the folder"):
        synthetic(6, 6, 0)


def test_missing_tools_say_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setenv("VESTIGE_CACHE", str(tmp_path))
    monkeypatch.setitem(synthetic.__globals__, "find_spec", lambda name: None)
    with pytest.raises(DataError, match=r"need h5py, espeakng_loader, tqdm: pip install 'vestige\[speech\]'"):
        speech()
    assert not any(tmp_path.iterdir())


def test_the_generator_says_words_once(tmp_path, monkeypatch, capfd):
    """Runs espeak-ng in its own process: a few words, then the cache."""
    monkeypatch.setenv("VESTIGE_CACHE", str(tmp_path))
    task = speech(words=(20, 4))
    assert len(task.train) == 20 and task.n_in <= 96 and len(task.classes) == 20 and "sieben (de)" in task.classes
    assert set(task.train.y) == set(range(20)) and not set(task.train.source) & set(task.test.source)
    assert 20 < task.steps < 130 and task.train.x.sum((1, 2)).min() > 50
    assert "once ->" in capfd.readouterr().err
    again = speech(words=(20, 4))
    assert np.array_equal(again.train.x, task.train.x) and capfd.readouterr().err == ""
