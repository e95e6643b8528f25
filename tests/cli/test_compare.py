"""`vestige compare`: a whole comparison, interrupted and resumed; what does not apply or diverges is told."""

import json
import os
import signal
import subprocess
import sys
import time

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from marks import slowly
from vestige import GraphError, rules
from vestige.cli import arms, compare, parts
from vestige.cli.entrant import Entrant, Settings, cosine
from vestige.cli.main import main
from vestige.cli.network import READOUT, Network

SMALL = "--seeds 2 --updates 4 --neurons 6 --batch 4 --jobs 1".split()


def refuse(net, seed):
    raise GraphError("neurons are mixed here. Take another rule.")


@pytest.fixture(scope="module")
def odd():
    """More arms: one that does not apply, one that diverges, and one that is too slow to train."""
    more = {
        "none": arms.Arm("a rule for others", refuse),
        "wild": arms.Arm(
            "a wild one", lambda net, seed: rules.tbptt(), online=None, optimizer=lambda: optax.scale(float("nan"))
        ),
    }
    cost, slow = Entrant.cost, "a slow one"
    more["late"] = arms.Arm(slow, lambda net, seed: rules.d_rtrl(), online=None)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Entrant, "cost", lambda self: {**cost(self), "slow": self.arm.title == slow})
        for name, arm in more.items():
            patch.setitem(arms.ARMS, name, arm)
        yield tuple(more)


@pytest.fixture(scope="module")
def folder(tmp_path_factory, odd):
    """A comparison, interrupted after its seventh part and resumed."""
    out, done, count = tmp_path_factory.mktemp("runs"), parts.done, iter(range(100))
    stop = lambda *args: done(*args) if next(count) < 7 else interrupt()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parts, "done", stop)
        assert main(["compare", "--task", "copy", "--rules", "d_rtrl", *odd, *SMALL, "--out", str(out)]) == 130
    (made,) = out.iterdir()
    early = {path: path.stat().st_mtime_ns for path in (made / "parts").iterdir()}
    assert len(early) == 7 + 2  # and the weights of two seeds
    assert main(["compare", "--resume", str(made), "--jobs", "1"]) == 0
    assert all(path.stat().st_mtime_ns == when for path, when in early.items())
    return made


def interrupt():
    raise KeyboardInterrupt


@pytest.fixture(scope="module")
def rows(folder):
    return {row["arm"]: row for row in json.loads((folder / "results.json").read_text())["rows"]}


def test_every_arm_has_a_row_of_finite_numbers(rows, odd):
    assert list(rows)[: len(arms.BASELINES)] == list(arms.BASELINES) and list(rows)[-1] == "none"
    for name in (*arms.BASELINES, "d_rtrl"):
        row = rows[name]
        assert len(row["scores"]) == 2 and all(0 <= s <= 1 for s in row["scores"])
        assert row["score"] == pytest.approx(np.mean(row["scores"])) and row["rate"] in (0.003, 0.01, 0.03)
        assert row["online_ms"] > 0 and row["window_ms"] > 0 and row["program_bytes"] > 0
        assert 0 < row["firing"] < 1 and row["diverged"] == 0


def test_cosines_are_measured_at_the_same_weights(rows):
    assert rows["bptt"]["cosine"] == pytest.approx(1, abs=1e-9)
    assert rows["frozen"]["cosine"] is None
    assert rows["tbptt_1"]["cosine"] == pytest.approx(rows["immediate"]["cosine"], abs=1e-9)
    assert 0.1 < rows["d_rtrl"]["cosine"] < 1 - 1e-6
    assert (
        rows["tbptt_1"]["scores"] != rows["immediate"]["scores"]
        or rows["tbptt_1"]["losses"] != rows["immediate"]["losses"]
    )
    # all start from the same weights: the first point is one and the same
    first = [c[0] for c in rows["d_rtrl"]["cosines"]]
    assert first == pytest.approx([c[0] for c in rows["d_rtrl"]["own_cosines"]], abs=1e-9)


def test_traces_are_counted(rows):
    neurons, n_in = 6, 25
    assert rows["bptt"]["trace_bytes"] == rows["tbptt_1"]["trace_bytes"] == 0
    # two states a neuron for each weight and bias that drives it; what the outputs remember of an input is alike in all
    assert rows["d_rtrl"]["trace_bytes"] == 8 * (2 * neurons * (n_in + neurons + 1) + (neurons + 1))


def test_what_does_not_apply_or_diverges_is_told(rows, folder):
    table = (folder / "table.md").read_text()
    assert "| a rule for others | does not apply: neurons are mixed here. |" in table
    assert rows["wild"]["diverged"] == 2 and rows["wild"]["score"] == 0.25
    assert "runs that diverged and count as chance: a wild one 2" in table


def test_a_slow_rule_is_measured_and_not_trained(rows, folder):
    assert {path.name for path in (folder / "parts").glob("late.*")} == {"late.cost.json", "late.angles.json"}
    assert rows["late"]["score"] is None and rows["late"]["cosine"] is not None
    assert "| a slow one | not trained |" in (table := (folder / "table.md").read_text())
    assert "takes more than 0.1 processor s" in table and ": a slow one; see --slow" in table


