"""Linear equations on a tree, by contraction: each round takes out nodes that do not touch, so rounds grow with log(N)."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import jax
import jax.numpy as jnp
import numpy as np
from jax.custom_derivatives import SymbolicZero

MANY = 3  # children that may leave below one node in one round


@dataclass(frozen=True, eq=False)
class Round:
    """What leaves in one round: the first `gone` of its rows; those kept follow.

    Of what leaves, `[gone]`: `up`, `down`, its parent and only child among the kept (the root, whose way up is 0, for none).
    Of what is kept, `[m, K]`: `lost`, its parent and children that leave; `[m + 1, K]`: `share`, where among
    `[to_up, to_down, 1]` of what leaves stands what it takes of each of them, and then of its parent's way up.
    """

    gone: int
    up: np.ndarray
    down: np.ndarray
    lost: np.ndarray
    share: np.ndarray


@dataclass(frozen=True, eq=False)
class Plan:
    """Rounds that take out all nodes but the root, the order in which nodes leave, and 0 at the root, else 1, `[N]`."""

    rounds: tuple[Round, ...]
    order: np.ndarray
    back: np.ndarray
    off: np.ndarray


def plan(parent: np.ndarray) -> Plan:
    """Leaves, and nodes with one child, may leave; no two that touch do so in one round."""
    parent = np.asarray(parent)
    names, up, sets, trees = np.arange(len(parent)), parent, [], []
    while len(up) > 1:
        leaves = _leavers(up, _children(up))
        sets.append(names[leaves])
        trees.append((names, up))
        names, up = names[~leaves], _without(up, leaves)
    order = np.concatenate([*sets, names])
    back = np.argsort(order)
    starts = np.cumsum([0, *map(len, sets)])
    return Plan(
        tuple(_round(*t, back - start, len(s)) for t, s, start in zip(trees, sets, starts)), order, back, parent >= 0
    )


def _children(parent: np.ndarray) -> list[list[int]]:
    children: list[list[int]] = [[] for _ in parent]
    for node, up in enumerate(parent):
        if up >= 0:
            children[up].append(node)
    return children


def _without(parent: np.ndarray, leaves: np.ndarray) -> np.ndarray:
    """Parents of those kept, in the numbers of those kept."""
    place, up = np.cumsum(~leaves) - 1, parent[~leaves]
    up = np.where((up >= 0) & leaves[up], parent[up], up)
    return np.where(up >= 0, place[up], -1)


def _leavers(parent: np.ndarray, children: list[list[int]]) -> np.ndarray:
    """A large set of nodes that may leave, chosen from the tips towards the root."""
    leaves = np.zeros(len(parent), bool)
    taken = np.zeros(len(parent), int)
    order = [int(np.flatnonzero(parent < 0)[0])]
    for node in order:
        order.extend(children[node])
    for node in order[::-1]:
        up = parent[node]
        few = len(children[node]) <= 1 and not any(leaves[c] for c in children[node])
        if up >= 0 and few and taken[up] < MANY:
            leaves[node] = True
            taken[up] += 1
    return leaves


def _round(names: np.ndarray, parent: np.ndarray, row: np.ndarray, gone: int) -> Round:
    """`row`: the place of every node in the order of leaving, counted from this round's first."""
    at, up = row[names], np.where(parent >= 0, row[names][parent], -1)
    kept = len(names) - gone
    down, lift = np.full(gone, kept - 1), np.full(kept, 2 * gone)
    lost: list[list[tuple[int, int]]] = [[] for _ in range(kept)]
    for here, there in zip(at, up):
        if here < gone:
            lost[there - gone].append((here, here))
        elif 0 <= there < gone:
            down[there], lift[here - gone] = here - gone, there
            lost[here - gone].append((there, gone + there))
    # a tip passes nothing down, so what it passes fills the short lists
    tip = int(np.setdiff1d(np.arange(gone), up)[0])
    most = max(map(len, lost))
    full = np.array([row + [(tip, gone + tip)] * (most - len(row)) for row in lost])
    parents = up[np.argsort(at)][:gone] - gone
    return Round(gone, parents, down, full[..., 0].T, np.concatenate([full[..., 1].T, lift[None]]))


