"""A model's parameters in a file for others: safetensors or npz, one array a name, units beside them."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import brainstate
import jax
import jax.numpy as jnp
import numpy as np
import saiunit as u

UNITS = "vestige.units"


class WeightsError(ValueError):
    """A file that holds no weights, or those of another model."""


def save_weights(model: brainstate.nn.Module, path: str | Path) -> Path:
    """Write every `brainstate.ParamState` of a model, as `"layer.weight.bias"`, in its own unit.

    Args:
        path: `*.safetensors` (needs `safetensors`) or `*.npz`. Units are a JSON object of names: in the metadata of
            safetensors, in the array `vestige.units` of npz. The file appears whole or not at all.

    Raises:
        WeightsError: another ending. ModuleNotFoundError: `safetensors` is not installed.
    """
    path, leaves = Path(path), _leaves(model)
    write = _kind(path)[0]
    plain = {name: np.ascontiguousarray(u.get_mantissa(value)) for name, value in leaves.items()}
    units = json.dumps({name: str(u.get_unit(v)) for name, v in leaves.items() if not u.get_unit(v).is_unitless})
    draft = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        write(draft, plain, units)
        os.replace(draft, path)
    finally:
        draft.unlink(missing_ok=True)
    return path


def load_weights(model: brainstate.nn.Module, path: str | Path) -> None:
    """Read what `save_weights` wrote, or a file of another program with these names, into a model.

    A value is converted into the unit and precision that the parameter has; one without a unit is taken in the parameter's.

    Raises:
        FileNotFoundError: no such file.
        WeightsError: not such a file, names are missing or too many, a shape or a dimension differs, a value is no finite
            number; no weight has moved then.
    """
    path, leaves = Path(path), _leaves(model)
    stored, units = _kind(path)[1](path)
    if set(stored) != set(leaves):
        lacks, more = (sorted(set(x) - set(y)) for x, y in ((leaves, stored), (stored, leaves)))
        raise WeightsError(f"{path} is of another model: it lacks {lacks}, and has {more} besides")
    fitted = {name: _fit(path, name, stored[name], units.get(name), held) for name, held in leaves.items()}
    for key, state in model.states(brainstate.ParamState).items():
        named, tree = _named(key, state.value)
        state.value = jax.tree.unflatten(tree, [fitted[name] for name in named])


def _fit(path: Path, name: str, array: np.ndarray, unit: str | None, held: Any) -> Any:
    if array.shape != u.math.shape(held):
        raise WeightsError(f"{path}: `{name}` has shape {array.shape}, the model's {u.math.shape(held)}")
    want = u.get_unit(held)
    if not (array.dtype.kind in "biuf" or jnp.issubdtype(array.dtype, jnp.floating)):
        raise WeightsError(f"{path}: `{name}` holds {array.dtype}; real numbers are needed")
    if unit is not None:
        have = getattr(u, str(unit), None)
        if unit == str(want):
            have = want
        if not isinstance(have, u.Unit) or not u.have_same_dim(have, want):
            raise WeightsError(f"{path}: `{name}` is in {unit}, the model's in {want}")
        array = array if have == want else array * float((1.0 * have).to_decimal(want))
    with np.errstate(over="ignore"):  # said below
        plain = jnp.asarray(array, u.get_mantissa(held).dtype)
    if not jnp.isfinite(plain).all():
        lost = int((~jnp.isfinite(plain)).sum())
        raise WeightsError(f"{path}: `{name}` is not finite (NaN or infinity) in {lost} of {plain.size} places")
    return plain if want.is_unitless else plain * want


def _named(key: tuple[Any, ...], value: Any) -> tuple[list[str], Any]:
    """Names of a parameter's arrays, and how they make it up again."""
    found, tree = jax.tree_util.tree_flatten_with_path(value, is_leaf=lambda v: isinstance(v, u.Quantity))
    inner = [[str(getattr(k, "key", getattr(k, "idx", k))) for k in path] for path, _ in found]
    return [".".join([*map(str, key), *path]) for path in inner], tree


def _leaves(model: brainstate.nn.Module) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, state in model.states(brainstate.ParamState).items():
        named, tree = _named(key, state.value)
        found |= dict(zip(named, tree.flatten_up_to(state.value)))
    return found


def _kind(path: Path) -> tuple[Any, Any]:
    try:
        return {".npz": (_write_npz, _read_npz), ".safetensors": (_write_safe, _read_safe)}[path.suffix]
    except KeyError:
        raise WeightsError(f"{path}: weights are kept in .npz or .safetensors") from None


def _write_npz(path: Path, arrays: dict[str, np.ndarray], units: str) -> None:
    with open(path, "wb") as file:
        np.savez(file, **{UNITS: np.array(units)}, **arrays)


def _units(text: str) -> dict[str, str]:
    found = json.loads(text)
    if not isinstance(found, dict):
        raise ValueError(f"its units are {text}, not an object of names")
    return found


def _read_npz(path: Path) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
            return arrays, _units(str(arrays.pop(UNITS, "{}")))
    except (ValueError, EOFError, BadZipFile, AttributeError, TypeError) as error:
        raise WeightsError(f"{path} is no npz of weights: {error}") from error


def _write_safe(path: Path, arrays: dict[str, np.ndarray], units: str) -> None:
    from safetensors.numpy import save_file

    save_file(arrays, path, {UNITS: units})


def _read_safe(path: Path) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, "numpy") as file:
            names = list(file.keys())
            units = _units((file.metadata() or {}).get(UNITS, "{}"))
            return {name: file.get_tensor(name) for name in names}, units
    except (SafetensorError, ValueError) as error:
        raise WeightsError(f"{path} is no safetensors file: {error}") from error
