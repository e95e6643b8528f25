"""Linear equations on a tree, by contraction: each round takes out nodes that do not touch, so rounds grow with log(N)."""

from dataclasses import dataclass
from functools import lru_cache

import jax
import jax.numpy as jnp
import numpy as np

MANY = 3  # children that may leave below one node in one round


@dataclass(frozen=True, eq=False)
class Round:
    """What leaves in one round, in this round's numbers: rows `N`, gone `G`, kept `K`.

    Attributes:
        gone, kept: rows `[G]`, `[K]`.
        up, down: parent, and only child if there is one (else 0), of what leaves `[G]`. has_child: `[G]`.
        above: place in `gone` of a kept row's parent, if it leaves (else 0) `[K]`. lifted: whether it does `[K]`.
        below: places in `gone` of the children that leave `[K, <= MANY]`. held: which of these are there.
        back: place of each row in `[kept, gone]`, `[N]`.
    """

    gone: np.ndarray
    kept: np.ndarray
    up: np.ndarray
    down: np.ndarray
    has_child: np.ndarray
    above: np.ndarray
    lifted: np.ndarray
    below: np.ndarray
    held: np.ndarray
    back: np.ndarray


def plan(parent: np.ndarray) -> tuple[Round, ...]:
    """Rounds that take out all nodes but the root.

    Leaves, and nodes with one child, may leave; no two that touch do so in one round.
    """
    rounds, parent = [], np.asarray(parent)
    while len(parent) > 1:
        this, parent = _round(parent)
        rounds.append(this)
    return tuple(rounds)


def _round(parent: np.ndarray) -> tuple[Round, np.ndarray]:
    N = len(parent)
    children: list[list[int]] = [[] for _ in range(N)]
    for node, up in enumerate(parent):
        if up >= 0:
            children[up].append(node)
    leaves = _leavers(parent, children)
    gone, kept = np.flatnonzero(leaves), np.flatnonzero(~leaves)
    place = np.zeros(N, int)
    place[gone], place[kept] = np.arange(len(gone)), np.arange(len(kept))
    only = np.array([children[i][0] if children[i] else -1 for i in gone])
    lost = [[place[c] for c in children[a] if leaves[c]] for a in kept]
    most = max(map(len, lost))
    up = parent[kept]
    lifted = (up >= 0) & leaves[up]
    back = np.where(leaves, len(kept) + place, place)
    new_up = np.where(lifted, parent[up], up)
    this = Round(
        gone, kept, parent[gone], np.maximum(only, 0), only >= 0, np.where(lifted, place[up], 0), lifted,
        np.array([row + [0] * (most - len(row)) for row in lost], int).reshape(len(kept), most),
        np.array([[True] * len(row) + [False] * (most - len(row)) for row in lost], bool).reshape(len(kept), most), back,
    )  # fmt: skip
    return this, np.where(new_up >= 0, place[new_up], -1)


def _leavers(parent: np.ndarray, children: list[list[int]]) -> np.ndarray:
    """A large set of nodes that may leave, chosen from the tips towards the root."""
    leaves = np.zeros(len(parent), bool)
    taken = np.zeros(len(parent), int)
    for node in _from_the_tips(parent, children):
        up = parent[node]
        few = len(children[node]) <= 1 and not any(leaves[c] for c in children[node])
        if up >= 0 and few and taken[up] < MANY:
            leaves[node] = True
            taken[up] += 1
    return leaves


def _from_the_tips(parent: np.ndarray, children: list[list[int]]) -> list[int]:
    order = [int(np.flatnonzero(parent < 0)[0])]
    for node in order:
        order.extend(children[node])
    return order[::-1]


@lru_cache(maxsize=64)
def _planned(parent: tuple[int, ...]) -> tuple[Round, ...]:
    return plan(np.array(parent))


def solve(parent: np.ndarray, leak: jax.Array, link: jax.Array, b: jax.Array) -> jax.Array:
    """Potentials of a tree of conductances.

        leak_i x_i + sum over neighbours j of g_ij (x_i - x_j) = b_i

    No difference of numbers of like size is ever formed, so single precision keeps its digits.

    Args:
        parent: node towards the root, `[N]`, -1 for the root.
        leak: at least 0, above 0 somewhere, `[..., N]`. link: conductance of the way to the parent, 0 for the root,
            `[N]` or `[..., N]`. b: `[..., N]`.

    Returns:
        x: `[..., N]`.
    """
    rounds = _planned(tuple(int(p) for p in parent))
    off = np.asarray(parent) >= 0
    up = np.where(off, parent, 0)

    def times(x: jax.Array) -> jax.Array:
        flow = link * off * (x - x[..., up])
        return leak * x + flow - jnp.zeros_like(x).at[..., up].add(flow)

    steps, last = _factored(rounds, jax.lax.stop_gradient(leak), jax.lax.stop_gradient(link))
    return jax.lax.custom_linear_solve(times, b, lambda _, b: _swept(rounds, steps, last, b), symmetric=True)


Factors = tuple[jax.Array, ...]


def _factored(rounds: tuple[Round, ...], leak: jax.Array, link: jax.Array) -> tuple[list[Factors], jax.Array]:
    """What each round passes on: shares of what leaves that go to those kept, and to whom it looks for its own value."""
    steps = []
    link = jnp.broadcast_to(link, leak.shape)
    for r in rounds:
        up = link[..., r.gone]
        down = jnp.where(r.has_child, link[..., r.down], 0.0)
        whole = leak[..., r.gone] + up + down
        to_up, to_down = up / whole, down / whole
        # a kept row's share of its parent that leaves, and of its children that do
        from_up = jnp.where(r.lifted, to_down[..., r.above], 0.0)
        from_down = [jnp.where(r.held[:, k], to_up[..., r.below[:, k]], 0.0) for k in range(r.held.shape[1])]
        steps.append((1.0 / whole, to_up, to_down, from_up, *from_down))
        lost = leak[..., r.gone]
        link = jnp.where(r.lifted, link[..., r.kept] * to_up[..., r.above], link[..., r.kept])
        leak = leak[..., r.kept] + _passed(r, from_up, from_down, lost)
    return steps, leak


def _passed(r: Round, from_up: jax.Array, from_down: list[jax.Array], x: jax.Array) -> jax.Array:
    total = from_up * x[..., r.above]
    for k, share in enumerate(from_down):
        total = total + share * x[..., r.below[:, k]]
    return total


def _swept(rounds: tuple[Round, ...], steps: list[Factors], last: jax.Array, b: jax.Array) -> jax.Array:
    """Down to the root, and back out."""
    lost = []
    for r, (_, _, _, from_up, *from_down) in zip(rounds, steps):
        lost.append(b[..., r.gone])
        b = b[..., r.kept] + _passed(r, from_up, from_down, lost[-1])
    x = b / last
    for r, (one, to_up, to_down, *_), b in zip(rounds[::-1], steps[::-1], lost[::-1]):
        place = r.back
        here = one * b + to_up * x[..., place[r.up]] + to_down * jnp.where(r.has_child, x[..., _kept(place, r)], 0.0)
        x = jnp.concatenate([x, here], -1)[..., place]
    return x


def _kept(place: np.ndarray, r: Round) -> np.ndarray:
    """Where the only child of what leaves stands among the kept; 0 where there is none."""
    return np.where(r.has_child, place[r.down], 0)
