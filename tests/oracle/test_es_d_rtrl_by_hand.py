"""ES-D-RTRL against two plain numpy forms of it: the textbook's, and the one that splits the signal."""

from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

from measure import distance
from oracle import factors
from vestige import gradients, init, rules, trace_graph
from vestige.ops import dense, mark
from vestige.rules.es_d_rtrl import decays
from zoo import spike

I, N, T = 3, 5, 7
matmul = lambda x, w: mark(dense(), x, w)


def rnn(p, s, x):
    h = 0.8 * s["h"] + 0.2 * jnp.tanh(matmul(jnp.concatenate([x, s["h"]]), p["w"]))
    return dict(h=h), h


def lif(p, s, x):
    z = spike(s["h"] - 1)
    h = 0.9 * (s["h"] - z) + matmul(jnp.concatenate([x, z]), p["w"])
    return dict(h=h), h


def synapse(p, s, x):
    g = 0.7 * s["g"] + matmul(jnp.concatenate([x, spike(s["v"] - 0.5)]), p["w"])
    v = 0.9 * s["v"] + 0.3 * g
    return dict(g=g, v=v), v


CASES = {
    "rnn": (rnn, dict(h=jnp.zeros(N)), factors.RNN, 0),
    "lif": (lif, dict(h=jnp.zeros(N)), factors.LIF, 0),
    "synapse": (synapse, dict(g=jnp.zeros(N), v=jnp.zeros(N)), factors.SYNAPSE, 1),
}


def both(case: str, decay: Any, correct: bool, window: int, steps: int = T) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    step, state, cell, read = CASES[case]
    rng = np.random.default_rng(0)
    W, xs, ys = rng.normal(size=(I + N, N)) * 0.6, rng.normal(size=(steps, I)) * 1.5, rng.normal(size=(steps, N))

    def dL(t: int, h: np.ndarray) -> np.ndarray:
        return np.stack([2 * (h[s] - ys[t]) if s == read else 0 * h[s] for s in range(cell.S)])

    pair = decay if isinstance(decay, tuple) else (decay, decay)
    naive = {f.__name__: f(cell, W, xs, dL, pair, correct) for f in (factors.textbook, factors.split)}
    params, rule = dict(w=jnp.asarray(W)), rules.es_d_rtrl(decay, correct=correct)
    graph = trace_graph(step, params, state, jnp.asarray(xs[0]))
    loss = lambda o, t: ((o - t) ** 2).sum()
    out = gradients(
        graph, rule, params, init(graph, rule, params, state), jnp.asarray(xs), jnp.asarray(ys), loss, window
    )
    return np.asarray(out.grads["w"]), naive


@pytest.mark.parametrize("correct", [True, False])
@pytest.mark.parametrize("decay", [0.5, (0.9, 0.6)])
@pytest.mark.parametrize("case", CASES)
def test_it_is_what_the_equations_say(case, decay, correct):
    got, naive = both(case, decay, correct, window=T)
    assert np.abs(got).max() > 1e-2
    assert distance(naive["split"], naive["textbook"]) < 1e-13
    assert distance(got, naive["textbook"]) < 1e-13


@pytest.mark.parametrize("window", [1, 2, 3])
@pytest.mark.parametrize("case", CASES)
def test_it_is_so_for_every_window(case, window):
    got, naive = both(case, 0.9, True, window)
    assert distance(got, naive["textbook"]) < 1e-13


def test_the_correction_counts_steps_not_calls():
    """Three windows of two steps divide by 1 - a^t with t = 1 .. 6, whatever the calls."""
    for window in (1, 2, 6):
        got, naive = both("rnn", 0.9, True, window, steps=6)
        assert distance(got, naive["textbook"]) < 1e-13


def test_the_correction_goes_on_forever():
    """At t beyond a thousand the correction is one to rounding, and so is the gradient with and without it."""
    with_it, _ = both("rnn", 0.9, True, 50, steps=50)
    without, _ = both("rnn", 0.9, False, 50, steps=50)
    assert 1e-3 < distance(with_it, without) < 1


def test_without_the_correction_the_first_step_is_small():
    got, _ = both("rnn", 0.9, False, 1, steps=1)
    exact, _ = both("rnn", 0.9, True, 1, steps=1)
    assert distance(got, 0.1 * exact) < 1e-13


def test_an_integer_is_a_rank():
    assert decays(3) == (0.5, 0.5)
    assert decays((3, 0.2)) == (0.5, 0.2)
    assert decays(1) == (0, 0)


@pytest.mark.parametrize("bad", [1.0, -0.1, 0, True, (0.9,), "0.9"])
def test_bad_decays_are_refused(bad):
    with pytest.raises(ValueError, match="decay"):
        rules.es_d_rtrl(bad)
