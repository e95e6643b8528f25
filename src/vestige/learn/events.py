"""What a stream is made of: items, labels, and what is said of them."""

from typing import Any, NamedTuple

import numpy as np


class Item(NamedTuple):
    """One piece of a stream, to be predicted.

    `x`: `[T, ...]`, or `[T, B, ...]` for a batched learner (a tuple if the model takes several inputs); None is a gap.
    `label`: of this item, if it is known already. `key`: a number or a text by which a late label names this item; None: its
    place among the items of the source, from 0.
    """

    x: Any
    label: Any = None
    key: Any = None


class Label(NamedTuple):
    """The label of an item that went by before."""

    key: Any
    label: Any


class Seen(NamedTuple):
    """What was said of an item. `loss` and `score` are None until its label is there; `late`: items between the two."""

    key: Any
    prediction: Any
    label: Any = None
    loss: float | None = None
    score: float | None = None
    late: int = 0


class Skip(Exception):
    """This event cannot be used; the message is the reason."""


def event_of(thing: Any) -> Item | Label:
    """An event of a source; a pair is an item with its label."""
    if isinstance(thing, (Item, Label)):
        return thing
    if isinstance(thing, tuple) and len(thing) == 2:
        return Item(*thing)
    raise Skip("neither an item nor a label")


def key_of(key: Any) -> int | float | str:
    key = key.item() if isinstance(key, np.generic) else key
    if not isinstance(key, (int, float, str)) or key != key:
        raise Skip("a key that is neither a number nor a text")
    return key
