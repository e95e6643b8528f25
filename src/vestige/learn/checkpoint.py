"""Trees of arrays in one file: named leaves, no pickle, and never half a file."""

import json
import os
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import jax
import numpy as np

NOTES = "notes"


class CheckpointError(RuntimeError):
    """A file holds something else than what is asked of it."""


def save(path: str | Path, tree: Any, notes: dict[str, Any] | None = None) -> Path:
    """Write the leaves of `tree`, and `notes` (anything that JSON can say), to `path`.

    The file appears whole or not at all: it is written beside its place and then moved there.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    leaves = {name: np.asarray(leaf) for name, leaf in _named(tree).items()}
    draft = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with open(draft, "wb") as file:
            np.savez(file, **{NOTES: np.array(json.dumps(notes or {}))}, **leaves)
            file.flush()
            os.fsync(file.fileno())
        os.replace(draft, path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
    return path


def load(path: str | Path, like: Any) -> tuple[Any, dict[str, Any]]:
    """The tree that was saved, in the structure of `like`, and its notes.

    Raises:
        FileNotFoundError: no such file. CheckpointError: not a file of ours, or of another model.
    """
    stored = _read(path)
    notes = json.loads(str(stored.pop(NOTES)))
    want = {name: np.shape(leaf) for name, leaf in _named(like).items()}
    have = {name: leaf.shape for name, leaf in stored.items()}
    if want != have:
        first = min(name for name in want | have if want.get(name) != have.get(name))
        raise CheckpointError(
            f"{path} does not fit: `{first}` has shape {have.get(first, 'nothing')} there, "
            f"{want.get(first, 'no place')} here. Was it saved with another model, size or optimiser?"
        )
    leaves = [jax.numpy.asarray(stored[name]) for name in want]
    return jax.tree.unflatten(jax.tree.structure(like), leaves), notes


def notes(path: str | Path) -> dict[str, Any]:
    """What was noted beside the arrays."""
    return json.loads(str(_read(path)[NOTES]))


def _named(tree: Any) -> dict[str, Any]:
    return {jax.tree_util.keystr(path): leaf for path, leaf in jax.tree_util.tree_leaves_with_path(tree)}


def _read(path: str | Path) -> dict[str, np.ndarray]:
    try:
        with np.load(path, allow_pickle=False) as file:
            stored = {name: file[name] for name in file.files}
    except (ValueError, EOFError, BadZipFile, AttributeError) as error:
        raise CheckpointError(f"{path} is not a checkpoint of vestige: {error}") from error
    if NOTES not in stored:
        raise CheckpointError(f"{path} is not a checkpoint of vestige: it has no notes")
    return stored
