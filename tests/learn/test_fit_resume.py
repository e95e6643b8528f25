"""A training that is killed at any moment goes on to the same numbers, bit for bit."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import brainstate
import fit_program
import jax
import numpy as np
import pytest

from vestige.learn import checkpoint as files


@pytest.fixture(autouse=True)
def quiet():
    with brainstate.environ.context(dt=1.0):
        yield


def child(folder, kind, *more):
    env = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"} | {"PYTHONPATH": source()}
    command = [sys.executable, fit_program.__file__, str(folder), kind, *map(str, more)]
    return subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def source():
    """The library alone."""
    return str(Path(files.__file__).parents[2])


def written(folder):
    """When the checkpoint was written last."""
    path = folder / "run.npz"
    return path.stat().st_mtime_ns if path.exists() else None


def all_of(made):
    """Every number that a learner holds, random keys too."""
    states = [*made.states().values(), brainstate.random.DEFAULT]
    bits = lambda a: np.asarray(jax.random.key_data(a) if jax.dtypes.issubdtype(a.dtype, jax.dtypes.extended) else a)
    return [bits(a) for s in states for a in jax.tree.leaves(s.value)]


def lines(path):
    return [json.loads(line) for line in Path(f"{path}.jsonl").read_text().splitlines()]


def same(one, other):
    """Two trainings: (learner, history, path of the checkpoint)."""
    assert one[1].rows == other[1].rows and one[1].said == other[1].said
    assert lines(one[2]) == lines(other[2])
    for a, b in zip(all_of(one[0]), all_of(other[0]), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """Never killed."""
    path = tmp_path_factory.mktemp("whole") / "run.npz"
    with brainstate.environ.context(dt=1.0):
        made, history = fit_program.train(path, "plain")
        return made, history, path, all_of(made)


def test_killed_between_the_draft_and_its_place(whole, tmp_path):
    killed = child(tmp_path, "plain", 7)
    assert killed.wait(600) == -signal.SIGKILL, killed.stderr.read().decode()
    path = tmp_path / "run.npz"
    assert len(list(tmp_path.glob(".run.npz.*.part"))) == 1  # the draft of the dead
    at = files.notes(path)["at"]
    assert at["epoch"] == at["piece"] == 1  # inside a sequence, so traces count
    made, history = fit_program.train(path, "plain")
    assert not list(tmp_path.glob(".run.npz.*.part"))
    assert history.rows == whole[1].rows and lines(path) == lines(whole[2])
    for a, b in zip(all_of(made), whole[3], strict=True):
        np.testing.assert_array_equal(a, b)


def test_other_settings_are_refused(whole):
    before = Path(whole[2]).read_bytes()
    with pytest.raises(files.CheckpointError, match=r"was written with seeds = \[0\], and now it is \[1\]"):
        fit_program.train(whole[2], "plain", whole[0], seed=1)
    assert Path(whole[2]).read_bytes() == before


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["plain-long", "adaptive-long", "drawn-long"])
def test_killed_at_random_moments(kind, tmp_path):
    path = tmp_path / "whole.npz"
    made, history = fit_program.train(path, kind)
    draw, kills = random.Random(kind), 0
    for _ in range(8):
        running = child(tmp_path, kind)
        before = written(tmp_path)
        while running.poll() is None and written(tmp_path) == before:  # it starts, and compiles
            time.sleep(0.001)
        time.sleep(draw.uniform(0, 0.5))
        running.kill()
        kills += running.wait() == -signal.SIGKILL
        if running.returncode == 0:
            break
    assert kills
    again = fit_program.train(tmp_path / "run.npz", kind)
    # a finished one is not trained again, and says the same
    assert fit_program.train(tmp_path / "run.npz", kind)[1] == again[1]
    same((made, history, path), (*again, tmp_path / "run.npz"))