@lru_cache(maxsize=64)
def _solver(parent: tuple[int, ...]) -> Callable[..., jax.Array]:
    way = plan(np.array(parent))

    @jax.custom_jvp
    def solver(leak: jax.Array, link: jax.Array, b: jax.Array) -> jax.Array:
        return _swept(way, leak, link, b)

    def push(values: tuple[jax.Array, ...], tangents: tuple[jax.Array, ...]) -> tuple[jax.Array, jax.Array]:
        leak, link, b = values
        dleak, dlink, db = tangents
        x = _swept(way, leak, link, b)
        rest = jnp.zeros_like(x) if isinstance(db, SymbolicZero) else db
        rest = rest if isinstance(dleak, SymbolicZero) else rest - dleak * x
        rest = rest if isinstance(dlink, SymbolicZero) else rest - times(np.array(parent), 0.0, dlink, x)
        # symmetric: the solution's transpose is the solution itself
        sweep = lambda _, b: _swept(way, leak, link, b)
        return x, jax.lax.custom_linear_solve(
            lambda x: times(np.array(parent), leak, link, x), rest, sweep, symmetric=True
        )

    solver.defjvp(push, symbolic_zeros=True)
    return solver


def times(parent: np.ndarray, leak: jax.Array | float, link: jax.Array, x: jax.Array) -> jax.Array:
    """What flows out of each node, `leak_i x_i + sum_j g_ij (x_i - x_j)`: what `solve` inverts."""
    flow = link * (parent >= 0) * (x - x[..., np.maximum(parent, 0)])
    return leak * x + flow - jnp.zeros_like(flow).at[..., np.maximum(parent, 0)].add(flow)


def solve(parent: np.ndarray, leak: jax.Array, link: jax.Array, b: jax.Array) -> jax.Array:
    """Potentials of a tree of conductances.

        leak_i x_i + sum over neighbours j of g_ij (x_i - x_j) = b_i

    No difference of numbers of like size is ever formed, so single precision keeps its digits. Derivatives, forward and
    reverse, are one more such solution each; nothing of the rounds is differentiated.

    Args:
        parent: node towards the root, `[N]`, -1 for the root.
        leak: at least 0, above 0 somewhere, `[..., N]`. link: conductance of the way to the parent, 0 for the root,
            `[N]` or `[..., N]`. b: `[..., N]`.

    Returns:
        x: `[..., N]`.
    """
    return _solver(tuple(int(p) for p in parent))(*map(jnp.asarray, (leak, link, b)))


def _swept(way: Plan, leak: jax.Array, link: jax.Array, b: jax.Array) -> jax.Array:
    """Down to the root, and back out, on rows of nodes: what trails is neurons, so that every access is a row."""
    leak, link, b = (_rows(jnp.moveaxis(a, -1, 0), way.order) for a in (leak, link * way.off, b))
    link = link.reshape(len(link), *[1] * (leak.ndim - link.ndim), *link.shape[1:])
    lost = []
    for r in way.rounds:
        link, leak, b, out = _taken_out(r, link, leak, b)
        lost.append(out)
    x = b / leak
    for r, (to_up, to_down, alone) in zip(way.rounds[::-1], lost[::-1]):
        x = jnp.concatenate([alone + to_up * _rows(x, r.up) + to_down * _rows(x, r.down), x])
    return jnp.moveaxis(_rows(x, way.back), 0, -1)


def _taken_out(
    r: Round, link: jax.Array, leak: jax.Array, b: jax.Array
) -> tuple[jax.Array, jax.Array, jax.Array, tuple[jax.Array, jax.Array, jax.Array]]:
    """A round on its rows: the tree without what leaves; and of what leaves, its shares and its value where both ends are 0."""
    up, down = link[: r.gone], _rows(link[r.gone :], r.down)
    one = 1.0 / (leak[: r.gone] + up + down)
    to_up, to_down = up * one, down * one
    shares = _rows(jnp.concatenate([to_up, to_down, jnp.ones_like(one[:1])]), r.share)
    passed = lambda a: a[r.gone :] + (shares[:-1] * _rows(a[: r.gone], r.lost)).sum(0)
    return link[r.gone :] * shares[-1], passed(leak), passed(b), (to_up, to_down, b[: r.gone] * one)


def _rows(x: jax.Array, at: np.ndarray) -> jax.Array:
    """`x[at]`, as one equation."""
    trailing = tuple(range(at.ndim, at.ndim + x.ndim - 1))
    numbers = jax.lax.GatherDimensionNumbers(trailing, collapsed_slice_dims=(0,), start_index_map=(0,))
    index = at[..., None].astype(np.int32)
    return jax.lax.gather(x, index, numbers, (1, *x.shape[1:]), mode="promise_in_bounds")
