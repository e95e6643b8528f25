"""How the elements of one array lie over the positions of a population: position and slot of each."""

from dataclasses import dataclass
from functools import cached_property

import jax
import jax.numpy as jnp
import numpy as np

from .components import distinct, ordinal

Shape = tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Layout:
    """Element `i` of an array is slot `slot[i]` of position `pos[i]` (-1: of none); `P` positions, `depth` slots."""

    shape: Shape
    pos: np.ndarray
    slot: np.ndarray
    depth: int
    P: int

    @staticmethod
    def of(pos: np.ndarray, shape: Shape, P: int) -> "Layout":
        pos = np.asarray(pos).reshape(-1)
        slot = np.where(pos >= 0, ordinal(pos), -1)
        return Layout(tuple(shape), pos, slot, int(slot.max(initial=-1)) + 1, P)

    @property
    def out(self) -> Shape:
        """Shape of the unshared output: one entry per value that a position receives."""
        return self.shape

    @property
    def positions(self) -> np.ndarray:
        """The position of each entry of the unshared output, `[*out]`."""
        return self.pos.reshape(self.shape)

    @cached_property
    def order(self) -> str | None:
        """`rows`: slots vary fastest; `cols`: positions do; both fold by a reshape. None: by index."""
        n = np.arange(self.pos.size)
        if self.pos.size != self.depth * self.P:
            return None
        if (self.pos == n % self.P).all() and (self.slot == n // self.P).all():
            return "cols"
        if (self.pos == n // self.depth).all() and (self.slot == n % self.depth).all():
            return "rows"
        return None

    def basis(self, dtype: jnp.dtype) -> jax.Array:
        """Tangents `[depth, *shape]`: one in slot `s` of every position."""
        hit = np.arange(self.depth)[:, None] == self.slot
        if hit.all():
            return jnp.ones((self.depth, *self.shape), dtype)
        return jnp.asarray(hit.reshape(self.depth, *self.shape), dtype)

    def fold(self, v: jax.Array) -> jax.Array:
        """`[..., *shape]` -> `[..., depth, P]`."""
        lead = v.shape[: v.ndim - len(self.shape)]
        if self.order == "rows":
            return jnp.swapaxes(v.reshape(*lead, self.P, self.depth), -1, -2)
        if self.order == "cols":
            return v.reshape(*lead, self.depth, self.P)
        at = np.full((self.depth, self.P), -1)
        ok = self.pos >= 0
        at[self.slot[ok], self.pos[ok]] = np.flatnonzero(ok)
        return jnp.where(at >= 0, v.reshape(*lead, -1)[..., np.maximum(at, 0)], 0)

    def unfold(self, v: jax.Array) -> jax.Array:
        """`[..., depth, P]` -> `[..., *out]`."""
        lead = v.shape[:-2]
        if self.order == "rows":
            return jnp.swapaxes(v, -1, -2).reshape(*lead, *self.shape)
        if self.order == "cols":
            return v.reshape(*lead, *self.shape)
        flat = v.reshape(*lead, -1)[..., np.maximum(self.slot * self.P + self.pos, 0)]
        return jnp.where(self.pos >= 0, flat, 0).reshape(*lead, *self.shape)

    def spread(self, v: jax.Array) -> jax.Array:
        """One value per position, `[..., P]`, on every element that belongs to it: `[..., *out]`."""
        return self.unfold(jnp.broadcast_to(v[..., None, :], (*v.shape[:-1], self.depth, self.P)))

    def gather(self, v: jax.Array) -> jax.Array:
        """`[..., *out]` -> `[..., depth, P]`: the inverse of `unfold`."""
        return self.fold(v)

    def share(self, v: jax.Array) -> jax.Array:
        """`[..., *out]` -> `[..., *shape]`: what the copies of a shared value received, summed."""
        return v


@dataclass(frozen=True, eq=False)
class OwnLayout(Layout):
    """A parameter's elements in colours: of one colour, a position has one of its own at most, `where[c, p]`."""

    where: np.ndarray

    @staticmethod
    def color(elements: np.ndarray, positions: np.ndarray, shape: Shape, P: int, limit: int) -> "OwnLayout | None":
        """From pairs (element, position that reads it). None: some position reads more than `limit`."""
        if not len(elements) or np.bincount(positions, minlength=P).max() > limit:
            return None
        slot = _colors(elements, positions, int(np.prod(shape)), P)
        depth = int(slot[elements].max()) + 1
        where = np.full((depth, P), -1)
        where[slot[elements], positions] = elements
        used = np.full(len(slot), -1)
        used[elements] = slot[elements]
        return OwnLayout(tuple(shape), used, used, depth, P, where)

    @property
    def out(self) -> Shape:
        return (self.depth, self.P)

    @property
    def positions(self) -> np.ndarray:
        return np.where(self.where >= 0, np.arange(self.P), -1)

    @cached_property
    def plain(self) -> bool:
        """Does each element belong to one position, in order? Then nothing is gathered or scattered."""
        return self.where.size == self.pos.size and (self.where.reshape(-1) == np.arange(self.where.size)).all()

    def fold(self, v: jax.Array) -> jax.Array:
        lead = v.shape[: v.ndim - len(self.shape)]
        if self.plain:
            return v.reshape(*lead, *self.out)
        return jnp.where(self.where >= 0, v.reshape(*lead, -1)[..., np.maximum(self.where, 0)], 0)

    def unfold(self, v: jax.Array) -> jax.Array:
        return v

    def gather(self, v: jax.Array) -> jax.Array:
        return v

    def share(self, v: jax.Array) -> jax.Array:
        lead = v.shape[:-2]
        if self.plain:
            return v.reshape(*lead, *self.shape)
        hit = jnp.where(self.where >= 0, v, 0).reshape(*lead, -1)
        flat = jnp.zeros((*lead, int(np.prod(self.shape))), v.dtype)
        return flat.at[..., np.maximum(self.where, 0).reshape(-1)].add(hit).reshape(*lead, *self.shape)


def _colors(elements: np.ndarray, positions: np.ndarray, n: int, P: int) -> np.ndarray:
    """A colour per element; elements that one position reads differ."""
    order = np.lexsort((elements, positions))
    e, p = elements[order], positions[order]
    slot = np.zeros(n, int)
    np.maximum.at(slot, e, ordinal(p))
    if len(distinct(slot[e] * P + p)) == len(p):
        return slot
    # elements that overlap in part: greedy, each takes the least colour that its positions have free
    by = np.lexsort((p, e))
    e, p = e[by], p[by]
    taken: set[tuple[int, int]] = set()
    for own in np.split(np.arange(len(e)), np.flatnonzero(np.diff(e)) + 1):
        c = next(c for c in range(n) if not any((c, q) in taken for q in p[own]))
        slot[e[own[0]]] = c
        taken.update((c, q) for q in p[own])
    return slot


def dense_layout(shape: Shape) -> Layout:
    """Every element a slot of the one position: nothing is known of the structure."""
    return Layout.of(np.zeros(int(np.prod(shape)), int), shape, 1)
