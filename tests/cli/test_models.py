"""`vestige explain`, `audit`, `bench` on a model in a file of the user's, and what is said of files that hold none."""

import json

import brainstate
import numpy as np
import pytest

from vestige.cli.main import main

NET = """
import brainstate, jax.numpy as jnp
import vestige as vg

class Net(brainstate.nn.Module):
    def __init__(self):
        super().__init__()
        self.cell = vg.nn.MinimalRNNCell(3, 4)
        self.readout = vg.nn.Linear(4, 2)

    def update(self, x):
        return self.readout(self.cell(x))

def make():
    return Net()

made = Net()
number = 3

def broken():
    return 1 / 0

class Mixed(Net):
    def update(self, x):
        self.cell.h.value = jnp.roll(self.cell.h.value, 1)
        return super().update(x)
"""


@pytest.fixture(autouse=True)
def clean():
    with brainstate.environ.context(dt=1.0):
        yield


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "net.py"
    path.write_text(NET)
    return path


def told(capsys, *arguments):
    """What a command prints as JSON."""
    assert main([*map(str, arguments), "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_a_model_is_explained_and_drawn(file, tmp_path, capsys):
    picture = tmp_path / "more" / "graph.png"
    said = told(capsys, "explain", f"{file}:Net", "--input", 3, "--out", picture)
    assert picture.read_bytes().startswith(b"\x89PNG")
    rows = {row["name"]: row for row in said["weights"]}
    assert len(said["populations"]) == 1 and said["populations"][0]["positions"] == 4
    assert rows["readout.weight.weight"] | {"shape": None} == {
        "name": "readout.weight.weight", "shape": None, "reaches": [], "dropped": [],
        "how": "reaches no state, its gradient is exact",
    }  # fmt: skip
    assert {tuple(row["reaches"]) for name, row in rows.items() if not name.startswith("readout")} <= {("cell.h",), ()}
    assert any(row["dropped"] for row in rows.values()) and said["dropped"]
    costs = {row["rule"]: row["trace_bytes"] for row in said["rules"]}
    weights = sum(np.prod(rows[n]["shape"]) for n in rows if rows[n]["reaches"])
    assert costs["bptt"] == costs["immediate"] == 0 < costs["es_d_rtrl"] < costs["d_rtrl"] < costs["rtrl"]
    assert costs["d_rtrl"] == 8 * weights  # a number for each weight that reaches the one state of a neuron
    # the same as text, from a model that is there
    assert main(["explain", f"{file}:made", "--input", "3"]) == 0
    text = capsys.readouterr().out
    assert "credit that `local` and `instant` rules drop" in text and f"{costs['d_rtrl']:>14,}" in text


@pytest.mark.slow
def test_a_model_is_audited_on_random_data(file, capsys):
    said = told(capsys, "audit", f"{file}:make", "--input", 3, "--steps", 1, "--batch", 2)
    assert all(row["cosine"] == pytest.approx(1) for row in said["rows"])  # of one step, everything is exact


def test_a_model_is_audited_on_given_data(file, tmp_path, capsys):
    data = tmp_path / "some.npz"
    np.savez(data, xs=np.random.default_rng(0).normal(size=(6, 2, 3)), targets=np.zeros((6, 2, 2)))
    said = told(capsys, "audit", f"{file}:Net", "--input", 3, "--data", data, "--out", tmp_path / "audit.png")
    assert min(row["cosine"] for row in said["rows"]) < 1 - 1e-6 and (tmp_path / "audit.png").exists()


@pytest.mark.slow
def test_rules_are_timed_in_turns(file, capsys):
    sizes = ["--steps", 4, "--batch", 2, "--turns", 1, "--window", 2, "--rules", "bptt", "d_rtrl"]
    rows = {row["rule"]: row for row in told(capsys, "bench", f"{file}:Net", "--input", 3, *sizes)["rows"]}
    assert rows["d_rtrl"]["online_ms"] > 0 < rows["d_rtrl"]["window_ms"] and rows["bptt"]["trace_bytes"] == 0
    assert "online_ms" not in rows["bptt"]


@pytest.mark.parametrize(
    "spec, more, words",
    [
        ("net.py", [], "write the file and the name"),
        ("none.py:Net", [], "is no file"),
        ("net.py:Nte", [], "holds no `Nte`; it has Net, make"),
        ("net.py:number", [], "is int: no module"),
        ("net.py:broken", [], "net.py, line 21: ZeroDivisionError"),
        ("net.py:Net", [], "what does the model read?"),
        ("net.py:Net", ["--input", "3,,x"], "sizes are whole numbers"),
        ("net.py:Net", ["--input", "99999,99999"], "more than a billion"),
        ("net.py:Mixed", ["--input", "3"], "mixes positions"),
        ("wrong.py:Net", [], "SyntaxError: invalid syntax (wrong.py, line 1)"),
        ("quits.py:Net", [], "SystemExit"),
        (".:Net", [], "is no file"),
    ],
)
def test_what_is_no_model_is_explained(file, spec, more, words, capsys):
    (file.parent / "wrong.py").write_text("def (")
    (file.parent / "quits.py").write_text("raise SystemExit(0)")
    assert main(["explain", f"{file.parent}/{spec}", *more]) == 1
    said = capsys.readouterr()
    assert words in said.err and "Traceback" not in said.err and not said.out
