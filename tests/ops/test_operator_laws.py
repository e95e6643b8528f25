"""Law 6 over every operator: `correlate` is the VJP, the unshared layout sums to it, `at_post` is its adjoint."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vestige.ops import Sparse, conv_op, dense, mark
from vestige.ops.einsum import Einsum
from zoo import ALL_OPS, name

K = 2
every_op = pytest.mark.parametrize("case", ALL_OPS, ids=name)


def series(case, seed=0):
    """K inputs and K signals on the output."""
    rng = np.random.default_rng(seed)
    integer = jnp.issubdtype(case.x.dtype, jnp.integer)
    x = rng.integers(0, case.w.shape[0], (K, *case.x.shape)) if integer else rng.normal(size=(K, *case.x.shape))
    y = jax.eval_shape(case.op.apply, case.x, case.w)
    return jnp.asarray(x), jnp.asarray(rng.normal(size=(K, *y.shape)))


@every_op
def test_correlate_is_the_vjp(case):
    x, g = series(case)
    want = jax.vjp(lambda w: jax.vmap(case.op.apply, (0, None))(x, w), case.w)[1](g)[0]
    np.testing.assert_allclose(case.op.correlate(x, g), want, atol=1e-12)


@every_op
def test_the_unshared_layout_sums_to_the_weight(case):
    x, g = series(case)
    np.testing.assert_allclose(case.op.drain(case.op.imprint(x, g)), case.op.correlate(x, g), atol=1e-12)


@every_op
def test_at_post_weighs_the_trace_by_its_output(case):
    """One product for every trace: what scales an output scales the trace entries that feed it."""
    x, g = series(case)
    v = jnp.asarray(np.random.default_rng(1).normal(size=g.shape[1:]))
    e = case.op.imprint(x, g)
    got = case.op.at_post(v) * e
    assert got.shape == e.shape and case.op.at_post(v).ndim == e.ndim
    np.testing.assert_allclose(case.op.drain(got), case.op.correlate(x, v * g), atol=1e-12)


@every_op
def test_the_weight_enters_linearly(case):
    twice = case.op.apply(case.x, 2 * case.w) - 2 * case.op.apply(case.x, case.w)
    np.testing.assert_allclose(twice, 0, atol=1e-12)


@every_op
def test_a_mark_is_an_ordinary_function(case):
    """The same value, derivative and batching as the operator itself, under jit and vmap."""
    x, g = series(case)
    f, plain = lambda w, x: mark(case.op, x, w), lambda w, x: case.op.apply(x, w)
    np.testing.assert_allclose(jax.jit(f)(case.w, case.x), plain(case.w, case.x), atol=1e-12)
    np.testing.assert_allclose(jax.vmap(f, (None, 0))(case.w, x), jax.vmap(plain, (None, 0))(case.w, x), atol=1e-12)
    pull = lambda f: jax.vjp(lambda w: f(w, case.x), case.w)[1](g[0])[0]
    np.testing.assert_allclose(pull(f), pull(plain), atol=1e-12)
    push = lambda f: jax.jvp(lambda w: f(w, case.x), (case.w,), (case.w,))[1]
    np.testing.assert_allclose(push(f), push(plain), atol=1e-12)


@every_op
def test_operators_are_values(case):
    """Static arguments of compiled programs: hashable, and equal to themselves."""
    assert hash(case.op) == hash(case.op) and case.op == case.op


@given(st.sampled_from([1, 2, 3, 5]), st.sampled_from([1, 2, 3, 5]), st.integers(0, 3))
def test_sparse_is_dense_with_zeros(n_in, n_out, seed):
    rng = np.random.default_rng(seed)
    hit = rng.uniform(size=(n_in, n_out)) < 0.6
    rows, cols = np.nonzero(hit)
    w, x, g = rng.normal(size=len(rows)), rng.normal(size=(K, n_in)), rng.normal(size=(K, n_out))
    op, full = Sparse(rows, cols, n_in, n_out), np.zeros((n_in, n_out))
    full[rows, cols] = w
    np.testing.assert_allclose(op.apply(jnp.asarray(x[0]), jnp.asarray(w)), x[0] @ full, atol=1e-12)
    np.testing.assert_allclose(op.correlate(jnp.asarray(x), jnp.asarray(g)), (x.T @ g)[rows, cols], atol=1e-12)


def test_sparse_sums_synapses_between_the_same_pair():
    op = Sparse(np.array([0, 0]), np.array([1, 1]), 1, 2)
    np.testing.assert_allclose(op.apply(jnp.ones(1), jnp.asarray([2.0, 3.0])), [0, 5])


def test_sparse_from_csr_keeps_its_order():
    scipy = pytest.importorskip("scipy.sparse")
    full = np.array([[0.0, 2, 0], [1, 0, 3]])
    csr = scipy.csr_array(full)
    op = Sparse.from_csr(csr.indices, csr.indptr, csr.shape)
    np.testing.assert_allclose(op.apply(jnp.asarray([1.0, 10.0]), jnp.asarray(csr.data)), np.array([1.0, 10.0]) @ full)


@pytest.mark.parametrize(
    "kernel, stride, padding, groups", [(1, 1, "VALID", 2), (2, 2, "VALID", 1), (3, 1, "SAME", 2), (3, 2, "SAME", 1)]
)
def test_convolution_is_its_unrolled_dense_form(kernel, stride, padding, groups):
    rng = np.random.default_rng(0)
    op = conv_op((kernel, kernel), stride, padding, groups=groups)
    x, w = jnp.asarray(rng.normal(size=(3, 5, 2))), jnp.asarray(rng.normal(size=(kernel, kernel, 2 // groups, 4)))
    y = op.apply(x, w)
    matrix = jax.jacobian(lambda x: op.apply(x, w))(x).reshape(y.size, x.size)
    np.testing.assert_allclose((matrix @ x.reshape(-1)).reshape(y.shape), y, atol=1e-12)
    # the weight's gradient, through the dense matrix that the kernel builds
    g = jnp.asarray(rng.normal(size=y.shape))
    build = lambda w: jax.jacobian(lambda x: op.apply(x, w))(x).reshape(y.size, x.size)
    want = jax.vjp(build, w)[1](jnp.outer(g.reshape(-1), x.reshape(-1)))[0]
    np.testing.assert_allclose(op.correlate(x[None], g[None]), want, atol=1e-12)


@pytest.mark.parametrize("rank", [1, 2, 3])
def test_dense_takes_leading_axes(rank):
    x, w = jnp.ones((2, 3, 5)[-rank:]), jnp.ones((5, 2))
    np.testing.assert_allclose(dense(rank).apply(x, w), x @ w)


@pytest.mark.parametrize("spec", ["ii,io->o", "i,io->oo", "i,io->x", "i,j->i", "i,->i", "i io->o", "i,i2->2"])
def test_einsum_refuses_what_it_cannot_invert(spec):
    with pytest.raises(ValueError, match="einsum"):
        Einsum(spec)


def test_bad_operators_say_what_is_wrong():
    with pytest.raises(ValueError, match="1 to 3 space dimensions"):
        conv_op(())
    with pytest.raises(ValueError, match="two lists of one length"):
        Sparse(np.array([0, 1]), np.array([0]), 2, 2)
    with pytest.raises(ValueError, match="outside the matrix"):
        Sparse(np.array([2]), np.array([0]), 2, 2)
