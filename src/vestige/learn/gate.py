"""What of a stream can be used: items and labels of the right shape and type, finite and in range; and why not the others."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from .events import Skip

Range = tuple[Any, Any]


class Gate:
    """Lets items and labels through as NumPy arrays, or raises `Skip` with the reason.

    Args:
        example: inputs of one step, a tuple; `batch`: as the learner was compiled.
        mask: weights of an item's steps `[T]`; None: all alike, as many as the first item has.
        x_range, label_range: (low, high), or None.
    """

    def __init__(self, example: Any, batch: int | None, mask: Any, x_range: Range | None, label_range: Range | None):
        self.example, self.lead = example, () if batch is None else (batch,)
        self.mask: np.ndarray | None = None if mask is None else weights_of(mask)
        self.ranges = _ranged(x_range, "x_range"), _ranged(label_range, "label_range")
        self.looks: Any = None  # shape and type of labels: those of the first that was learned

    def item(self, x: Any) -> Any:
        """Inputs `[T, ...]` as the network takes them."""
        lead = (None if self.mask is None else len(self.mask), *self.lead)
        x = x if isinstance(x, tuple) or x is None else (x,)
        x = _fitted(x, self.example, lead, self.ranges[0], "an item")
        self.mask = weights_of(np.ones(jax.tree.leaves(x)[0].shape[0])) if self.mask is None else self.mask
        return x

    def label(self, label: Any) -> np.ndarray:
        like = _like_of(label, "a label") if self.looks is None else self.looks
        return _fitted(label, like, (), self.ranges[1], "a label")

    def learned(self, label: np.ndarray) -> None:
        """From now on labels look like this one."""
        self.looks = jax.ShapeDtypeStruct(label.shape, label.dtype)

    def blank(self, steps: int) -> Any:
        """An item of zeros."""
        return jax.tree.map(lambda a: np.zeros((steps, *self.lead, *np.shape(a)), a.dtype), self.example)

    # -- on disk

    def notes(self) -> dict[str, Any]:
        looks = None if self.looks is None else [list(self.looks.shape), np.dtype(self.looks.dtype).name]
        return {"mask": None if self.mask is None else self.mask.tolist(), "looks": looks}

    def restore(self, notes: dict[str, Any]) -> None:
        self.mask = None if notes["mask"] is None else np.asarray(notes["mask"])
        self.looks = None if notes["looks"] is None else jax.ShapeDtypeStruct(*notes["looks"])


def _ranged(bounds: Any, name: str) -> Range:
    """(low, high) as arrays.

    Raises:
        ValueError: it is not a pair of numbers or arrays, or low lies above high.
    """
    if bounds is None:
        return -np.inf, np.inf
    try:
        low, high = bounds
        low, high = (
            np.asarray(-np.inf if low is None else low, float),
            np.asarray(np.inf if high is None else high, float),
        )
        fine = bool(np.all(low <= high))
    except (TypeError, ValueError):
        fine = False
    if not fine:
        raise ValueError(f"{name} is {bounds!r}; give (low, high), each a number, an array like one step, or None")
    return low, high


def weights_of(mask: Any) -> np.ndarray:
    """Weights of an item's steps `[T]`, of sum 1.

    Raises:
        ValueError: they are no row of finite numbers of at least 0, or all are 0.
    """
    mask = np.asarray(mask, float)
    if mask.ndim != 1 or not np.isfinite(mask).all() or (mask < 0).any() or not mask.sum() > 0:
        raise ValueError(f"mask has shape {mask.shape}; give one weight a step, [T], none below 0 and not all 0")
    return mask / mask.sum()


def _fitted(thing: Any, like: Any, lead: tuple[int | None, ...], bounds: Range, what: str) -> Any:
    """`thing` as NumPy arrays in the structure and types of `like`, whose shapes `lead` precedes (None: any length but 0).

    Raises:
        Skip: it is missing, of another structure, shape or type, not finite, or out of `bounds`.
    """
    if thing is None:
        raise Skip(f"{what} that is missing (a gap)")
    tree = jax.tree.structure(like)
    try:
        parts = tree.flatten_up_to(thing)
    except (ValueError, TypeError):
        raise Skip(f"{what} of another structure") from None
    found, likes = [_as(part, what) for part in parts], jax.tree.leaves(like)
    if not all(_fits(a.shape, (*lead, *one.shape)) for a, one in zip(found, likes)):
        raise Skip(f"{what} of another shape")
    if len({a.shape[: len(lead)] for a in found}) > 1:
        raise Skip(f"{what} whose parts differ in length")
    found = [_cast(a, one.dtype, what) for a, one in zip(found, likes)]
    if any(np.any((a < bounds[0]) | (a > bounds[1])) for a in found):
        raise Skip(f"{what} out of range")
    return jax.tree.unflatten(tree, found)


def _fits(shape: tuple[int, ...], want: tuple[int | None, ...]) -> bool:
    return len(shape) == len(want) and all(n > 0 if m is None else n == m for n, m in zip(shape, want))


def _like_of(thing: Any, what: str) -> Any:
    """Shape and type of the first of its kind; later ones are held to it."""
    a = _as(thing, what)
    return jax.ShapeDtypeStruct(a.shape, jax.dtypes.canonicalize_dtype(a.dtype))


def _as(part: Any, what: str) -> np.ndarray:
    try:
        array = np.asarray(part)
    except Exception:  # whatever a foreign object throws when it is asked for numbers
        raise Skip(f"{what} that is no array of numbers") from None
    if not (array.dtype.kind in "biuf" or jnp.issubdtype(array.dtype, jnp.floating)):
        raise Skip(f"{what} that is no array of numbers")
    return array


def _cast(a: np.ndarray, dtype: Any, what: str) -> np.ndarray:
    """In the type that is computed with, if nothing is lost but digits behind the point."""
    if jnp.issubdtype(a.dtype, jnp.floating) and not np.isfinite(np.asarray(a, float)).all():
        raise Skip(f"{what} not finite")
    with np.errstate(all="ignore"):
        cast = a.astype(dtype)
    if jnp.issubdtype(dtype, jnp.floating):
        if not np.isfinite(np.asarray(cast, float)).all():
            raise Skip(f"{what} out of range")
    elif np.any(cast != a):
        raise Skip(f"{what} of another type")
    return cast
