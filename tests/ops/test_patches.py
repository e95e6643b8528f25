"""Convolutions as products of patches: every option of `jax.lax.conv_general_dilated`, both derivatives, in parts."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from vestige.ops import conv_op, patches
from vestige.ops.conv import _convolution, _matrices

SHAPES = [
    ((7,), (3,), 2, "SAME", 1, 2),
    ((6, 9), (3, 2), 1, 1, 2, 1),
    ((6, 9), (3, 2), 2, [(-1, 2), (0, 1)], 1, 2),
    ((6, 7), (2, 3), 3, "VALID", 2, 1),
    ((4, 3, 5), (2, 1, 3), (1, 2, 1), "SAME", 1, 1),
]


def draws(space, kernel, stride, padding, dilation, groups):
    rng = np.random.default_rng(0)
    op = conv_op(kernel, stride, padding, dilation, groups)
    x = jnp.asarray(rng.normal(size=(5, *space, 4)))
    w = jnp.asarray(rng.normal(size=(*kernel, 4 // groups, 6)))
    return op, x, w, jnp.asarray(rng.normal(size=_convolution(op, x, w).shape))


@pytest.mark.parametrize("options", SHAPES, ids=str)
def test_products_of_patches_are_the_convolution(options):
    op, x, w, g = draws(*options)
    np.testing.assert_allclose(jax.jit(partial(_matrices, op))(x, w), _convolution(op, x, w), atol=1e-12)
    mapped = lambda x, w: jnp.vdot(jax.vmap(op.apply, (0, None))(x, w), g)
    plain = lambda x, w: jnp.vdot(_convolution(op, x, w), g)
    both = lambda f: jax.jit(lambda x, w: (jax.grad(f, (0, 1))(x, w), jax.jvp(f, (x, w), (x, w))))(x, w)
    (wanted, pushed), (found, ours) = both(plain), both(mapped)
    assert all(float(abs(a).max()) > 0.1 for a in wanted)
    jax.tree.map(partial(np.testing.assert_allclose, rtol=1e-11, atol=1e-12), (found, ours), (wanted, pushed))


@pytest.mark.parametrize("images", [1, 2, 3, 5])
def test_parts_add_up(images, monkeypatch):
    """Also where the last part is smaller than the others."""
    op, x, w, g = draws(*SHAPES[1])
    wanted = jax.linear_transpose(partial(_convolution, op, x), w)(g)[0]
    monkeypatch.setattr(patches, "AT_ONCE", images * g[0, ..., 0].size * 6 * 4 * 8)
    loops = str(jax.make_jaxpr(op.correlate)(x, g)).count("scan[")
    assert loops == (images < 3)
    np.testing.assert_allclose(op.correlate(x, g), wanted, atol=1e-12)


def test_a_convolution_can_be_differentiated_twice():
    op, x, w, _ = draws(*SHAPES[0])
    found = jax.jit(jax.hessian(lambda w: jnp.sum(jnp.tanh(op.apply(x[0], w)))))(w)
    wanted = jax.jit(jax.hessian(lambda w: jnp.sum(jnp.tanh(_convolution(op, x[:1], w)))))(w)
    np.testing.assert_allclose(found, wanted, atol=1e-12)
    assert float(abs(wanted).max()) > 0.1


def test_a_gradient_keeps_inputs_rather_than_patches():
    """Of ten steps of reverse mode; patches would be nine times the inputs."""
    op = conv_op((3, 3))
    xs, w = jnp.ones((10, 8, 8, 4)), jnp.ones((3, 3, 4, 4))
    _, pull = jax.vjp(lambda w: jax.lax.scan(lambda s, x: (s + op.apply(x, w), None), jnp.zeros((8, 8, 4)), xs)[0], w)
    kept = sum(a.size for a in jax.tree.leaves(pull) if hasattr(a, "size"))
    assert kept <= 2 * xs.size
