"""Convolutions against JAX's own, in every layout."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import saiunit as u

from vestige.nn import Conv1d, Conv2d, Conv3d, conv

rng = np.random.default_rng(1)


def reference(x, k, n, strides, padding, lhs=None, rhs=None, groups=1):
    axes = "DHW"[3 - n :]
    numbers = (f"N{axes}C", f"{axes}IO", f"N{axes}C")
    return jax.lax.conv_general_dilated(x, k, strides, padding, lhs, rhs, numbers, groups)


@pytest.mark.parametrize("n", [1, 2, 3])
@pytest.mark.parametrize("padding", ["SAME", "VALID", 1, (1, 0)])
def test_one_example_and_a_batch(n, padding):
    x, k = rng.normal(size=(2, *(5,) * n, 4)), rng.normal(size=(*(3,) * n, 2, 6))
    pairs = padding if isinstance(padding, str) else [(1, 1) if padding == 1 else padding] * n
    want = reference(x, k, n, (2,) * n, pairs, groups=2)
    got = conv(x * u.mV, k, strides=2, padding=padding, feature_group_count=2)
    np.testing.assert_allclose(got.to_decimal(u.mV), want, atol=1e-12)
    np.testing.assert_allclose(conv(x[0], k, strides=2, padding=padding, feature_group_count=2), want[0], atol=1e-12)


def test_dilations():
    x, k = rng.normal(size=(2, 6, 7, 3)), rng.normal(size=(2, 2, 3, 4))
    want = reference(x, k, 2, (1, 1), [(1, 2), (0, 1)], (2, 3), (1, 2))
    got = conv(x, k, padding=[(1, 2), (0, 1)], lhs_dilation=(2, 3), rhs_dilation=(1, 2))
    np.testing.assert_allclose(got, want, atol=1e-12)


def test_another_layout():
    x, k, b = rng.normal(size=(2, 3, 6, 7)), rng.normal(size=(4, 3, 2, 2)), rng.normal(size=4)
    numbers = ("NCHW", "OIHW", "NCHW")
    want = jax.lax.conv_general_dilated(x, k, (1, 1), "SAME", dimension_numbers=numbers) + b[:, None, None]
    np.testing.assert_allclose(conv(x, k, b, dimension_numbers=numbers), want, atol=1e-12)
    np.testing.assert_allclose(conv(x[1], k, b, dimension_numbers=numbers), want[1], atol=1e-12)


def test_spikes_and_gradient():
    x, k = rng.random((5, 5, 2)) < 0.5, rng.normal(size=(3, 3, 2, 1))
    got = jax.grad(lambda k: (conv(x, k) ** 2).sum())(k)
    want = jax.grad(lambda k: (reference(x[None].astype(float), k, 2, (1, 1), "SAME") ** 2).sum())(k)
    np.testing.assert_allclose(got, want, atol=1e-12)


@pytest.mark.parametrize("layer, n", [(Conv1d, 1), (Conv2d, 2), (Conv3d, 3)])
@pytest.mark.parametrize("first", [False, True])
def test_layers(layer, n, first):
    space = (6, 5, 4)[:n]
    size = (2, *space) if first else (*space, 2)
    mask = np.zeros((*(3,) * n, 2, 4))
    mask[..., 0, :] = 1
    m = layer(size, 4, 3, stride=2, padding=1, b_init=lambda s: jnp.arange(4.0), w_mask=mask, channel_first=first)
    x = rng.normal(size=(3, *size))
    y = m(x)
    assert y.shape == (3, *m.out_size) and m(x[0]).shape == m.out_size
    last = np.moveaxis(x, 1, -1) if first else x
    want = reference(last, m.weight.value["weight"] * mask, n, (2,) * n, [(1, 1)] * n) + np.arange(4.0)
    np.testing.assert_allclose(y, np.moveaxis(want, -1, 1) if first else want, atol=1e-12)


@pytest.mark.parametrize(
    "call",
    [
        lambda: conv(np.ones((5, 5, 3)), np.ones((3, 3, 2, 4))),
        lambda: conv(np.ones((5, 3)), np.ones((3, 3, 3, 4))),
        lambda: conv(np.ones((5, 5, 3)), np.ones((3, 3, 3, 4)), batch_group_count=2),
        lambda: conv(np.ones((5, 5, 5, 5, 3)), np.ones((1, 1, 1, 1, 3, 4))),
        lambda: Conv2d((5, 5), 4, 3),
        lambda: Conv2d((5, 5, 3), 4, 3, w_init=np.ones((3, 3))),
    ],
)
def test_what_does_not_fit(call):
    with pytest.raises(ValueError, match=r"conv|Conv|axes|dimensions"):
        call()
