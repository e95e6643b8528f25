"""Trees of arrays in one file: named leaves with their types and units, no pickle, and never half a file."""

import errno
import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np
import saiunit as u

from .._compat import is_key

NOTES, KINDS = "notes", "kinds"
OURS = (errno.ENOENT, errno.EISDIR, errno.EACCES, errno.EPERM)  # of the place, not of what the file holds


class CheckpointError(RuntimeError):
    """A file holds something else than what is asked of it, or its place cannot be written."""


class Leaf(NamedTuple):
    """An array as it lies in the file, and what it is: type and unit."""

    array: np.ndarray
    kind: str


def save(path: str | Path, tree: Any, notes: dict[str, Any] | None = None) -> Path:
    """Write the leaves of `tree`, and `notes` (anything that JSON can say), to `path`.

    The file appears whole or not at all, whenever the process is killed: it is written beside its place, brought to the disk,
    and then moved there. Leaves may have units, be random keys, or be of any number type of JAX.
    """
    path = writable(path)
    leaves = {name: _leaf(name, leaf) for name, leaf in _named(tree).items()}
    told = {NOTES: notes or {}, KINDS: {name: leaf.kind for name, leaf in leaves.items()}}
    draft = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with open(draft, "wb") as file:
            text = {name: np.array(json.dumps(said)) for name, said in told.items()}
            np.savez(file, **text, **{name: leaf.array for name, leaf in leaves.items()})
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
        FileNotFoundError: no such file. CheckpointError: not a file of ours, or of another model, precision or unit.
    """
    stored = _read(path)
    notes, kinds = _told(path, stored, NOTES), _told(path, stored, KINDS)
    places = _named(like)
    want = {name: _what(_leaf(name, leaf)) for name, leaf in places.items()}
    have = {name: _what(Leaf(stored[name], kinds.get(name, ""))) for name in stored.keys() - {NOTES, KINDS}}
    if want != have:
        first = min(name for name in want | have if want.get(name) != have.get(name))
        raise CheckpointError(
            f"{path} does not fit: `{first}` is {have.get(first, 'nothing')} there, {want.get(first, 'no place')} here. "
            "Was it saved with another model, size, precision, unit or optimiser?"
        )
    leaves = [_back(stored[name], leaf) for name, leaf in places.items()]
    return jax.tree.unflatten(jax.tree.structure(like, is_leaf=_whole), leaves), notes


def notes(path: str | Path) -> dict[str, Any]:
    """What was noted beside the arrays.

    Raises:
        FileNotFoundError: no such file. CheckpointError: not a file of ours.
    """
    return _told(path, _read(path, [NOTES]), NOTES)


def writable(path: str | Path) -> Path:
    """The path, if a file can be put there; asked before anything long begins. Drafts of processes that died are cleared.

    Raises:
        CheckpointError: it is a folder, or its folder cannot be written.
    """
    path = Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.is_dir():
            raise CheckpointError(f"{path} is a folder; a checkpoint is one file, such as {path / 'run.npz'}")
        for draft in path.parent.glob(f".{path.name}.*.part"):
            if not _alive(draft.name.split(".")[-2]):
                draft.unlink(missing_ok=True)
        probe = path.with_name(f".{path.name}.{os.getpid()}.part")
        probe.touch()
        probe.unlink()
    except (OSError, ValueError) as error:
        raise CheckpointError(f"no checkpoint can be written to {path}: {error}") from error
    return path


def _alive(process: str) -> bool:
    try:
        os.kill(int(process), 0)
    except (ValueError, ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        pass
    return True


def _whole(leaf: Any) -> bool:
    return isinstance(leaf, u.Quantity)


def _named(tree: Any) -> dict[str, Any]:
    paths = jax.tree_util.tree_leaves_with_path(tree, is_leaf=_whole)
    return {jax.tree_util.keystr(path): leaf for path, leaf in paths}


def _leaf(name: str, leaf: Any) -> Leaf:
    value, unit = (leaf.mantissa, f" {leaf.unit}") if _whole(leaf) else (leaf, "")
    if not getattr(value, "is_fully_addressable", True):
        raise CheckpointError(
            f"`{name}` lies on devices of other processes: gather it first, or save it with a library for sharded arrays"
        )
    if is_key(value):
        return Leaf(np.asarray(jax.random.key_data(value)), str(value.dtype))
    array = np.asarray(value)
    # numpy's files know no bfloat16 and the like: their bits do
    bits = array.view(f"u{array.itemsize}") if array.dtype.kind == "V" else array
    return Leaf(bits, f"{array.dtype}{unit}")


def _what(leaf: Leaf) -> str:
    return f"{leaf.kind} {list(leaf.array.shape)} ({leaf.array.dtype})"


def _back(array: np.ndarray, like: Any) -> Any:
    """The array as what stands in `like`: a quantity, keys, an array of NumPy, or one of JAX where that one lies."""
    if _whole(like):
        return u.Quantity(_back(array, like.mantissa), unit=like.unit)
    if is_key(like):
        return jax.random.wrap_key_data(array, impl=jax.random.key_impl(like))
    if not isinstance(like, jax.Array):
        return array
    array = array.view(like.dtype) if array.dtype != like.dtype else array
    spread = len(like.sharding.device_set) > 1
    return jax.device_put(array, like.sharding) if spread else jax.numpy.asarray(array)


def _told(path: str | Path, stored: dict[str, np.ndarray], what: str) -> dict[str, Any]:
    try:
        found = json.loads(str(stored[what]))
    except (KeyError, ValueError, RecursionError) as error:
        raise CheckpointError(f"{path} is not a checkpoint of vestige: it has no {what}") from error
    if not isinstance(found, dict):
        raise CheckpointError(f"{path} is not a checkpoint of vestige: its {what} are no table")
    return found


def _read(path: str | Path, names: Iterable[str] | None = None) -> dict[str, np.ndarray]:
    """Any of many errors may come of a broken file; those of its place are left as they are."""
    try:
        with np.load(path, allow_pickle=False) as file:
            return {name: file[name] for name in (file.files if names is None else names)}
    except Exception as error:
        if isinstance(error, OSError) and error.errno in OURS:
            raise
        raise CheckpointError(f"{path} is not a checkpoint of vestige: {error}") from error
