"""Surrogates: a step forwards, one slope in both modes, under every transformation."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import saiunit as u

import vestige.neurons as ne

ALL = [
    s() for s in (
        ne.ReluGrad, ne.Sigmoid, ne.Arctan, ne.SuperSpike, ne.Gaussian, ne.MultiGaussian, ne.PiecewiseLinear,
    )
]  # fmt: skip
name = lambda s: type(s).__name__
x = jnp.array([-2.0, -0.6, -1e-3, 0.0, 0.3, 5.0])


@pytest.mark.parametrize("s", ALL, ids=name)
def test_spikes_are_zero_or_one(s):
    np.testing.assert_array_equal(s(x), [0, 0, 0, 1, 1, 1])
    assert s(x.astype(jnp.float32)).dtype == jnp.float32
    assert jnp.issubdtype(s(jnp.array([1, -1])).dtype, jnp.floating)


@pytest.mark.parametrize("s", ALL, ids=name)
def test_forward_and_reverse_mode_see_the_same_slope(s):
    x = jnp.array([-2.0, -0.6, -1e-3, 0.0, 0.3, 5.0])
    v, t = jax.jvp(s, (x,), (jnp.ones_like(x),))
    (g,) = jax.vjp(s, x)[1](jnp.ones_like(x))
    np.testing.assert_array_equal(v, s(x))
    np.testing.assert_allclose(t, g, rtol=1e-14)
    np.testing.assert_allclose(t, s.slope(x), rtol=1e-14)
    np.testing.assert_allclose(jax.jit(jax.vmap(jax.grad(s)))(x), t, rtol=1e-14)
    np.testing.assert_allclose(jax.linearize(s, x)[1](jnp.ones_like(x)), t, rtol=1e-14)


@pytest.mark.parametrize("s", ALL, ids=name)
def test_slopes_are_even_and_highest_at_threshold(s):
    at = jnp.linspace(-3, 3, 61)
    np.testing.assert_allclose(s.slope(at), s.slope(-at), atol=1e-14)
    np.testing.assert_allclose(s.slope(at).max(), s.slope(jnp.zeros(())), rtol=1e-12)


@pytest.mark.parametrize(
    "s, area", [(ne.Sigmoid(3.0), 1), (ne.Arctan(2.0), 1), (ne.Gaussian(0.4, 1.0), 1), (ne.PiecewiseLinear(0.5), 1),
                (ne.ReluGrad(0.3, 2.0), 1.2), (ne.SuperSpike(10.0), 0.2)],
)  # fmt: skip
def test_slopes_have_the_area_of_their_formula(s, area):
    at = jnp.linspace(-400, 400, 4_000_001)
    np.testing.assert_allclose(jnp.trapezoid(s.slope(at), at), area, rtol=2e-3)


def test_equal_surrogates_share_a_program():
    assert ne.ReluGrad(0.3) == ne.ReluGrad(0.3) and hash(ne.ReluGrad(0.3)) == hash(ne.ReluGrad(0.3))
    traces = []
    f = jax.jit(lambda s, x: traces.append(1) or s(x), static_argnums=0)
    f(ne.Sigmoid(2.0), x), f(ne.Sigmoid(2.0), x)
    assert len(traces) == 1


def test_units_at_the_rim():
    np.testing.assert_array_equal(ne.ReluGrad()(x * u.mV / u.volt), x >= 0)
    with pytest.raises(u.UnitMismatchError):
        ne.ReluGrad()(x * u.mV)


def test_like_those_of_braintools():
    surrogate = pytest.importorskip("braintools").surrogate
    pairs = [(ne.ReluGrad(0.4, 1.5), surrogate.ReluGrad(0.4, 1.5)), (ne.Sigmoid(4.0), surrogate.Sigmoid(4.0)),
             (ne.Arctan(1.0), surrogate.Arctan(1.0)), (ne.SuperSpike(100.0), surrogate.InvSquareGrad(100.0)),
             (ne.Gaussian(), surrogate.GaussianGrad())]  # fmt: skip
    for ours, theirs in pairs:
        np.testing.assert_array_equal(ours(x), theirs(x))
        np.testing.assert_allclose(jax.vmap(jax.grad(ours))(x), jax.vmap(jax.grad(theirs))(x), rtol=1e-6)
