"""`vestige tasks`: sizes as they are, without opening data, and what to do where it is missing."""

import json

import pytest

from vestige.cli.catalogue import GENERATED, RECORDED, listed
from vestige.cli.main import main
from vestige.cli.recipe import RECIPES
from vestige.tasks import DataError, digits, rainfall, watch


@pytest.mark.parametrize("make", [watch, digits, rainfall])
def test_sizes_are_those_of_the_data(make):
    said, found = next((task, found) for task, found in RECORDED if task.name == make.__name__)
    task = make()
    found()
    assert (said.about, said.steps, said.n_in, said.n_out) == (task.about, task.steps, task.n_in, len(task.classes))
    if make is rainfall:
        assert said.train == len(task) and said.chance == pytest.approx(1 - task.y.mean(), abs=1e-4)
    else:
        assert (said.train, said.test) == (len(task.train), len(task.test))
        assert said.chance == pytest.approx(task.chance, abs=1e-4)


def test_what_trains_is_listed_and_missing_data_is_told(monkeypatch, capsys, tmp_path):
    monkeypatch.setenv("VESTIGE_IDX_FOLDER", str(tmp_path))
    monkeypatch.setenv("VESTIGE_CACHE", str(tmp_path))
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert main(["tasks"]) == 0
    said = capsys.readouterr().out
    assert said.count("pip install 'vestige[data]'") == 3 and said.count("apt-get install dataset-fashion-mnist") == 2
    assert main(["tasks", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [row["name"] for row in rows] == [task.name for task in listed()]
    assert set(RECIPES) <= {row["name"] for row in rows} and len(rows) == len(RECORDED) + len(GENERATED)


def test_training_without_data_is_told_in_a_line(monkeypatch, capsys, tmp_path):
    monkeypatch.setenv("VESTIGE_IDX_FOLDER", str(tmp_path))
    assert main(["train", "fashion", "--out", str(tmp_path / "runs")]) == 1 and not (tmp_path / "runs").exists()
    assert "apt-get install dataset-fashion-mnist" in capsys.readouterr().err
    with pytest.raises(DataError, match="train-images"):
        RECIPES["events"].make()
