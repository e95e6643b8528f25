"""Broken options, configurations, data and checkpoints: a message, no traceback, and no file lost."""

import io
import zipfile
from contextlib import redirect_stderr, suppress
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import saiunit as u
from hypothesis import example, given
from hypothesis import strategies as st

from broken import broken
from vestige.cli import audit, model
from vestige.cli.errors import Refused
from vestige.cli.main import main, parser
from vestige.cli.options import preset
from vestige.learn import checkpoint as files

TRAIN = parser()[1]["train"]
TREE = {
    "w": jnp.arange(6.0).reshape(2, 3),
    "key": jax.random.key(3),
    "half": jnp.ones(2, jnp.bfloat16),
    "v": jnp.ones(2) * u.mV,
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("fuzz")


@given(st.binary(max_size=60))
@example(b"epochs = 0")
@example(b"epochs = [1]")
@example(b"[train]\nepochs = 3")
@example(b"frozen = 1")
@example(b"task = 2026-01-01")
@example(b"seeds = nan")
@example(b"a = " + b"[" * 5000)
def test_any_configuration_is_taken_or_refused(folder, content):
    (folder / "run.toml").write_bytes(content)
    assert status(lambda: preset(parser()[1]["train"], folder / "run.toml", [])) in (0, 2)


@given(st.text(max_size=30))
@example("epochs=1e400")
@example("epochs=true")
@example("frozen=false")
@example("out={}")
@example("config=x")
@example("=")
def test_any_setting_is_taken_or_refused(text):
    assert status(lambda: preset(parser()[1]["train"], None, [text])) in (0, 2)


VALUES = [
    "3",
    "-3",
    "0",
    "2.5",
    "nan",
    "inf",
    "1e-3",
    "true",
    '"end"',
    '"x"',
    '""',
    "[1, 2]",
    "[]",
    "{a = 1}",
    "2026-01-01",
]


@given(st.sampled_from(sorted(parser()[1])), st.data())
def test_any_value_of_any_option_is_taken_or_refused(folder, name, data):
    """Of every command: a value of another type is told by its key, and never comes to the command itself."""
    made = parser()[1][name]
    keys = sorted({a.dest for a in made._actions} - {"help", "config", "set"})
    given = data.draw(st.dictionaries(st.sampled_from(keys), st.sampled_from(VALUES), max_size=3))
    (folder / "typed.toml").write_text("\n".join(f"{k} = {v}" for k, v in given.items()))
    with redirect_stderr(io.StringIO()) as said:
        code = status(lambda: preset(made, folder / "typed.toml", []))
    assert code in (0, 2)
    assert code == 0 or any(k.replace("_", "-") in said.getvalue() or k in said.getvalue() for k in given)


def status(run):
    """What a process would end with: 0, or what argparse says; anything else is raised."""
    try:
        run()
    except SystemExit as stop:
        return stop.code
    return 0


def test_settings_have_an_order(folder, capsys):
    """The command line, then `--set`, then the file; near names are named."""
    (folder / "run.toml").write_text('epochs = 5\nseeds = 7\nrule = "es_d_rtrl"\nfrozen = false\n')
    preset(made := parser()[1]["train"], folder / "run.toml", ["seeds=8"])
    args = made.parse_args(["digits", "--epochs", "6"])
    assert (args.epochs, args.seeds, args.rule, args.frozen, args.task) == (6, 8, "es_d_rtrl", False, "digits")
    for wrong, words in [
        ("epoch=3", "did you mean `epochs`?"),
        ("rule=hebb", "choose from"),
        ("epochs=2.5", "whole number"),
    ]:
        with pytest.raises(SystemExit):
            preset(TRAIN, None, [wrong])
        assert words in capsys.readouterr().err
    with pytest.raises(SystemExit):
        preset(TRAIN, folder, [])  # a folder is no file
    assert "directory" in capsys.readouterr().err


@given(st.text("0123456789,x -.e", max_size=12))
def test_any_size_is_a_shape_or_refused(text):
    with suppress(Refused):
        assert all(n > 0 for n in model.sizes(text))


@pytest.fixture(scope="module")
def whole(folder):
    path = files.save(folder / "whole.npz", TREE, {"epoch": 3})
    return path.read_bytes()


def test_all_kinds_of_numbers_come_back(folder, whole):
    tree, noted = files.load(folder / "whole.npz", TREE)
    assert noted == {"epoch": 3} and tree["half"].dtype == jnp.bfloat16 and u.get_unit(tree["v"]) == u.mV
    np.testing.assert_array_equal(jax.random.key_data(tree["key"]), jax.random.key_data(TREE["key"]))
    np.testing.assert_array_equal(tree["w"], TREE["w"])


@given(st.data())
def test_a_broken_checkpoint_is_refused_and_kept(folder, whole, data):
    """Cut short, or a byte changed: an error of ours, or, where the byte says nothing, the same numbers."""
    path, harmed = folder / "broken.npz", data.draw(broken(whole))
    path.write_bytes(harmed)
    try:
        tree, _ = files.load(path, TREE)
    except files.CheckpointError:
        assert path.read_bytes() == harmed
    else:
        np.testing.assert_array_equal(tree["w"], TREE["w"])


@pytest.mark.parametrize(
    "like, words",
    [
        ({**TREE, "w": jnp.zeros((2, 3), jnp.float32)}, "float32"),
        ({**TREE, "w": jnp.zeros((3, 2))}, r"\[3, 2\]"),
        ({**TREE, "v": jnp.ones(2) * u.volt}, "mV"),
        ({**TREE, "half": jnp.ones(2, jnp.float16)}, "bfloat16"),
        ({**TREE, "key": jnp.zeros(2, jnp.uint32)}, "key<fry>"),
        ({**TREE, "more": jnp.zeros(1)}, "nothing there"),
        ([], "no place here"),
    ],
    ids=["precision", "shape", "unit", "type", "key", "missing", "other"],
)
def test_what_does_not_fit_is_told(folder, whole, like, words):
    with pytest.raises(files.CheckpointError, match=words):
        files.load(folder / "whole.npz", like)


def test_foreign_files_and_places_are_told(folder, whole):
    np.savez(folder / "foreign.npz", w=np.ones(2))
    np.save(folder / "array.npy", np.ones(2))
    np.savez(folder / "objects.npz", notes=np.array([{}], dtype=object), allow_pickle=True)
    (folder / "empty.npz").write_bytes(b"")
    with zipfile.ZipFile(folder / "zip.npz", "w") as file:
        file.writestr("notes.npy", b"\x93NUMPY\x01\x00" + b"\xff" * 20)
    for name in ("foreign.npz", "array.npy", "objects.npz", "empty.npz", "zip.npz"):
        with pytest.raises(files.CheckpointError, match="not a checkpoint"):
            files.notes(folder / name)
    for place in (
        folder,
        folder / "whole.npz" / "under.npz",
        Path("/proc/none/x.npz"),
        folder / ("x" * 300),
        folder / "\0",
    ):
        with pytest.raises(files.CheckpointError, match=r"folder|no checkpoint can be written"):
            files.save(place, TREE)
    with pytest.raises(IsADirectoryError):
        files.notes(folder)


def arrays():
    ok = np.ones((4, 2, 3))
    yield "a NaN", dict(xs=ok * np.nan, targets=ok), "not finite"
    yield "no steps", dict(xs=ok[:0], targets=ok[:0]), "must both lead"
    yield "no axis", dict(xs=np.ones(4), targets=np.ones(4)), "must both lead"
    yield "other lengths", dict(xs=ok, targets=ok[:3]), "must both lead"
    yield "words", dict(xs=ok.astype(str), targets=ok), "numbers are needed"
    yield "objects", dict(xs=ok.astype(object), targets=ok), "no .npz file"
    yield "one missing", dict(xs=ok), "no .npz file"


@pytest.mark.parametrize("held, words", [a[1:] for a in arrays()], ids=[a[0] for a in arrays()])
def test_data_that_cannot_be_audited_are_refused(folder, held, words):
    np.savez(folder / "data.npz", **held)
    with pytest.raises(Refused, match=words):
        audit.given(folder / "data.npz")


@given(st.binary(max_size=40))
def test_any_bytes_are_no_data(folder, content):
    (folder / "bytes.npz").write_bytes(content)
    with pytest.raises(Refused):
        audit.given(folder / "bytes.npz")


def test_every_command_has_examples_and_status_2(capsys):
    for name, made in parser()[1].items():
        assert f"vestige {name}" in made.format_help().split("examples:")[1]
        with pytest.raises(SystemExit) as stop:
            main([name, "--no-such-option"])
        assert stop.value.code == 2
    assert main(["train", "--resume", "/proc/none"]) == 1
    assert main(["train", "digits", "--out", "/proc/none"]) == 1
    assert "Traceback" not in capsys.readouterr().err


def test_surprises_are_told(monkeypatch, capsys):
    import vestige.cli.tasks as command

    def wrong(args):
        raise RuntimeError("what nobody thought of")

    monkeypatch.setattr(command, "run", wrong)
    assert main(["tasks"]) == 1
    assert "RuntimeError: what nobody thought of (test_fuzz.py:" in capsys.readouterr().err
    with pytest.raises(RuntimeError):
        main(["--traceback", "tasks"])
    monkeypatch.setattr(command, "run", lambda args: (_ for _ in ()).throw(KeyboardInterrupt))
    assert main(["tasks"]) == 130
