"""How far a rule's gradient is from the truth, parameter by parameter."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from .._compat import is_float
from ..graph import Graph, plain_step, prelude
from . import _bridge as bridge
from .core import Carry, gradients
from .learner import Learner
from .window import Loss

SAMPLES = 64  # elements of a parameter that finite differences look at


@dataclass(frozen=True)
class Row:
    """One parameter: angle and size of the online gradient against the true one."""

    name: str
    cosine: float
    ratio: float
    online: float
    true: float

    @property
    def note(self) -> str:
        if self.online == 0 and self.true == 0:
            return "both are zero"
        if self.online == 0:
            return "online gradient is zero"
        return "exact" if self.cosine > 1 - 1e-6 and abs(self.ratio - 1) < 1e-3 else ""


@dataclass(frozen=True)
class Audit:
    """What `audit` found; printable. `method` says what the truth was: reverse mode, or finite differences on samples."""

    rows: tuple[Row, ...]
    method: str
    firing: dict[str, float]
    dropped: tuple[str, ...]

    def __str__(self) -> str:
        width = max([9, *(len(r.name) for r in self.rows)])
        lines = [f"{'parameter':{width}}  cosine   |online|/|true|   against {self.method}"]
        lines += [f"{r.name:{width}}  {r.cosine:6.4f}   {r.ratio:15.4f}   {r.note}" for r in self.rows]
        lines += [f"firing rate of {p}: {rate:.4f} per step" for p, rate in self.firing.items()]
        return "\n".join([*lines, *(f"dropped: {d}" for d in self.dropped)])


def audit(learner: Learner, xs: Any, targets: Any, loss: Loss, window: int | None = 64) -> Audit:
    """Compare the learner's gradient of a sequence, from its start state, with backpropagation through time.

    Where reverse mode is impossible (an adaptive solver in the step), the truth is central finite differences on up to 64
    elements of each parameter, and cosine and ratio are of those elements. The learner itself is left as it is.

    Args:
        xs, targets, loss, window: as for `learner.gradients`.

    Returns:
        An `Audit`: one row per parameter leaf (cosine and norm ratio), firing rates, and what the rule drops.
    """
    made, graph = learner._ready()
    xs = xs if isinstance(xs, tuple) else (xs,)
    T = jax.tree.leaves(xs)[0].shape[0]
    inputs = xs, learner._over_batch(bridge.clocks(bridge.clock(), T))
    learner._check(inputs, lead=1)
    params, state = made.read(made.params), {**learner._state(made)[0], **learner.start.value}
    carry = Carry(state, None, learner.batch_size)
    size = None if learner.whole else window
    now = (params, carry, inputs, targets, loss, size)
    online = gradients(graph, learner.rule, *now, first=True, last=True)
    true, pick, method = _truth(_total(graph, carry, inputs, targets, loss), params)
    mine = jax.tree.leaves(online.grads)
    rows = [_row(graph.param_names[n], _flat(mine[n])[at], true[n]) for n, at in pick.items()]
    firing = {p: float(rate) for p, rate in online.firing.items()}
    return Audit(tuple(rows), method, firing, () if learner.rule.scope == "full" else graph.report.dropped)


def _total(graph: Graph, carry: Carry, inputs: Any, targets: Any, loss: Loss) -> Callable[[Any], jax.Array]:
    """The loss of the sequence as a plain function of the parameters."""

    def total(params: Any) -> jax.Array:
        static = prelude(graph, params)

        def step(h: Any, x: Any) -> Any:
            out = plain_step(graph, static, jax.tree.leaves(h), jax.tree.leaves(x), graph.program.outs)
            return jax.tree.unflatten(graph.out_tree, out)

        def body(h: Any, now: Any) -> Any:
            h, y = (step if carry.batch_size is None else jax.vmap(step))(h, now[0])
            return h, loss(y, now[1])

        return jax.lax.scan(body, carry.state, (inputs, targets))[1].sum()

    return total


def _truth(total: Any, params: Any) -> tuple[dict[int, np.ndarray], dict[int, np.ndarray], str]:
    """The true gradient of each float leaf, at which of its elements, and how it was found."""
    leaves, tree = jax.tree.flatten(params)
    pick = {n: np.arange(np.size(p)) for n, p in enumerate(leaves) if is_float(jnp.asarray(p))}
    try:
        found = jax.tree.leaves(jax.jit(jax.grad(total, allow_int=True))(params))
        return {n: _flat(found[n]) for n in pick}, pick, "BPTT"
    except ValueError as error:
        if "reverse-mode" not in str(error).lower():
            raise
    rng = np.random.default_rng(0)
    pick = {n: rng.permutation(at)[:SAMPLES] for n, at in pick.items()}
    f = jax.jit(total)
    return {n: _finite_differences(f, leaves, tree, n, at) for n, at in pick.items()}, pick, "finite differences"


def _flat(a: Any) -> np.ndarray:
    return np.asarray(a, float).reshape(-1)


def _row(name: str, online: np.ndarray, true: np.ndarray) -> Row:
    a, b = float(np.linalg.norm(online)), float(np.linalg.norm(true))
    cosine = float(online @ true) / (a * b) if a and b else float(a == b)
    return Row(name, cosine, a / b if b else float("nan") if a else 1.0, a, b)


def _finite_differences(f: Any, leaves: list[Any], tree: Any, n: int, at: np.ndarray) -> np.ndarray:
    """Central differences of `f` by the elements `at` of leaf `n`."""
    leaf = jnp.asarray(leaves[n])
    eps = float(jnp.finfo(leaf.dtype).eps) ** (1 / 3)

    def value(i: int, by: float) -> float:
        moved = leaf.reshape(-1).at[i].add(by).reshape(leaf.shape)
        return float(f(jax.tree.unflatten(tree, [*leaves[:n], moved, *leaves[n + 1 :]])))

    widths = [eps * max(1.0, abs(float(leaf.reshape(-1)[i]))) for i in at]
    return np.array([(value(i, h) - value(i, -h)) / (2 * h) for i, h in zip(at, widths)])
