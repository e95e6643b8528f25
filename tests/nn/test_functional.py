"""Function forms: the value of plain numpy, the unit of the product, one mark each."""

import jax
import jax.experimental.sparse as jsparse
import jax.numpy as jnp
import numpy as np
import pytest
import saiunit as u
import scipy.sparse

from vestige.nn import einsum, element_wise, embedding, lora_matmul, matmul, sparse_matmul
from vestige.ops import mark_p

rng = np.random.default_rng(0)
x, w, b = rng.normal(size=3), rng.normal(size=(3, 4)), rng.normal(size=4)
M = np.array([[0.0, 1.5, 2.0], [3.0, 0.0, -4.0]])


def marks(f, *args):
    """Marks in the program of `f`, inner programs included."""

    def count(jaxpr):
        inner = [p for e in jaxpr.eqns for p in e.params.values() if hasattr(p, "jaxpr")]
        return sum(e.primitive is mark_p for e in jaxpr.eqns) + sum(count(p.jaxpr) for p in inner)

    return count(jax.make_jaxpr(f)(*args).jaxpr)


@pytest.mark.parametrize("lead", [(), (2,), (5, 2)])
def test_matmul(lead):
    xs = rng.normal(size=(*lead, 3))
    np.testing.assert_allclose(matmul(xs, w, b), xs @ w + b, rtol=1e-12)
    assert marks(matmul, xs, w, b) == 1


@pytest.mark.parametrize("dtype", [bool, np.int32, np.uint8])
@pytest.mark.parametrize("weight", [np.float32, np.float64])
def test_spikes_of_any_type_take_the_weights_type(dtype, weight):
    y = matmul(np.array([1, 0, 1], dtype), w.astype(weight))
    assert y.dtype == weight
    np.testing.assert_allclose(y, w[0] + w[2], rtol=1e-5)


def test_units_multiply_and_reach_the_gradient():
    y = matmul(x * u.mV, w * u.mS, b * u.uA)
    np.testing.assert_allclose(y.to_decimal(u.uA), x @ w + b, rtol=1e-12)
    assert not isinstance(matmul(x * u.mV, w / u.volt), u.Quantity)
    np.testing.assert_allclose(matmul(x * u.mV, w / u.volt), x @ w * 1e-3)
    g = jax.grad(lambda w: (matmul(x, w) / u.mA).sum())(w * u.mA)
    assert u.get_unit(g) == u.mA
    np.testing.assert_allclose(g.mantissa, np.tile(x[:, None], 4))


def test_functions_of_the_weight_are_differentiated():
    g = jax.grad(lambda w, b: matmul(x, w, b, weight_fn=jnp.abs, bias_fn=jnp.square).sum(), (0, 1))(w, b)
    np.testing.assert_allclose(g[0], x[:, None] * np.sign(w))
    np.testing.assert_allclose(g[1], 2 * b)


def test_einsum_and_lora():
    gx, gw = rng.normal(size=(2, 3)), rng.normal(size=(2, 3, 4))
    np.testing.assert_allclose(einsum("gi,gio->go", gx, gw * u.mA).mantissa, np.einsum("gi,gio->go", gx, gw))
    B, A = rng.normal(size=(3, 2)), rng.normal(size=(2, 4))
    np.testing.assert_allclose(lora_matmul(x, B, A, alpha=0.5, bias=b), 0.5 * x @ B @ A + b)
    assert marks(lambda B, A: lora_matmul(x, B, A), B, A) == 1
    got = jax.grad(lambda B, A: (lora_matmul(x, B, A) ** 2).sum(), (0, 1))(B, A)
    want = jax.grad(lambda B, A: ((x @ B @ A) ** 2).sum(), (0, 1))(B, A)
    jax.tree.map(lambda a, c: np.testing.assert_allclose(a, c, rtol=1e-10), got, want)


def test_element_wise():
    np.testing.assert_allclose(element_wise(b, weight_fn=jnp.exp), np.exp(b))
    np.testing.assert_allclose(element_wise(b * u.mV, np.ones((2, 4))).mantissa, np.stack([b, b]))
    assert marks(element_wise, b) == 1 and marks(element_wise, jnp.asarray(2.0)) == 0
    np.testing.assert_allclose(element_wise(2.0, x), 2 * x)


def test_embedding():
    table = rng.normal(size=(5, 3))
    index = np.array([[0, 4], [2, 2]])
    np.testing.assert_allclose(embedding(index, table * u.mV).mantissa, table[index])
    np.testing.assert_allclose(embedding(3, table), table[3])
    g = jax.grad(lambda t: embedding(index, t).sum())(table)
    np.testing.assert_allclose(g, np.array([1, 0, 2, 0, 1.0])[:, None] * np.ones(3))


@pytest.mark.parametrize(
    "make",
    [
        u.sparse.CSR.fromdense, u.sparse.CSC.fromdense, u.sparse.COO.fromdense, scipy.sparse.csr_array,
        scipy.sparse.csc_array, scipy.sparse.coo_array, jsparse.BCOO.fromdense, jsparse.BCSR.fromdense,
    ],
)  # fmt: skip
def test_sparse_matrices_of_all_makers_keep_the_order_of_their_values(make):
    matrix = make(jnp.asarray(M) if make.__module__.startswith("saiunit") else M)
    xs = rng.normal(size=(3, 2))
    np.testing.assert_allclose(sparse_matmul(xs, matrix.data, matrix), xs @ M)


def test_sparse_by_rows_and_columns():
    rows, cols = np.nonzero(M)
    y = sparse_matmul(np.array([True, True]), M[rows, cols] * u.mA, (rows, cols, M.shape), bias=np.ones(3) * u.mA)
    np.testing.assert_allclose(y.mantissa, M.sum(0) + 1)


@pytest.mark.parametrize(
    "call, says",
    [
        (lambda: matmul(np.ones(2), w), "in_size"),
        (lambda: matmul(1.0, w), "does not fit"),
        (lambda: sparse_matmul(np.ones(2), np.ones(2), scipy.sparse.csr_array(M)), "each of 4"),
        (lambda: sparse_matmul(np.ones(3), np.ones(4), scipy.sparse.csr_array(M)), "does not fit the matrix"),
        (lambda: lora_matmul(x, w, w), "rank"),
        (lambda: einsum("i,io->o", np.ones(2), w), "axis 'i'"),
        (lambda: einsum("i,io->o", np.ones((2, 2)), w), "axes 'i'"),
        (lambda: element_wise(b, np.ones(3)), "does not end"),
        (lambda: embedding(1, np.ones(3)), "num, features"),
    ],
)
def test_shapes_that_do_not_fit(call, says):
    with pytest.raises(ValueError, match=says):
        call()


def test_other_mistakes():
    with pytest.raises(u.UnitMismatchError, match="give the bias"):
        matmul(x, w * u.mA, b * u.mV)
    with pytest.raises(TypeError, match="integers"):
        embedding(1.0, w)
    with pytest.raises(TypeError, match="no sparse matrix"):
        sparse_matmul(x, w, 3)
