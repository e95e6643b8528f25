"""What a graph calls exact is measured to be, also where populations read one another."""

import jax.numpy as jnp
import pytest

from measure import distance, named, online
from oracle.reference import bptt
from zoo import RULES, I, Model, N, O, _params, matmul, name, reals, sig, tanh, zeros


def _chain(p, s, x):
    """Two populations with a layer without memory between them."""
    v = 0.8 * s["v"] + matmul(x, p["w"]) + p["b"]
    u = 0.7 * s["u"] + matmul(tanh(matmul(tanh(v), p["w1"])), p["w2"])
    return dict(v=v, u=u), tanh(u)


def _parallel(p, s, x):
    """A recurrent population beside one without recurrence, and a product of what both say."""
    v = 0.8 * s["v"] + matmul(x, p["w"])
    u = 0.7 * s["u"] + tanh(matmul(jnp.concatenate([x, s["u"]]), p["w2"]) + p["b"])
    return dict(v=v, u=u), v * matmul(u, p["mix"])


def _shared(p, s, x):
    """One gain in the dynamics of both layers."""
    v = 0.8 * s["v"] + matmul(x, p["w"]) * p["g"]
    u = 0.5 * s["u"] * p["g"] + matmul(tanh(v), p["w2"])
    return dict(v=v, u=u), u


def _tied(p, s, x):
    """A weight that writes the state and reads it out."""
    v = 0.8 * s["v"] + matmul(x, p["w"])
    return dict(v=v), tanh(matmul(tanh(v), p["w"].T))


def _late(p, s, x):
    """A readout of the state before last."""
    v = sig(p["leak"]) * s["v"] + matmul(x, p["w"])
    return dict(v=v, old=s["v"]), matmul(tanh(s["old"]), p["out"])


MODELS = [
    Model("chain", _chain, _params(w=(I, N), b=(N,), w1=(N, N), w2=(N, O)), zeros(v=(N,), u=(O,)), reals(I), ("w2",)),
    Model("parallel", _parallel, _params(w=(I, N), w2=(I + N, N), b=(N,), mix=(N, N)), zeros(v=(N,), u=(N,)), reals(I),
          ("w", "mix")),
    Model("shared gain", _shared, _params(w=(I, N), g=(), w2=(N, O)), zeros(v=(N,), u=(O,)), reals(I), ("w2",)),
    Model("tied readout", _tied, _params(w=(I, N)), zeros(v=(N,)), reals(I), ("w",)),
    Model("late readout", _late, _params(w=(I, N), leak=(N,), out=(N, O)), zeros(v=(N,), old=(N,)), reals(I), ("out",)),
]  # fmt: skip


@pytest.mark.parametrize("model", MODELS, ids=name)
def test_what_is_called_exact_equals_bptt_and_the_rest_does_not(model):
    xs, ys = model.data()
    got, want = named(model, online(model, RULES["d_rtrl"], xs, ys, 2).grads), named(model, bptt(model, xs, ys))
    apart = {k: distance(got[k], want[k]) for k in want}
    assert set(model.graph.report.exact) == set(model.exact)
    assert {k for k, d in apart.items() if d < 1e-10} == set(model.exact), apart
    assert all(d > 1e-3 for k, d in apart.items() if k not in model.exact), apart
