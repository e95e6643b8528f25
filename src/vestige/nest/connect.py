"""Who is connected with whom: NEST's rules of connection, and how spikes become summed weights under each."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import saiunit as u

from ..neurons.integrate import Value
from ..nn.functional import element_wise, matmul, sparse_matmul

Fn = Callable[[Value], Value]


@dataclass(frozen=True, eq=False)
class Listed:
    """Connections one by one, from `rows` to `cols`; weights like `shape`, or one for all."""

    rows: np.ndarray
    cols: np.ndarray
    n_pre: int
    n_post: int
    shape: tuple[int, ...]

    def product(self, x: Value, weight: Value, sign: Fn) -> Value:
        """`[..., n_pre]` to `[..., n_post]`."""
        each = lambda w: u.math.broadcast_to(sign(w), self.shape).reshape(-1)
        return sparse_matmul(x, each(weight), (self.rows, self.cols, (self.n_pre, self.n_post)))

    def listed(self) -> "Listed":
        return self


@dataclass(frozen=True, eq=False)
class Dense:
    """Every source with every target; weights `[n_pre, n_post]`, times `mask` if there is one."""

    n_pre: int
    n_post: int
    mask: np.ndarray | None = None

    @property
    def shape(self) -> tuple[int, int]:
        return self.n_pre, self.n_post

    def product(self, x: Value, weight: Value, sign: Fn) -> Value:
        if u.math.ndim(weight) == 0 and self.mask is None:  # a sum serves all targets
            return Blocks((self.n_pre,), (self.n_post,)).product(x, weight, sign)
        masked = lambda w: w if self.mask is None else w * self.mask
        return matmul(x, masked(u.math.broadcast_to(sign(weight), self.shape)))

    def listed(self) -> Listed:
        if self.mask is not None:
            raise ValueError("delays of each connection need autapses, or `from_indices` without them")
        rows, cols = np.indices(self.shape).reshape(2, -1)
        return Listed(rows, cols, self.n_pre, self.n_post, self.shape)


@dataclass(frozen=True, eq=False)
class Blocks:
    """Populations one after the other on both sides, and one weight for each pair of them, `[P, Q]`.

    Costs as much as there are neurons, not connections: a source's spikes are summed by its population first.
    """

    pre: tuple[int, ...]
    post: tuple[int, ...]

    @property
    def shape(self) -> tuple[int, int]:
        return len(self.pre), len(self.post)

    def sums(self, x: Value) -> Value:
        """`[..., n_pre]` to `[..., P]`."""
        ends = np.cumsum(self.pre)
        return u.math.stack([x[..., b - a : b].sum(-1) for a, b in zip(self.pre, ends)], -1)

    def spread(self, weight: Value) -> Value:
        """`[P, Q]` to `[P, n_post]`."""
        return u.math.broadcast_to(weight, self.shape)[:, np.repeat(np.arange(len(self.post)), self.post)]

    def product(self, x: Value, weight: Value, sign: Fn) -> Value:
        return matmul(self.sums(x), self.spread(sign(weight)))

    def listed(self) -> Listed:
        raise ValueError(
            "populations with one weight a pair have one delay; give one, or make a projection for each pair"
        )


@dataclass(frozen=True, eq=False)
class Pairs:
    """Source n with target n alone; weights `[n]`."""

    n: int

    @property
    def shape(self) -> tuple[int]:
        return (self.n,)

    def product(self, x: Value, weight: Value, sign: Fn) -> Value:
        return element_wise(u.math.broadcast_to(sign(weight), self.shape), x)

    def listed(self) -> Listed:
        every = np.arange(self.n)
        return Listed(every, every, self.n, self.n, self.shape)


Layout = Listed | Dense | Blocks | Pairs
Connect = Callable[[int, int], Layout]


def later(layout: Layout, which: np.ndarray, kinds: int) -> Listed:
    """Connections that read from `kinds` copies of the sources, laid end to end: copy `which` of each connection."""
    flat = layout.listed()
    return replace(flat, rows=flat.rows + which.reshape(-1) * flat.n_pre, n_pre=kinds * flat.n_pre)


def all_to_all(allow_autapses: bool = True) -> Connect:
    """Every source with every target; weights: one, or `[n_pre, n_post]` (zero where there is no connection).

    Without autapses neuron n has no connection with itself; both sides are then the same population.
    """

    def connect(n_pre: int, n_post: int) -> Dense:
        if allow_autapses:
            return Dense(n_pre, n_post)
        _same(n_pre, n_post, "all_to_all(allow_autapses=False)")
        return Dense(n_pre, n_post, 1.0 - np.eye(n_pre))

    return connect


def one_to_one() -> Connect:
    """Source n with target n; weights: one, or `[n]`."""

    def connect(n_pre: int, n_post: int) -> Pairs:
        _same(n_pre, n_post, "one_to_one")
        return Pairs(n_pre)

    return connect


def fixed_indegree(indegree: int, seed: int = 0, allow_multapses: bool = True, allow_autapses: bool = True) -> Connect:
    """Each target draws `indegree` sources; weights: one, or `[n_post * indegree]`, target after target.

    Args:
        allow_multapses: may a source be drawn twice by one target?
        allow_autapses: may neuron n draw itself? Both sides are the same population.
    """
    if not isinstance(indegree, (int, np.integer)) or indegree < 0:
        raise ValueError(f"fixed_indegree: indegree is {indegree!r}; it is a whole number, and not negative")

    def connect(n_pre: int, n_post: int) -> Listed:
        if not allow_autapses:
            _same(n_pre, n_post, "fixed_indegree(allow_autapses=False)")
        free = n_pre - (not allow_autapses)
        if indegree > free * (1 if not allow_multapses else np.inf if free else 0):
            raise ValueError(
                f"fixed_indegree: {indegree} sources for each target, and there are {free} to draw from; "
                "draw fewer, or allow multapses"
            )
        draw = np.random.default_rng(seed)
        one = lambda: draw.choice(free, indegree, replace=allow_multapses)
        rows = np.array([one() for _ in range(n_post)], int).reshape(n_post, indegree)
        if not allow_autapses:  # who draws itself or a later one takes the next
            rows = rows + (rows >= np.arange(n_post)[:, None])
        return _listed(rows.reshape(-1), np.repeat(np.arange(n_post), indegree), n_pre, n_post)

    return connect


def from_indices(sources: np.ndarray, targets: np.ndarray) -> Connect:
    """Connection k goes from `sources[k]` to `targets[k]`; weights: one, or `[k]`. Pairs may repeat."""
    return lambda n_pre, n_post: _listed(np.asarray(sources), np.asarray(targets), n_pre, n_post)


def from_csr(indices: np.ndarray, indptr: np.ndarray) -> Connect:
    """Source n has the targets `indices[indptr[n] : indptr[n + 1]]`; weights: one, or like `indices`."""

    def connect(n_pre: int, n_post: int) -> Listed:
        ends = np.asarray(indptr)
        if ends.shape != (n_pre + 1,) or ends[0] != 0 or ends[-1] != len(indices) or (np.diff(ends) < 0).any():
            raise ValueError(
                f"from_csr: indptr has the shape {ends.shape}; it is [{n_pre + 1}], rises from 0 to {len(indices)}, "
                "the number of connections"
            )
        return _listed(np.repeat(np.arange(n_pre), np.diff(ends)), np.asarray(indices), n_pre, n_post)

    return connect


def from_mask(mask: np.ndarray) -> Connect:
    """A connection where `mask [n_pre, n_post]` is not zero; weights: one, or one each in the order of rows."""

    def connect(n_pre: int, n_post: int) -> Listed:
        if np.shape(mask) != (n_pre, n_post):
            raise ValueError(f"from_mask: the mask has the shape {np.shape(mask)}; it is [{n_pre}, {n_post}]")
        return _listed(*np.nonzero(mask), n_pre, n_post)

    return connect


def blocks(pre: Sequence[int], post: Sequence[int]) -> Connect:
    """Populations of these sizes, one after the other, all-to-all with one weight for each pair: one, or `[P, Q]`."""

    def connect(n_pre: int, n_post: int) -> Blocks:
        if (sum(pre), sum(post)) != (n_pre, n_post):
            raise ValueError(
                f"blocks: sizes {tuple(pre)} and {tuple(post)} add up to {sum(pre)} sources and {sum(post)} targets; "
                f"there are {n_pre} and {n_post}"
            )
        return Blocks(tuple(pre), tuple(post))

    return connect


def _listed(rows: np.ndarray, cols: np.ndarray, n_pre: int, n_post: int) -> Listed:
    if rows.shape != cols.shape or rows.ndim != 1:
        raise ValueError(f"sources {rows.shape} and targets {cols.shape} must be two lists of one length")
    for which, n, what in ((rows, n_pre, "source"), (cols, n_post, "target")):
        if not np.issubdtype(which.dtype, np.integer) and which.size:
            raise ValueError(f"{what}s are {which.dtype}; they are counted in whole numbers from 0")
        wrong = which[(which < 0) | (which >= n)]
        if wrong.size:
            raise ValueError(f"{what} {wrong[0]} does not exist; there are {n}, counted from 0")
    return Listed(rows.astype(int), cols.astype(int), n_pre, n_post, rows.shape)


def _same(n_pre: int, n_post: int, what: str) -> None:
    if n_pre != n_post:
        raise ValueError(f"{what} needs as many sources as targets; there are {n_pre} and {n_post}")
