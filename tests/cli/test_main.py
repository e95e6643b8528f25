"""The command line: a whole run on the digits, and errors that say what to do."""

import json

import numpy as np
import pytest

from vestige.cli import train as command
from vestige.cli.main import main
from vestige.learn import checkpoint as files


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A short run, interrupted after its first epoch and resumed."""
    out = tmp_path_factory.mktemp("runs")
    arguments = ["train", "digits", "--seeds", "1", "--epochs", "2", "--no-frozen", "--jobs", "1", "--log-updates"]
    arguments += ["--out", str(out)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("vestige.cli.job.speak", lambda job: interrupt)
        assert main(arguments) == 130
    (made,) = out.iterdir()
    assert main(["train", "--resume", str(made), "--jobs", "1"]) == 0
    return made


def interrupt(epoch, row):
    raise KeyboardInterrupt


def test_a_run_leaves_weights_figures_and_numbers(folder):
    names = {path.name for path in folder.iterdir()}
    assert names == {
        "settings.json", "metrics.json", "seed-0.npz", "seed-0.jsonl", "learning-curve.png", "confusion.png", "raster.png",
    }  # fmt: skip
    metrics = json.loads((folder / "metrics.json").read_text())
    rows = metrics["history"]["seed-0"]
    assert len(rows) == 2 and rows[1]["loss"] < rows[0]["loss"]
    logged = [json.loads(line) for line in (folder / "seed-0.jsonl").read_text().splitlines()]
    assert [row["epoch"] for row in logged if "epoch" in row] == [1, 2]
    assert len(logged) > 2 and all(row["update"] > 0 for row in logged)  # one an update too
    assert [row["loss"] for row in logged if "epoch" in row] == [row["loss"] for row in rows]
    assert metrics["accuracy"] > 0.6 > metrics["references"]["chance"]
    assert all((folder / name).read_bytes().startswith(b"\x89PNG") for name in names if name.endswith(".png"))


def test_saved_weights_give_the_same_accuracy(folder, capsys):
    assert main(["evaluate", str(folder / "seed-0.npz")]) == 0
    said = capsys.readouterr().out.splitlines()[0]
    now, saved = (part.split("%")[0].split()[-1] for part in said.split("(when"))
    assert now == saved


def test_the_tasks_are_listed(capsys):
    assert main(["tasks"]) == 0
    assert "777 sequences of 100 steps x 66 units, 7 classes" in capsys.readouterr().out


@pytest.mark.parametrize(
    "arguments, words",
    [
        (["train", "chess"], "invalid choice"),
        (["train", "--rule", "hebb"], "invalid choice"),
        (["train", "--seeds", "0"], "at least 1"),
        (["train", "--epochs", "many"], "at least 1"),
        (["evaluate"], "required"),
        ([], "required"),
    ],
)
def test_bad_arguments_are_explained(arguments, words, capsys):
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    assert stop.value.code == 2
    assert words in capsys.readouterr().err


def test_help_has_examples(capsys):
    with pytest.raises(SystemExit):
        main(["train", "--help"])
    assert "vestige train digits" in capsys.readouterr().out


def test_missing_and_foreign_files_are_explained(tmp_path, capsys):
    assert main(["evaluate", str(tmp_path / "none.npz")]) == 1
    assert main(["train", "--resume", str(tmp_path / "none")]) == 1
    files.save(tmp_path / "foreign.npz", {"w": np.ones(2)})
    assert main(["evaluate", str(tmp_path / "foreign.npz")]) == 1
    said = capsys.readouterr().err
    assert "No such file" in said and "no folder of a run" in said and "names no task" in said


def test_an_interrupt_says_where_the_checkpoints_are(tmp_path, monkeypatch):
    def stop(job):
        files.save(job.checkpoint, {}, {"rows": [{}, {}]})
        raise KeyboardInterrupt

    monkeypatch.setattr(command, "train", stop)
    job = command.Job("digits", "d_rtrl", 0, tmp_path, 3)
    with pytest.raises(command.Interrupted, match=r"seed-0.checkpoint.npz \(after epoch 2\)\n.*--resume"):
        command.all_of([job], 1, tmp_path)