def test_a_run_held_up_by_others_does_not_make_a_rule_slow():
    """A program that waits, as on a busy machine, uses no processor."""
    entrant = Entrant(Settings("copy", (), 1, 4, 6, 4), "sltt")
    program, waits = entrant.gradient, iter([0.7, 0.3, 0.0, 0.0])

    class Held:
        def __call__(self, *args):
            time.sleep(next(waits, 0.0))
            return program(*args)

        memory_analysis = program.memory_analysis

    found = entrant._time(Held())
    assert found.cpu < 0.1 and found.ms * 40 < 200 and next(waits, None) is None


def test_the_table_and_the_figure_are_left(folder, capsys):
    assert main(["compare", "--resume", str(folder)]) == 0
    said = capsys.readouterr().out
    assert (
        "chance 25.0%" in said
        and "frozen recurrence" in said
        and "before anything is learned: TBPTT(1); immediate-only + RMSprop" in said
    )
    assert (folder / "copy.png").read_bytes().startswith(b"\x89PNG")
    assert main(["compare", "--resume", str(folder), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == json.loads((folder / "results.json").read_text())


def test_an_interrupt_says_how_to_go_on(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(parts, "done", lambda *args: interrupt())
    assert main(["compare", *SMALL, "--out", str(tmp_path)]) == 130
    (made,) = tmp_path.iterdir()
    assert f"vestige compare --resume {made}" in capsys.readouterr().err


@pytest.mark.slow
def test_a_killed_comparison_goes_on_where_it_was(tmp_path):
    """Two processes at work, all killed at once; the numbers are those of one that was not."""
    given = "--task copy --rules d_rtrl --seeds 1 --updates 4 --neurons 6 --batch 4 --jobs 2".split()
    command = [sys.executable, "-m", "vestige", "compare", *given, "--out"]
    first = subprocess.Popen([*command, tmp_path / "killed"], start_new_session=True, stdout=subprocess.DEVNULL)
    while len(done := list((tmp_path / "killed").glob("*/parts/*.json"))) < 7:
        assert first.poll() is None
        time.sleep(0.05)
    os.killpg(first.pid, signal.SIGKILL)
    first.wait()
    (folder,) = (tmp_path / "killed").iterdir()
    assert not (folder / "results.json").exists()
    when = {path: path.stat().st_mtime_ns for path in done}
    subprocess.run([*command[:4], "--resume", folder, "--jobs", "2"], check=True, stdout=subprocess.DEVNULL)
    assert all(path.stat().st_mtime_ns == then for path, then in when.items())
    subprocess.run([*command, tmp_path / "whole"], check=True, stdout=subprocess.DEVNULL)
    (whole,) = (tmp_path / "whole").iterdir()
    rows = [json.loads((made / "results.json").read_text())["rows"] for made in (folder, whole)]
    for one, other in zip(*rows):
        assert one["arm"] == other["arm"]
        for key in ("scores", "losses", "cosines", "own_cosines", "rate"):
            assert one[key] == other[key]


def test_runs_can_be_repeated_and_learn():
    entrant = Entrant(Settings("evidence", (), 1, 40, 32, 16), "bptt")
    one, two = (entrant.train(0, 0.03) for _ in range(2))
    assert one.losses == two.losses and one.losses[-1] < 0.8 * one.losses[0]
    score = entrant.score(one.points[-1], entrant.trials.test)
    assert score > 0.65 and 0.01 < entrant.firing(one.points[-1]) < 0.5
    other = entrant.train(1, 0.03)
    assert other.losses != one.losses


def test_frozen_recurrence_moves_the_readout_alone():
    found = Entrant(Settings("copy", (), 1, 4, 6, 4), "frozen").train(0, 0.03)
    first, last = found.points[0].params, found.points[-1].params
    assert {name for name in first if not np.array_equal(first[name], last[name])} == set(READOUT)


def test_the_network_is_what_its_equations_say():
    net = Network(3, 4, 2, dt=10.0)
    p, s, x = net.params(0), net.state(), jnp.asarray([1.0, 2.0, 0.0])
    p["b"] = jnp.asarray([0.5, 0.2, 0.1, 0.4])
    v, a, y = np.zeros(4), np.zeros(4), np.zeros(2)
    alpha, rho = np.exp(-10 / np.geomspace(20, 400, 4)), np.exp(-10 / np.geomspace(2000, 200, 4))
    beta, kappa, fired = np.array([0, 0.2, 0, 0.2]), np.exp(-0.1), 0
    fire = lambda v, a: (v - 1 - beta * a >= 0).astype(float)
    for _ in range(20):
        s, out = net.step()(p, s, x)
        z = fire(v, a)
        v, a = alpha * v + x @ p["w"] + z @ p["r"] + p["b"] - z, rho * a + z
        y = kappa * y + (1 - kappa) * (fire(v, a) @ p["out"] + p["c"])
        fired += fire(v, a).sum()
        np.testing.assert_allclose(s["v"], v, atol=1e-12)
        np.testing.assert_allclose(out, y, atol=1e-12)
    assert 10 < fired < 70


def test_every_seed_has_the_same_graph_and_weights_of_its_own():
    net = Network(3, 4, 2, dt=10.0)
    one, two = net.params(0), net.params(1)
    assert all(not np.array_equal(one[name], two[name]) for name in ("w", "r", "out"))
    assert jax.tree.map(jnp.shape, one) == jax.tree.map(jnp.shape, two)


@pytest.mark.parametrize("name", arms.ARMS)
def test_every_arm_applies_or_says_why(name):
    settings = Settings("copy", (), 1, 4, 6, 4)
    if arms.ARMS[name].left_out:
        with pytest.raises(GraphError, match="these tasks give targets"):
            Entrant(settings, name)
        return
    entrant = Entrant(settings, name)
    one, two = (entrant.start(seed) for seed in (0, 1))
    assert jax.tree.map(jnp.shape, one) == jax.tree.map(jnp.shape, two)
    assert entrant.arm.title and (entrant.arm.online is None or entrant.arm.online >= 1)


def test_a_modulator_is_minus_the_error_at_the_neurons():
    entrant = Entrant(Settings("copy", (), 1, 4, 6, 4), "three_factor")
    (x, y, _), params = (np.swapaxes(a, 0, 1) for a in entrant._held_out(0)), entrant.start(0).params
    outputs = np.swapaxes(entrant.predict(params, np.swapaxes(x, 0, 1)), 0, 1)
    errors = np.exp(outputs) / np.exp(outputs).sum(-1, keepdims=True) - np.eye(4)[y]
    found = entrant._modulator(params, jnp.asarray(x), jnp.asarray(y))
    back = np.linalg.lstsq(-errors.reshape(-1, 4), found.reshape(-1, 6), rcond=None)[0]
    assert found.shape == (40, 4, 6) and np.linalg.matrix_rank(back) >= 3
    np.testing.assert_allclose(-errors @ back, found, atol=1e-9)


@pytest.mark.parametrize("task", slowly(["copy", "watch"], ["copy"]))
def test_online_and_window_gradients_of_an_arm_agree(task):
    """What is timed online is what trains in one window."""
    entrant = Entrant(Settings(task, (), 1, 4, 6, 4), "d_rtrl")
    now, data = entrant.start(0), entrant._held_out(0)
    whole, steps = (entrant._gradient(window, now, data)[0] for window in (None, 1))
    for name in whole:
        np.testing.assert_allclose(whole[name], steps[name], rtol=1e-9, atol=1e-12)
        assert np.any(whole[name] != 0)


def test_a_cosine_needs_two_directions():
    a, b = np.array([1.0, 1.0]), np.array([0.0, 2.0])
    assert cosine(a, b) == pytest.approx(np.sqrt(0.5)) and cosine(a, -a) == pytest.approx(-1)
    assert cosine(a, 0 * b) is None and cosine(a, b[:1]) is None and cosine(a, b * np.nan) is None


@pytest.mark.parametrize(
    "arguments, words",
    [
        (["--task", "chess"], "invalid choice"),
        (["--rules", "hebb"], "invalid choice: 'hebb'"),
        (["--seeds", "0"], "at least 1"),
    ],
)
def test_bad_arguments_are_explained(arguments, words, capsys):
    with pytest.raises(SystemExit) as stop:
        main(["compare", *arguments])
    assert stop.value.code == 2
    assert words in capsys.readouterr().err


def test_missing_data_is_told_before_anything_runs(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert main(["compare", "--task", "watch", "--neurons", "7", "--out", str(tmp_path / "runs")]) == 1
    assert "pip install 'vestige[data]'" in capsys.readouterr().err
    assert not (tmp_path / "runs").exists()


def test_without_a_screen_there_is_a_line_now_and_then(tmp_path, capsys):
    settings = Settings("copy", (), 1, 4, 6, 4)
    (tmp_path / "parts").mkdir()
    with compare.Bar(settings, ["bptt", "frozen"], tmp_path) as bar:
        for what in parts.todo(settings):
            parts.write(parts.part(tmp_path, "bptt", what), {"slow": False})
            bar.look()
            bar.look()
    said = capsys.readouterr().err.splitlines()
    assert [line.split(",")[0].strip() for line in said] == [f"{n} of 10 runs" for n in range(1, 6)]


def test_a_foreign_folder_is_explained(tmp_path, capsys):
    (tmp_path / "settings.json").write_text('{"task": "watch", "rule": "d_rtrl"}')
    assert main(["compare", "--resume", str(tmp_path)]) == 1
    assert main(["compare", "--resume", str(tmp_path / "none")]) == 1
    assert capsys.readouterr().err.count("is no folder of a comparison") == 2
