"""`vestige stream`: what it prints and leaves, and where it goes on after it was stopped."""

import json

import numpy as np
import pytest

from vestige import plots
from vestige.cli import drifting
from vestige.cli.main import main
from vestige.tasks import Stream

N = 60


@pytest.fixture(scope="module")
def flipped(tmp_path_factory):
    """The folder of a run on a short stream whose law turns round: the class is the channel that fires, then the other one."""
    draw = np.random.default_rng(0)
    y = draw.integers(0, 2, N)
    x = np.zeros((N, 3, 2), np.float32)
    x[np.arange(N), :, np.where(np.arange(N) < N // 2, y, 1 - y)] = 1
    task = Stream("flipped", "a law that turns round", x, y, x.mean(1), ("a", "b"), ("left", "right"), N // 2)
    recipe = drifting.Recipe(
        lambda: task, tuned=10, frozen_after=N // 2, judged_from=N // 2 + 10, over=20, n_rec=4, gain=4.0, fast=1.2, slow=30.0,
        last=2, rate=1e-3, readout=drifting.optax.sgd, readout_rate=0.3, linear=(0.3, 0.3),
    )  # fmt: skip
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(drifting.RECIPES, "rainfall", recipe)
        patch.setattr(drifting, "SAVE", 10)
        out = tmp_path_factory.mktemp("whole")
        assert main(["stream", "rainfall", "--out", str(out)]) == 0
        yield folder_of(out)


def folder_of(out):
    (found,) = [path for path in out.iterdir() if path.name.startswith("stream-")]
    return found


def test_the_online_network_follows_and_the_frozen_one_does_not(flipped):
    found = json.loads((flipped / "results.json").read_text())["accuracy"]
    score = {arm: scores[f"from {N // 2 + 10}"][0] for arm, scores in found.items()}
    assert score["network, online"] > 0.9 and score[f"network, frozen after {N // 2}"] < 0.1
    assert score["logistic regression on spikes"] > 0.9 and score["last label known"] < 0.8
    assert (flipped / "drift.png").stat().st_size > 10_000


@pytest.mark.slow
@pytest.mark.parametrize("late", ["0", "4"])
def test_what_was_stopped_goes_on_with_the_same_numbers(flipped, tmp_path, capsys, monkeypatch, late):
    if late != "0":
        assert main(["stream", "--late", late, "--out", str(tmp_path / "whole")]) == 0
        flipped = folder_of(tmp_path / "whole")
    begin = drifting.events

    def source(task, settings):
        def run(start):
            for n, event in enumerate(begin(task, settings)(start)):
                if n == 27:
                    raise KeyboardInterrupt
                yield event

        return run

    with monkeypatch.context() as patch:
        patch.setattr(drifting, "events", source)
        assert main(["stream", "--late", late, "--out", str(tmp_path / "cut")]) == 130
    folder = folder_of(tmp_path / "cut")
    assert f"go on with: vestige stream --resume {folder}" in capsys.readouterr().err
    with open(folder / "online-0.hits", "a") as log:
        log.write("12")  # a line cut in two
    assert main(["stream", "--resume", str(folder), "--json"]) == 0
    said, err = capsys.readouterr()
    wanted = json.loads((flipped / "results.json").read_text())
    assert json.loads((folder / "results.json").read_text()) == wanted
    assert json.loads(said) == {**wanted, "folder": str(folder)} and "60 items of 3 steps" in err


def test_the_figure_shows_the_accuracy_of_the_last_items():
    hits = np.array([[1, 0, np.nan, 1, 1, 0.0], [1, 1, 1, 1, 0, 0]])
    figure = plots.drift({"ours": hits}, over=3, marks={2: "turn", 99: "beyond"}, references={"chance": 0.5})
    one, _, mean = figure.axes[0].lines[:3]
    np.testing.assert_allclose(one.get_ydata(), [1, 1 / 2, 1 / 2, 1 / 2, 1, 2 / 3])
    np.testing.assert_allclose(mean.get_ydata()[-1], (2 / 3 + 1 / 3) / 2)
    assert [t.get_text() for t in figure.axes[0].texts] == ["turn", "chance 50.0%"]


def test_bad_arguments_and_folders_are_explained(tmp_path, capsys):
    assert main(["stream", "--resume", str(tmp_path)]) == 1
    assert "no folder of a stream" in capsys.readouterr().err
    (tmp_path / "settings.json").write_text('{"task": "elsewhere"}')
    assert main(["stream", "--resume", str(tmp_path)]) == 1
    for wrong in (["--late", "-1"], ["--late", "x"], ["weather"], ["--items", "0"]):
        with pytest.raises(SystemExit) as stop:
            main(["stream", *wrong])
        assert stop.value.code == 2
