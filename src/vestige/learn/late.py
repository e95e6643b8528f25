"""Predictions that wait for their labels: the moment of each is kept, so that credit goes to what the network did then."""

from collections import deque
from collections.abc import Iterator
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from .._compat import is_float
from .events import Skip

Key = int | float | str


class Then(NamedTuple):
    """The moment before an item: states, trace and the rule's own memory; the item, and what the network said of it. Arrays are
    shared with the network as long as it holds them too, so a wait costs what has moved since."""

    state: Any
    trace: Any
    added: Any
    lasting: Any
    inputs: Any
    outputs: Any


class Waiting:
    """At most `limit` moments by key, oldest first; and why the keys of late are no longer among them."""

    def __init__(self, limit: int):
        self.limit = limit
        self.moments: dict[Key, tuple[int, Then]] = {}  # with the number of the item
        self.gone: dict[Key, str] = {}
        self._order: deque[Key] = deque()

    def __len__(self) -> int:
        return len(self.moments)

    def __iter__(self) -> Iterator[Key]:
        return iter(self.moments)

    def __contains__(self, key: Key) -> bool:
        return key in self.moments or key in self.gone

    def add(self, key: Key, number: int, moment: Then) -> bool:
        """Keep a moment; True if the oldest had to go for it."""
        full = len(self.moments) >= self.limit
        if full:
            oldest = next(iter(self.moments))
            del self.moments[oldest]
            self.close(oldest, "a label after its prediction was given up")
        self.moments[key] = number, moment
        return full

    def moment(self, key: Key) -> tuple[int, Then]:
        """The number of the item of that name, and the moment before it.

        Raises:
            Skip: no such item waits; says why, if that is still known.
        """
        if key not in self.moments:
            raise Skip(self.gone.get(key, "a label of an unknown item"))
        return self.moments[key]

    def take(self, key: Key) -> None:
        del self.moments[key]
        self.close(key, "a second label")

    def close(self, key: Key, reason: str) -> None:
        """Remember, for a while, what became of a key."""
        self.gone[key] = reason
        self._order.append(key)
        if len(self._order) > 4 * self.limit + 100:
            self.gone.pop(self._order.popleft(), None)

    # -- on disk

    def tree(self) -> list[Then]:
        return [moment for _, moment in self.moments.values()]

    def notes(self) -> dict[str, Any]:
        kept = [[key, number] for key, (number, _) in self.moments.items()]
        return {"kept": kept, "gone": [[key, self.gone[key]] for key in self._order]}

    def restore(self, notes: dict[str, Any], moments: list[Then]) -> None:
        self.moments = {key: (number, m) for (key, number), m in zip(notes["kept"], moments)}
        self.gone = dict(notes["gone"])
        self._order = deque(key for key, _ in notes["gone"])


def sound(new: Any, old: Any) -> jax.Array:
    """Has no number become infinite or NaN that was finite?"""
    pairs = zip(jax.tree.leaves(new), jax.tree.leaves(old))
    lost = [jnp.any(~jnp.isfinite(a) & jnp.isfinite(b)) for a, b in pairs if is_float(a)]
    return ~jnp.any(jnp.stack(lost)) if lost else jnp.asarray(True)
