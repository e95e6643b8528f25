"""Trainable products as functions: each marks one interaction, units in and out."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
import saiunit as u

from ..ops import Einsum, Embedding, Sparse, dense, diagonal, mark
from ._units import Value, join, marked, shifted, split

Fn = Callable[[Value], Value] | None
Layout = Sparse | tuple[np.ndarray, np.ndarray, tuple[int, int]] | u.sparse.SparseMatrix


def matmul(x: Value, weight: Value, bias: Value | None = None, *, weight_fn: Fn = None, bias_fn: Fn = None) -> Value:
    """`y = x @ f(weight) + bias`, the product marked as trainable.

    Args:
        x: `[..., in]`, spikes or numbers; leading axes share the weight.
        weight: `[in, out]`.
        bias: `[out]` or None, in the product's unit.
        weight_fn, bias_fn: maps of the parameters alone (mask, sign, norm); gradients go through them exactly.

    Returns:
        `[..., out]` in the unit of `x` times that of the weight.

    Raises:
        ValueError: shapes do not fit. UnitMismatchError: the bias has another dimension than the product.
    """
    weight = _through(weight_fn, weight)
    if weight.ndim != 2 or u.math.ndim(x) < 1 or x.shape[-1] != weight.shape[0]:
        raise ValueError(
            f"matmul: x {u.math.shape(x)} does not fit the weight {weight.shape}; "
            "x is [..., in] and the weight [in, out]: check in_size, or whether spikes and inputs were concatenated"
        )
    return shifted(marked(dense(x.ndim), x, weight), bias, bias_fn, "matmul")


def einsum(equation: str, x: Value, weight: Value, *, weight_fn: Fn = None) -> Value:
    """`y = einsum(equation, x, f(weight))`, for instance `"gi,gio->go"` for grouped weights.

    Args:
        equation: two operands, letters only, each once in an operand.
        x, weight: of the shapes that the equation says.

    Raises:
        ValueError: the equation is none of this form, or a shape differs from it.
    """
    op, weight = Einsum(equation), _through(weight_fn, weight)
    _check_einsum(op, x, weight)
    return marked(op, x, weight)


def _check_einsum(op: Einsum, x: Value, weight: Value) -> None:
    sizes: dict[str, int] = {}
    for letters, v, who in zip(op.parts, (x, weight), ("x", "the weight"), strict=False):
        if len(letters) != u.math.ndim(v):
            raise ValueError(f"einsum {op.spec!r}: {who} {u.math.shape(v)} should have the axes '{letters}'")
        for c, n in zip(letters, v.shape, strict=True):
            if sizes.setdefault(c, n) != n:
                raise ValueError(f"einsum {op.spec!r}: axis '{c}' has length {sizes[c]} in x and {n} in the weight")


def element_wise(weight: Value, x: Value | None = None, *, weight_fn: Fn = None) -> Value:
    """`y = f(weight) * x`, position by position; without `x`, `y = f(weight)`: a bias, a leak, a threshold.

    Args:
        weight: of any shape. A scalar is not marked: shared values are traced as every unmarked one is.
        x: of the weight's shape, or None; leading axes beyond it are a batch.

    Raises:
        ValueError: `x` does not end in the weight's shape.
    """
    weight = _through(weight_fn, weight)
    rank = u.math.ndim(weight)
    if rank == 0:
        return weight if x is None else weight * x
    x = jnp.ones_like(u.get_mantissa(weight)) if x is None else x
    if u.math.ndim(x) < rank or x.shape[u.math.ndim(x) - rank :] != weight.shape:
        raise ValueError(f"element_wise: x {u.math.shape(x)} does not end in the shape of the weight {weight.shape}")
    return marked(diagonal(rank), x, weight, example=rank)


def embedding(indices: jax.Array, weight: Value, *, weight_fn: Fn = None) -> Value:
    """`y = f(weight)[indices]`: rows of a table `[num, features]` by integers `[...]` -> `[..., features]`.

    Raises:
        TypeError: the indices are no integers. ValueError: the table has not two axes.
    """
    weight = _through(weight_fn, weight)
    indices, (table, unit) = jnp.asarray(indices), split(weight)
    if not jnp.issubdtype(indices.dtype, jnp.integer):
        raise TypeError(f"embedding: indices must be integers, not {indices.dtype}; cast them with astype(int)")
    if table.ndim != 2:
        raise ValueError(f"embedding: the table {table.shape} should be [num, features]")
    row = lambda i: mark(Embedding(len(table)), i, table)
    for _ in range(indices.ndim):
        row = jax.vmap(row)
    return join(row(indices), unit)


def lora_matmul(
    x: Value, B: Value, A: Value, *, alpha: float = 1.0, bias: Value | None = None,
    b_fn: Fn = None, a_fn: Fn = None, bias_fn: Fn = None,
) -> Value:  # fmt: skip
    """`y = alpha x B A`: a low-rank change of a weight (Hu et al. 2022, https://arxiv.org/abs/2106.09685).

    The product `alpha B A` [in, out] is formed from the parameters alone and marked as one weight, so the trace is a
    dense weight's and the gradients of `B: [in, rank]` and `A: [rank, out]` are exact.

    Raises:
        ValueError: the inner lengths of `B` and `A` differ, or `x` does not end in `in`.
    """
    B, A = _through(b_fn, B), _through(a_fn, A)
    if B.ndim != 2 or A.ndim != 2 or B.shape[1] != A.shape[0]:
        raise ValueError(f"lora_matmul: B {B.shape} and A {A.shape} should be [in, rank] and [rank, out]")
    return matmul(x, alpha * (B @ A), bias, bias_fn=bias_fn)


def sparse_matmul(
    x: Value, weight: Value, sparse_mat: Layout, *, bias: Value | None = None, weight_fn: Fn = None, bias_fn: Fn = None
) -> Value:
    """`y = x @ M`, with one trainable value per stored entry of the sparse matrix `M: [in, out]`.

    Args:
        x: `[..., in]`.
        weight: `[nnz]`, in the order in which the matrix stores its values.
        sparse_mat: CSR, CSC or COO (saiunit, brainevent, scipy, jax), its own values not read, or
            (rows, cols, shape).
        bias: `[out]` or None.

    Raises:
        ValueError: a shape does not fit. TypeError: no known sparse matrix.
    """
    op, weight = sparse_layout(sparse_mat), _through(weight_fn, weight)
    if u.math.shape(weight) != op.rows.shape:
        raise ValueError(
            f"sparse_matmul: the weight {u.math.shape(weight)} should have one value for each of {op.rows.size} entries"
        )
    if u.math.ndim(x) < 1 or x.shape[-1] != op.n_in:
        raise ValueError(f"sparse_matmul: x {u.math.shape(x)} does not fit the matrix ({op.n_in}, {op.n_out})")
    return shifted(marked(op, x, weight, example=1), bias, bias_fn, "sparse_matmul")


def sparse_layout(matrix: Layout) -> Sparse:
    """The rows and columns of a sparse matrix, in the order of its values."""
    match matrix:
        case Sparse():
            return matrix
        case (rows, cols, shape):
            return Sparse(np.asarray(rows), np.asarray(cols), *shape)
        case object(indptr=indptr, indices=indices, shape=shape):
            # saiunit, brainevent and scipy share the names of the fields, not a class
            if "csc" in type(matrix).__name__.lower():
                turned = Sparse.from_csr(indices, indptr, shape[::-1])
                return Sparse(turned.cols, turned.rows, *shape)
            return Sparse.from_csr(indices, indptr, shape)
        case object(row=row, col=col, shape=shape):
            return Sparse(np.asarray(row), np.asarray(col), *shape)
        case object(indices=indices, shape=shape):
            return Sparse(*np.asarray(indices).T, *shape)
    raise TypeError(
        f"sparse_matmul: {type(matrix).__name__} is no sparse matrix; give CSR, CSC, COO or (rows, cols, shape)"
    )


def _through(fn: Fn, w: Value) -> Value:
    w = w if isinstance(w, (jax.Array, u.Quantity)) else jnp.asarray(w)
    return w if fn is None else fn(w)
