"""What a learning rule is held against: the true gradient of a sequence, and the same with ways of credit cut."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from .._compat import is_float
from ..graph import Graph, plain_step, prelude
from ..graph.cuts import cut_step
from ..graph.report import Path
from .core import Carry
from .window import Loss

SAMPLES = 64  # elements of a parameter that finite differences look at

Step = Callable[[list[Any], list[Any], list[Any]], list[Any]]


class Truth(NamedTuple):
    """The true gradient of each float leaf by its number, at which of its elements, and how it was found."""

    values: dict[int, np.ndarray]
    at: dict[int, np.ndarray]
    method: str


@dataclass(frozen=True)
class Piece:
    """A sequence with its losses: what gradients are taken of."""

    graph: Graph
    params: Any
    carry: Carry
    inputs: Any
    targets: Any
    loss: Loss
    mask: Any = None
    mean: bool = False

    @property
    def steps(self) -> int:
        return jax.tree.leaves(self.inputs)[0].shape[0]

    def total(self, params: Any, one: Step) -> jax.Array:
        """The loss of the sequence as a plain function of the parameters; `one(frontier, state, x)` is the step, by leaves."""
        g, static = self.graph, prelude(self.graph, params)
        step = lambda h, x: jax.tree.unflatten(g.out_tree, one(static, jax.tree.leaves(h), jax.tree.leaves(x)))
        step = step if self.carry.batch_size is None else jax.vmap(step)

        def body(h: Any, now: Any) -> Any:
            x, target, m = now
            h, y = step(h, x)
            return h, self._weigh(y, target, m)

        losses = jax.lax.scan(body, self.carry.state, (self.inputs, self.targets, self.mask))[1]
        return losses.mean() if self.mean else losses.sum()

    def _weigh(self, y: Any, target: Any, m: Any) -> jax.Array:
        if m is None or m.ndim == 0:
            return self.loss(y, target) * (1 if m is None else m)
        return jnp.mean(jax.vmap(self.loss)(y, target) * m)

    def plain(self, params: Any) -> jax.Array:
        g = self.graph
        return self.total(params, lambda static, h, x: plain_step(g, static, h, x, g.program.outs))


def truth(piece: Piece) -> Truth:
    """Backpropagation through time; where reverse mode is impossible, central finite differences on samples."""
    leaves, tree = jax.tree.flatten(piece.params)
    at = {n: np.arange(np.size(p)) for n, p in enumerate(leaves) if is_float(jnp.asarray(p))}
    try:
        found = jax.tree.leaves(jax.jit(jax.grad(piece.plain, allow_int=True))(piece.params))
        return Truth({n: flat(found[n]) for n in at}, at, "BPTT")
    except ValueError as error:
        if "reverse-mode" not in str(error).lower():
            raise
    rng = np.random.default_rng(0)
    at = {n: np.sort(rng.permutation(a)[:SAMPLES]) for n, a in at.items()}
    f = jax.jit(piece.plain)
    return Truth({n: _finite_differences(f, leaves, tree, n, a) for n, a in at.items()}, at, "finite differences")


def cut_gradients(piece: Piece, paths: tuple[Path, ...]) -> Callable[[np.ndarray], dict[int, np.ndarray]]:
    """The gradient of each float leaf, by which of the paths are kept: `keep [len(paths)]`, booleans. Compiled once."""

    def total(params: Any, keep: jax.Array) -> jax.Array:
        return piece.total(params, lambda static, h, x: cut_step(piece.graph, paths, keep, static, h, x))

    grad = jax.jit(jax.grad(total, allow_int=True))
    leaves = lambda keep: enumerate(jax.tree.leaves(grad(piece.params, jnp.asarray(keep))))
    return lambda keep: {n: flat(g) for n, g in leaves(keep) if is_float(g)}


def flat(a: Any) -> np.ndarray:
    return np.asarray(a, float).reshape(-1)


def _finite_differences(f: Any, leaves: list[Any], tree: Any, n: int, at: np.ndarray) -> np.ndarray:
    """Central differences of `f` by the elements `at` of leaf `n`."""
    leaf = jnp.asarray(leaves[n])
    eps = float(jnp.finfo(leaf.dtype).eps) ** (1 / 3)

    def value(i: int, by: float) -> float:
        moved = leaf.reshape(-1).at[i].add(by).reshape(leaf.shape)
        return float(f(jax.tree.unflatten(tree, [*leaves[:n], moved, *leaves[n + 1 :]])))

    widths = [eps * max(1.0, abs(float(leaf.reshape(-1)[i]))) for i in at]
    return np.array([(value(i, h) - value(i, -h)) / (2 * h) for i, h in zip(at, widths)])
