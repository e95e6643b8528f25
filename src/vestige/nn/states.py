"""States whose history a gradient may have to remember: one variable, a group on the last axis, a tree of variables."""

import brainstate
import jax
import numpy as np
import saiunit as u

Array = jax.Array | np.ndarray | u.Quantity
Tree = dict | list | tuple


class ETraceState(brainstate.HiddenState):
    """One state variable of a population; a `brainstate.HiddenState` under the name that the tutorials use.

    Args:
        value: array or quantity `[*varshape]`.

    Attributes:
        varshape: the shape of the population, here all of the value's axes.
        num_state: state variables per position, here 1.

    Raises:
        TypeError: the value is no array (lists and Python numbers have no dtype to keep).
    """

    __module__ = "vestige"


class ETraceGroupState(ETraceState, brainstate.HiddenGroupState):
    """Several variables of one kind and unit, stacked on the last axis: the voltages of a neuron's compartments.

    Args:
        value: array or quantity `[*varshape, num_state]`.

    Attributes:
        varshape: all axes but the last.
        num_state: length of the last axis.

    `get_value(i)` and `get_value("i")` read variable `i` as `[*varshape]`; `set_value({i: value})` writes some of them.

    Raises:
        ValueError: the value has fewer than two axes, or a written part the wrong shape.
        IndexError, KeyError: there is no such variable.
    """

    __module__ = "vestige"


class ETraceTreeState(ETraceState):
    """Several variables with a unit, dtype and shape of their own, in one tree.

    `value` is the tree itself, units included, so `state.value["V"]` has its unit and any JAX function may map over it.

    Args:
        value: dict, list or tuple (nested if need be) of arrays or quantities; all share their leading axes.

    Attributes:
        varshape: the leading axes that all leaves share.
        num_state: variables per position; a leaf `[*varshape]` counts 1, a leaf `[*varshape, 3]` counts 3.
        names: the leaves' paths, joined by dots, in the order given.

    Raises:
        TypeError: the value is no tree, or a leaf no array.
        KeyError, IndexError: there is no such leaf.
        ValueError: a written part has another shape; `saiunit.UnitMismatchError`: another dimension.
    """

    __module__ = "vestige"

    def __init__(self, value: Tree, name: str | None = None, **metadata) -> None:
        super().__init__(value, name=name, **metadata)
        self._setattr_no_check("names", tuple(_paths(value)))

    def _check_value(self, value: Tree) -> None:
        if not isinstance(value, (dict, list, tuple)):
            raise TypeError(
                f"ETraceTreeState holds a dict or list of arrays, not {type(value).__name__}; ETraceState one array"
            )
        for path in _paths(value):
            leaf = _at(value, path)
            if not isinstance(leaf, (jax.Array, np.ndarray, u.Quantity)):
                raise TypeError(
                    f"leaf '{path}' of the state tree is {type(leaf).__name__}; give an array or a quantity"
                )

    @property
    def varshape(self) -> tuple[int, ...]:
        shapes = [_at(self.value, p).shape for p in self.names]
        common = 0
        while all(len(s) > common for s in shapes) and len({s[common] for s in shapes}) == 1:
            common += 1
        return tuple(shapes[0][:common])

    @property
    def num_state(self) -> int:
        axes = len(self.varshape)
        return sum(int(np.prod(_at(self.value, p).shape[axes:], dtype=int)) for p in self.names)

    def get_value(self, item: int | str) -> Array:
        """One leaf, by its path (`"V"`, `"dendrite.V"`) or by its place in `names`."""
        return _at(self.value, self._path(item))

    def set_value(self, values: dict[int | str, Array] | list[Array] | tuple[Array, ...]) -> None:
        """Write some leaves (a dict by path or place) or all of them (a list), each in the unit that it has."""
        parts = values if isinstance(values, dict) else dict(enumerate(values))
        if not isinstance(values, dict) and len(parts) != len(self.names):
            raise ValueError(
                f"{len(parts)} values for the {len(self.names)} leaves {self.names}; give a dict to set some"
            )
        tree = self.value
        for item, new in parts.items():
            path = self._path(item)
            tree = _put(tree, path.split("."), _like(new, _at(tree, path), path))
        self.value = tree

    def _path(self, item: int | str) -> str:
        if isinstance(item, str):
            if item not in self.names:
                raise KeyError(f"no leaf '{item}' in this state; it has {self.names}")
            return item
        if not -len(self.names) <= item < len(self.names):
            raise IndexError(f"no leaf {item} in this state; it has {len(self.names)}: {self.names}")
        return self.names[item]


def _paths(tree: Tree, prefix: str = "") -> list[str]:
    """Paths of the leaves in the order given; jax.tree would sort the keys of a dict."""
    items = tree.items() if isinstance(tree, dict) else enumerate(tree)
    each = [_paths(v, f"{prefix}{k}.") if isinstance(v, (dict, list, tuple)) else [f"{prefix}{k}"] for k, v in items]
    return [path for paths in each for path in paths]


def _key(tree: Tree, step: str) -> int | str:
    """A path's step as this node's key: a number in a list, in a dict the key that prints so."""
    return next(k for k in tree if str(k) == step) if isinstance(tree, dict) else int(step)


def _at(tree: Tree, path: str) -> Array:
    for step in path.split("."):
        tree = tree[_key(tree, step)]
    return tree


def _put(tree: Tree, steps: list[str], leaf: Array) -> Tree:
    here, new = _key(tree, steps[0]), leaf if len(steps) == 1 else None
    if new is None:
        new = _put(tree[_key(tree, steps[0])], steps[1:], leaf)
    if isinstance(tree, dict):
        return {k: new if k == here else v for k, v in tree.items()}
    return type(tree)(new if n == here else v for n, v in enumerate(tree))


def _like(new: Array, old: Array, path: str) -> Array:
    if u.math.shape(new) != old.shape:
        raise ValueError(f"leaf '{path}' has shape {old.shape}; the value to write has {u.math.shape(new)}")
    unit = u.get_unit(old)
    if unit.is_unitless:
        return jax.numpy.asarray(u.Quantity(new).to_decimal(u.UNITLESS))
    return u.Quantity(new).in_unit(unit)
