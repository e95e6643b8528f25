"""The report names all that local rules drop: with exactly these paths cut, backpropagation gives D-RTRL's gradient."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from measure import compiled, distance, loss, named, online
from oracle.reference import bptt
from vestige import untraced
from vestige.graph import prelude
from vestige.graph.cuts import cut_step
from zoo import ALL_MODELS, RULES, I, Model, N, draw, heun, matmul, name, reals, tanh, zeros

FIXED = np.random.default_rng(6).normal(size=(N, N)) * 0.5


def _through_a_fixed_weight(p, s, x):
    v = 0.5 * s["v"] + tanh(matmul(x, p["w"]))
    u = 0.9 * s["u"] + matmul(v, FIXED)
    return dict(v=v, u=u), u * 1.0


def _through_an_untraced_weight(p, s, x):
    v = 0.5 * s["v"] + tanh(matmul(x, p["w"]))
    u = 0.9 * s["u"] + matmul(v, untraced(p["back"]))
    return dict(v=v, u=u), u * 1.0


def _fixed_recurrence(p, s, x):
    v = 0.5 * s["v"] + tanh(matmul(x, p["w"]) + matmul(s["v"], FIXED))
    return dict(v=v), v * 1.0


def _a_state_without_memory(p, s, x):
    v = tanh(matmul(x, p["w"]))
    u = 0.9 * s["u"] + matmul(v, p["on"])
    return dict(v=v, u=u), u * 1.0


def _a_readout_of_a_state_without_memory(p, s, x):
    v = tanh(matmul(x, p["w"]) + matmul(s["v"], p["r"]))
    return dict(v=v), matmul(v, p["out"])


def _two_populations_at_once(p, s, x):
    v = 0.5 * s["v"] + tanh(matmul(x, p["w"]))
    a, b = jnp.split(matmul(jnp.concatenate([v, s["b"]]), p["both"]), 2)
    a, b = 0.8 * s["a"] + a, 0.6 * s["b"] + tanh(b)
    return dict(v=v, a=a, b=b), a * b


def _solver_and_recurrence(p, s, x):
    v, m = heun(s["v"], s["m"], matmul(x, p["w"]) + matmul(tanh(s["v"]), p["r"]), 2.0)
    return dict(v=v, m=m), v - m


def _model(step: Any, states: str, reverse: bool = True, **shapes: Any) -> Model:
    """`states`: names, one letter each, `[N]`; `shapes`: of parameters."""
    params = {k: draw(np.random.default_rng(n), *a) for n, (k, a) in enumerate(shapes.items())}
    called = step.__name__.strip("_").replace("_", " ")
    return Model(called, step, params, zeros(**dict.fromkeys(states, (N,))), reals(I), reverse=reverse)


HIDDEN = [
    _model(_through_a_fixed_weight, "vu", w=(I, N)),
    _model(_through_an_untraced_weight, "vu", w=(I, N), back=(N, N)),
    _model(_fixed_recurrence, "v", w=(I, N)),
    _model(_a_state_without_memory, "vu", w=(I, N), on=(N, N)),
    _model(_two_populations_at_once, "vab", w=(I, N), both=(2 * N, 2 * N)),
    _model(_solver_and_recurrence, "vm", False, w=(I, N), r=(N, N)),
]
EVERY = [m for m in ALL_MODELS if m.local] + HIDDEN


def cut(model: Model, xs: Any, ys: Any, keep: bool) -> dict[str, np.ndarray]:
    """Backpropagation with all paths of the report cut, or with none."""
    g = model.graph
    paths = g.report.paths

    def total(params: Any, on: jax.Array) -> jax.Array:
        static = prelude(g, params)

        def body(h: Any, now: Any) -> Any:
            leaves = cut_step(g, paths, on, static, jax.tree.leaves(h), jax.tree.leaves(now[0]))
            h, y = jax.tree.unflatten(g.out_tree, leaves)
            return h, loss(y, now[1])

        return jax.lax.scan(body, model.state, (xs, ys))[1].sum()

    on = jnp.full(len(paths), keep)
    return named(model, compiled(jax.grad(total), model.params, on)(model.params, on))


@pytest.mark.parametrize("model", EVERY, ids=name)
def test_what_is_dropped_is_all_that_is_missing(model):
    """A model without a dropped path is exact for every parameter, as law 2 shows; the others are so once these are cut."""
    if not model.graph.report.paths:
        assert set(model.exact) == set(model.graph.param_names)
        return
    xs, ys = model.data()
    true, rest = bptt_named(model, xs, ys), cut(model, xs, ys, False)
    mine = named(model, online(model, RULES["d_rtrl"], xs, ys).grads)
    whole = cut(model, xs, ys, True)
    for k, g in true.items():
        assert distance(whole[k], g) < 1e-10, k
        assert np.abs(rest[k] - mine[k]).max() < 1e-11 * max(np.abs(g).max(), 1e-3), k
    # and the model is alive: there is credit, and some of it is lost
    assert max(distance(rest[k], g) for k, g in true.items()) > 1e-3


def bptt_named(model: Model, xs: Any, ys: Any) -> dict[str, np.ndarray]:
    return named(model, bptt(model, xs, ys))


@pytest.mark.parametrize("model", HIDDEN, ids=name)
def test_paths_that_no_traced_weight_shows_are_reported_too(model):
    assert model.graph.report.dropped and not any("exact" in line for line in model.graph.report.notes)


def test_a_path_says_what_it_is():
    both = {m.name: [(p.kind, p.weight, p.source, p.into) for p in m.graph.report.paths] for m in HIDDEN}
    assert both["through a fixed weight"] == [("carried", "a fixed weight", ("v",), ("u",))]
    assert both["fixed recurrence"] == [("recurrent", "a fixed weight", ("v",), ())]
    assert both["a state without memory"] == [("own step", "on", ("w",), ("u",))]
    assert both["through an untraced weight"][-1] == ("own step", "back", (), ())
    # the mark that drives two populations reads the past once, and carries twice
    assert both["two populations at once"] == [
        ("recurrent", "both", ("b",), ()), ("carried", "both", ("v",), ("a",)), ("carried", "both", ("v",), ("b",)),
    ]  # fmt: skip


def test_a_readout_reads_new_states_whole():
    """What such a state owes to the previous one has passed its own weight, which alone drops it."""
    model = _model(_a_readout_of_a_state_without_memory, "v", w=(I, N), r=(N, N), out=(N, N))
    assert [(p.kind, p.weight, p.source) for p in model.graph.report.paths] == [("recurrent", "r", ("v",))]
    xs, ys = model.data()
    mine, rest = named(model, online(model, RULES["d_rtrl"], xs, ys).grads), cut(model, xs, ys, False)
    assert all(distance(mine[k], g) < 1e-10 for k, g in rest.items())
