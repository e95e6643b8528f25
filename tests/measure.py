"""How tests measure: gradients by name, online and by reference, and how far two of them are apart."""

from collections.abc import Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from vestige import Carry, Result, gradients, init
from zoo import Model, Named, square_error


def loss(output: Any, target: Any) -> jax.Array:
    return sum(jax.tree.leaves(jax.tree.map(square_error, output, target)), jnp.zeros(()))


def compiled(f: Any, *args: Any) -> Any:
    """`f`, compiled for these arguments."""
    return jax.jit(f).lower(*args).compile()


def named(model: Model, grads: Any) -> dict[str, np.ndarray]:
    """A gradient tree by the names that the report uses."""
    return dict(zip(model.graph.param_names, map(np.asarray, jax.tree.leaves(grads))))


def online(
    model: Model, rule: Named, xs: Any, ys: Any, window: int | None = None, batch: int | None = None, **options: Any
) -> Result:
    """One call of `gradients` from the model's own state; compiled unless the caller is itself under jit or vmap."""
    made, judge = rule(model.graph), options.pop("loss", loss)
    start = init(model.graph, made, model.params, model.state, batch)
    mask = options.pop("mask", None)
    options = {**modulation(made, xs), **options}

    def go(params: Any, carry: Carry, xs: Any, ys: Any, mask: Any) -> Result:
        return gradients(model.graph, made, params, carry, xs, ys, judge, window, mask=mask, **options)

    args = model.params, start, xs, ys, mask
    inside = jax.config.jax_disable_jit or any(isinstance(a, jax.core.Tracer) for a in jax.tree.leaves((xs, ys)))
    return go(*args) if inside else compiled(go, *args)(*args)


def modulation(rule: Any, xs: Any) -> dict[str, Any]:
    """A modulator of ones for rules that take one."""
    return dict(modulator=jnp.ones(jax.tree.leaves(xs)[0].shape[0])) if rule.teach.modulated else {}


def many(model: Model, rules: Sequence[Named], xs: Any, ys: Any) -> tuple[Any, dict[str, Carry]]:
    """Several rules in one compiled window of the length of `xs`, and their first carries."""
    made = {r.name: r(model.graph) for r in rules}
    first = {k: init(model.graph, r, model.params, model.state) for k, r in made.items()}

    def run(carries: Any, xs: Any, ys: Any) -> dict[str, Result]:
        go = lambda k, r: gradients(model.graph, r, model.params, carries[k], xs, ys, loss, **modulation(r, xs))
        return {k: go(k, r) for k, r in made.items()}

    return compiled(run, first, xs, ys), first


def part(data: Any, start: int, stop: int) -> Any:
    return jax.tree.map(lambda a: a[start:stop], data)


def in_windows(
    model: Model, rules: Sequence[Named], xs: Any, ys: Any, window: int
) -> tuple[dict[str, Any], dict[str, Carry]]:
    """Gradients summed over windows of one length, the carry handed on; a ragged rest is dropped by the caller's choice of T."""
    steps = jax.tree.leaves(xs)[0].shape[0]
    assert steps % window == 0
    run, carries = many(model, rules, part(xs, 0, window), part(ys, 0, window))
    return repeated(run, carries, xs, ys, window)


def repeated(
    run: Any, carries: dict[str, Carry], xs: Any, ys: Any, window: int
) -> tuple[dict[str, Any], dict[str, Carry]]:
    total: dict[str, Any] = {}
    for t in range(0, jax.tree.leaves(xs)[0].shape[0], window):
        out = run(carries, part(xs, t, t + window), part(ys, t, t + window))
        carries = {k: r.carry for k, r in out.items()}
        total = {k: r.grads if k not in total else jax.tree.map(jnp.add, total[k], r.grads) for k, r in out.items()}
    return total, carries


def distance(a: Any, b: Any) -> float:
    """Relative to `b`, in the norm over all numbers."""
    a, b = np.asarray(a, float).ravel(), np.asarray(b, float).ravel()
    return float(np.linalg.norm(a - b) / max(np.linalg.norm(b), 1e-30))


def assert_close(
    got: Mapping[str, Any], want: Mapping[str, Any], tol: float, only: Sequence[str] | None = None
) -> None:
    """Each parameter's gradient by itself, and none of them zero."""
    assert set(got) == set(want)
    dead = [k for k, g in want.items() if not np.abs(g).max() > 0]
    assert not dead, f"gradients of {dead} are zero: the comparison would mean nothing"
    apart = {k: distance(got[k], want[k]) for k in (want if only is None else only)}
    assert all(d < tol for d in apart.values()), {k: f"{d:.1e}" for k, d in apart.items()}


def assert_same(a: Any, b: Any, tol: float) -> None:
    """Two trees of arrays, such as traces; random keys must agree bit by bit."""
    assert jax.tree.structure(a) == jax.tree.structure(b)
    for p, q in zip(jax.tree.leaves(a), jax.tree.leaves(b)):
        assert p.shape == q.shape and p.dtype == q.dtype
        if jax.dtypes.issubdtype(p.dtype, jax.dtypes.prng_key):
            p, q = jax.random.key_data(p), jax.random.key_data(q)
        scale = max(float(np.abs(q).max(initial=0)), 1e-6)
        assert np.abs(np.asarray(p, float) - np.asarray(q, float)).max(initial=0) < tol * scale
