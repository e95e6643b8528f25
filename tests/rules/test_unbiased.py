"""Rules that draw numbers: over many draws their mean is BPTT's gradient, within its standard error, parameter by parameter."""

from dataclasses import replace
from functools import cache
from importlib import import_module

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from measure import named
from oracle.reference import bptt
from vestige import gradients, init, rules
from zoo import Model, draw, matmul, reals, sig, square_error, tanh, zeros

INPUTS, SIZE, OUT, STEPS, DRAWS = 2, 4, 2, 6, 20_000
# of some 50 numbers at once, one in 3000 right rules is farther off than this by chance
BOUND = 4.5


def step(p, s, x):
    """A recurrent layer whose neurons remember, with a bias and leaks of their own, and a leaky readout of its new state."""
    y = matmul(jnp.concatenate([x, s["h"]]), p["w"])
    h = sig(p["leak"]) * s["h"] + tanh(y + p["b"])
    o = 0.7 * s["o"] + matmul(h, p["out"])
    return dict(h=h, o=o), o


def network() -> Model:
    r = np.random.default_rng(3)
    params = dict(
        w=draw(r, INPUTS + SIZE, SIZE, scale=0.6), b=draw(r, SIZE), leak=draw(r, SIZE), out=draw(r, SIZE, OUT)
    )
    return Model("", step, params, zeros(h=(SIZE,), o=(OUT,)), reals(INPUTS, scale=1.0))


MODEL = network()
XS, YS = MODEL.data(STEPS)
TRUE = named(MODEL, bptt(MODEL, XS, YS))


def drawn(rule, window, count=DRAWS, twist=lambda rule, key: rule):
    """Gradients of many draws, by name `[count, ...]`. `twist` may spoil the rule, knowing the draw's key."""
    start = init(MODEL.graph, rule, MODEL.params, MODEL.state)

    def one(key):
        carry = replace(start, lasting=(key, None))
        return gradients(MODEL.graph, twist(rule, key), MODEL.params, carry, XS, YS, square_error, window).grads

    keys = jax.random.split(jax.random.key(11), count)
    return named(MODEL, jax.jit(lambda keys: jax.lax.map(one, keys, batch_size=500))(keys))


def scores(grads):
    """How many standard errors each number's mean is off; of what is not drawn, none or infinitely many."""
    # along the true gradient: one number that a gradient of the wrong size cannot pass
    along = sum((g * TRUE[k]).reshape(len(g), -1).sum(1) for k, g in grads.items())
    want = {**TRUE, "along": sum((t**2).sum() for t in TRUE.values())}
    out = {}
    for k, g in {**grads, "along": along}.items():
        error, off = np.asarray(g.std(0, ddof=1)) / len(g) ** 0.5, np.abs(g.mean(0) - want[k])
        fixed = error < 1e-12
        out[k] = np.where(fixed, np.where(off < 1e-10, 0, np.inf), off / np.where(fixed, 1, error))
    return out


def worst(grads):
    return max(float(np.max(z, initial=0)) for z in scores(grads).values())


MADE = {"uoro": rules.uoro(), "kf_rtrl": rules.kf_rtrl(), "random_path": rules.random_path(1)}


@cache
def sample(rule, window):
    return drawn(MADE[rule], window)


def test_the_network_is_alive_and_recurrent():
    """Every parameter has a gradient, and without the past it would be another."""
    cut = named(MODEL, bptt(MODEL, XS, YS, cut=True))
    for k, g in TRUE.items():
        assert np.abs(g).max() > 1e-3
        assert np.linalg.norm(cut[k] - g) > 0.05 * np.linalg.norm(g), k


@pytest.mark.parametrize("window", [1, 3])
@pytest.mark.parametrize("rule", MADE)
def test_the_mean_over_draws_is_bptt(rule, window):
    grads = sample(rule, window)
    assert max(g.std(0).max() for g in grads.values()) > 1e-2  # it does draw
    assert worst(grads) < BOUND, scores(grads)


@pytest.mark.parametrize("rule", MADE)
def test_a_longer_window_leaves_less_to_chance(rule):
    spread = lambda window: sum(float(g.var(0).sum()) for g in sample(rule, window).values())
    assert spread(3) < spread(1)


@pytest.mark.parametrize("rule", ["uoro", "kf_rtrl"])
def test_signs_drawn_once_for_all_steps_are_found_out(rule):
    """The measure can fail: with the same signs at every step, products of different steps do not vanish on average."""
    alike = lambda rule, key: rule._replace(update=lambda g, t, obs, s: rule.update(g, t, obs._replace(key=key), s))
    assert worst(drawn(MADE[rule], 1, twist=alike)) > 2 * BOUND


def test_paths_that_are_not_weighed_are_found_out(monkeypatch):
    """One of four paths as it is, not four times."""
    module = import_module("vestige.rules.random_path")
    weighed = module._transport

    def plain(at, J, k, key):
        own = at.label[:, None] == at.label
        return weighed(at, jnp.where(own, J, J * k / len(at.sources)), k, key)

    monkeypatch.setattr(module, "_transport", plain)
    assert worst(drawn(module.random_path.__wrapped__(1), 1)) > 2 * BOUND


@pytest.mark.parametrize("rule", MADE)
def test_a_past_that_is_a_tenth_too_small_is_found_out(rule):
    """How fine the measure is."""

    def small(rule, key):
        shrink = lambda s: s._replace(leaves=[None if d is None else 0.9 * d for d in s.leaves])
        return rule._replace(update=lambda g, t, obs, s: rule.update(g, t, obs, shrink(s)))

    assert worst(drawn(MADE[rule], 1, twist=small)) > BOUND


def test_a_batch_averages_the_draws():
    """Examples draw apart: over a batch of equal ones, the variance is that of one divided by their number."""
    B, count, rule = 8, 400, MADE["uoro"]
    start = init(MODEL.graph, rule, MODEL.params, MODEL.state, B)
    wide = lambda a: jnp.repeat(a[:, None], B, 1)

    def one(key):
        carry = replace(start, lasting=(key, None))
        return gradients(MODEL.graph, rule, MODEL.params, carry, wide(XS), wide(YS), square_error, 1).grads

    keys = jax.random.split(jax.random.key(5), count)
    many = named(MODEL, jax.jit(lambda keys: jax.lax.map(one, keys, batch_size=100))(keys))
    spread = lambda grads: sum(float(g.var(0).sum()) for g in grads.values())
    assert 0.6 < B * spread(many) / spread(sample("uoro", 1)) < 1.6
