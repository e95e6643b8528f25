"""How far a rule's gradient is from the truth, parameter by parameter."""

from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from .._compat import is_float
from ..graph import plain_step, prelude
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
    params, state = made.read(made.params), learner.start.value
    carry = Carry(state, None, learner.batch_size)
    size = None if learner.whole else window
    online = gradients(
        graph,
        learner.rule,
        params,
        carry,
        inputs,
        targets,
        loss,
        size,
        first=True,
        last=True,
    )

    def total(p: Any) -> jax.Array:
        static = prelude(graph, p)

        def step(h: Any, x: Any) -> Any:
            out = plain_step(graph, static, jax.tree.leaves(h), jax.tree.leaves(x), graph.program.outs)
            return jax.tree.unflatten(graph.out_tree, out)

        step = step if learner.batch_size is None else jax.vmap(step)

        def body(h: Any, now: Any) -> Any:
            h, y = step(h, now[0])
            return h, loss(y, now[1])

        return jax.lax.scan(body, state, (inputs, targets))[1].sum()

    names = graph.param_names
    leaves, tree = jax.tree.flatten(params)
    mine = [np.asarray(g, float) for g in jax.tree.leaves(online.grads)]
    pick = [np.arange(np.size(p)) for p in leaves]
    try:
        true = [
            np.asarray(g, float).reshape(-1) for g in jax.tree.leaves(jax.jit(jax.grad(total, allow_int=True))(params))
        ]
        method = "BPTT"
    except ValueError as error:
        if "reverse-mode" not in str(error).lower():
            raise
        rng = np.random.default_rng(0)
        pick = [rng.permutation(p)[:SAMPLES] for p in pick]
        true, method = _finite_differences(jax.jit(total), leaves, tree, pick), "finite differences"
    rows = [
        _row(n, g.reshape(-1)[at], t)
        for n, p, g, at, t in zip(names, leaves, mine, pick, true)
        if is_float(jnp.asarray(p))
    ]
    firing = {p: float(rate) for p, rate in online.firing.items()}
    return Audit(tuple(rows), method, firing, () if learner.rule.scope == "full" else graph.report.dropped)


def _row(name: str, online: np.ndarray, true: np.ndarray) -> Row:
    a, b = float(np.linalg.norm(online)), float(np.linalg.norm(true))
    cosine = float(online @ true) / (a * b) if a and b else float(a == b)
    return Row(name, cosine, a / b if b else float("nan") if a else 1.0, a, b)


def _finite_differences(f: Any, leaves: list[Any], tree: Any, pick: list[np.ndarray]) -> list[np.ndarray]:
    out = []
    for n, (leaf, at) in enumerate(zip(leaves, pick)):
        eps = float(jnp.finfo(jnp.result_type(leaf)).eps) ** (1 / 3) if is_float(jnp.asarray(leaf)) else 1.0
        grads = []
        for i in at:
            h = eps * max(1.0, abs(float(np.reshape(leaf, -1)[i])))
            shifted = lambda by, n=n, i=i: jax.tree.unflatten(
                tree,
                [a if m != n else jnp.reshape(a, -1).at[i].add(by).reshape(jnp.shape(a)) for m, a in enumerate(leaves)],
            )
            grads.append((float(f(shifted(h))) - float(f(shifted(-h)))) / (2 * h))
        out.append(np.asarray(grads))
    return out
