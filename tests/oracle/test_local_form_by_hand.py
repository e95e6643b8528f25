"""D-RTRL on recurrent networks: backpropagation through a step in which credit across neurons is cut by hand.

Every mark that feeds a state is computed twice: once as the output sees it, once, its input a constant, as the next step
inherits it. Whole-sequence autodiff of that step is what D-RTRL claims to compute forward in time.
"""

import jax
import jax.numpy as jnp
import pytest

from measure import assert_close, named, online
from oracle.reference import bptt
from zoo import MODELS, RULES, N, matmul, sig, spike, tanh

stop = jax.lax.stop_gradient


def lif(p, s, x):
    z = spike(s["v"] - 0.5)
    own = sig(p["leak"]) * (s["v"] - 0.5 * z) + p["b"]
    v = own + matmul(stop(jnp.concatenate([x, z])), p["w"])
    now = 0.9 * s["o"] + matmul(spike(v - 0.5), p["out"])
    later = 0.9 * s["o"] + matmul(stop(spike(v - 0.5)), p["out"])
    return dict(v=v, o=later), now


def lstm(p, s, x):
    i, f, g, o = jnp.split(matmul(stop(jnp.concatenate([x, s["h"]])), p["w"]) + p["b"], 4)
    c = sig(f) * s["c"] + sig(i) * tanh(g)
    h = sig(o) * tanh(c)
    return dict(h=h, c=c), matmul(h, p["out"])


def gru(p, s, x):
    h = s["h"]
    r, u = jnp.split(sig(matmul(stop(jnp.concatenate([x, h])), p["w"]) + p["b"]), 2)
    new = lambda reset: (1 - u) * h + u * tanh(matmul(jnp.concatenate([x, reset]), p["wc"]))
    return dict(h=new(stop(r * h))), matmul(new(r * stop(h)), p["out"])


def vanilla(p, s, x):
    h = tanh(matmul(stop(jnp.concatenate([x, s["h"]])), p["w"]) + p["b"])
    return dict(h=h), matmul(h, p["out"])


def two_layers(p, s, x):
    v = sig(p["a"]) * s["v"] + matmul(x, p["w"])
    u = lambda v: sig(p["a"]) * s["u"] + matmul(tanh(v), p["w2"]) + p["c"] @ jnp.ones(3)
    return dict(v=v, u=u(stop(v))), u(v) * 1.0


FORMS = {
    "LIF, recurrent": lif,
    "LSTM, split": lstm,
    "GRU": gru,
    "vanilla RNN": vanilla,
    "two layers, one leak": two_layers,
}


@pytest.mark.parametrize("model", FORMS)
def test_d_rtrl_is_the_local_form(model):
    m = MODELS[model]
    assert m.params["out" if "out" in m.params else "w2"].shape[0] == N
    xs, ys = m.data()
    want = named(m, bptt(m, xs, ys, FORMS[model]))
    got = named(m, online(m, RULES["d_rtrl"], xs, ys, 2).grads)
    assert_close(got, want, 1e-11)
