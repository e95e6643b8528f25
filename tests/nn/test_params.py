"""Class forms: what `execute` computes, and what a trained value may be."""

import brainstate
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import saiunit as u
import scipy.sparse

from vestige.nn import (
    ConvOp,
    ElemWiseOp,
    ElemWiseParam,
    ETraceParam,
    LoraOp,
    MatMulOp,
    NonTempParam,
    SpMatMulOp,
    conv,
    untraced,
)  # fmt: skip
from vestige.ops import mark_p, untraced_p

rng = np.random.default_rng(2)
x, w, b = rng.normal(size=3), rng.normal(size=(3, 4)), rng.normal(size=4)
M = scipy.sparse.csr_array(np.array([[0.0, 1.0], [2.0, 3.0], [0.0, 4.0]]))


def test_a_bare_array_and_a_dict():
    np.testing.assert_allclose(ETraceParam(jnp.asarray(w), MatMulOp()).execute(x), x @ w)
    p = ETraceParam({"weight": w * u.mA, "bias": b * u.mA}, MatMulOp())
    np.testing.assert_allclose(p.execute(x).to_decimal(u.mA), x @ w + b)
    assert isinstance(p, brainstate.ParamState)


def test_masks_and_weight_functions_come_in_the_order_asked():
    mask, fn = (w > 0).astype(float), lambda w: w + 1.0
    np.testing.assert_allclose(MatMulOp(mask, fn)(x, w), x @ (w * mask + 1))
    np.testing.assert_allclose(MatMulOp(mask, fn, apply_weight_fn_before_mask=True)(x, w), x @ ((w + 1) * mask))


def test_the_other_operators():
    data = np.array([1.0, 2.0, 3.0, 4.0])
    y = ETraceParam({"weight": data, "bias": np.ones(2)}, SpMatMulOp(M, weight_fn=jnp.square)).execute(x)
    squared = M.copy()
    squared.data = data**2
    np.testing.assert_allclose(y, x @ squared.toarray() + 1)
    B, A = rng.normal(size=(3, 2)), rng.normal(size=(2, 4))
    np.testing.assert_allclose(ETraceParam({"B": B, "A": A}, LoraOp(0.5)).execute(x), 0.5 * x @ B @ A)
    np.testing.assert_allclose(ETraceParam({"B": B, "A": A, "bias": b}, LoraOp()).execute(x), x @ B @ A + b)
    image, k = rng.normal(size=(2, 5, 5, 3)), rng.normal(size=(3, 3, 3, 2))
    op = ConvOp(
        jax.ShapeDtypeStruct(image.shape, float), (2, 2), "SAME", weight_mask=np.ones_like(k), weight_fn=jnp.abs
    )
    np.testing.assert_allclose(ETraceParam({"weight": k}, op).execute(image), conv(image, np.abs(k), strides=2))
    np.testing.assert_allclose(op(image[0], k), conv(image[0], np.abs(k), strides=2))


def test_elementwise_parameters_take_no_input():
    np.testing.assert_allclose(ElemWiseParam(jnp.asarray(b) * u.mV).execute().mantissa, b)
    np.testing.assert_allclose(ElemWiseParam(b, ElemWiseOp(jnp.exp)).execute(), np.exp(b))
    np.testing.assert_allclose(ElemWiseParam({"weight": b}, jnp.tanh).execute(), np.tanh(b))


def test_any_callable_is_an_operator():
    np.testing.assert_allclose(ETraceParam(w, lambda x, w: x @ w).execute(x), x @ w)


def test_untraced_values_say_so_in_the_program_and_keep_their_unit():
    p = NonTempParam({"weight": w * u.mV, "bias": b * u.mV}, MatMulOp())
    np.testing.assert_allclose(p.execute(x).mantissa, x @ w + b)
    assert u.get_unit(untraced(p)["weight"]) == u.mV
    eqns = jax.make_jaxpr(lambda w: MatMulOp()(x, untraced(w)))(w).eqns
    assert [e.primitive for e in eqns if e.primitive in (untraced_p, mark_p)] == [untraced_p, mark_p]
    g = jax.grad(lambda w: (untraced(w) ** 2).sum())(w)
    np.testing.assert_allclose(g, 2 * w)
    np.testing.assert_allclose(jax.vmap(untraced)(w), w)


def test_an_optimiser_finds_them():
    class Net(brainstate.nn.Module):
        def __init__(self):
            super().__init__()
            self.p = ETraceParam({"weight": jnp.asarray(w), "bias": jnp.asarray(b)}, MatMulOp())

        def update(self, x):
            return self.p.execute(x)

    net = Net()
    weights = net.states(brainstate.ParamState)
    g = brainstate.transform.grad(lambda: net(x).sum(), weights)()
    np.testing.assert_allclose(g[("p",)]["weight"], np.tile(x[:, None], 4))


@pytest.mark.parametrize(
    "call, error",
    [
        (lambda: MatMulOp()(x, {"w": w}), KeyError),
        (lambda: LoraOp()(x, {"B": w}), KeyError),
        (lambda: ETraceParam(w, "matmul"), TypeError),
        (lambda: MatMulOp()(x, {"weight": w.T}), ValueError),
        (lambda: ConvOp(jax.ShapeDtypeStruct((5, 5, 3), float))(np.ones((4, 4, 3)), np.ones((3, 3, 3, 2))), ValueError),
    ],
)
def test_mistakes(call, error):
    with pytest.raises(error):
        call()
