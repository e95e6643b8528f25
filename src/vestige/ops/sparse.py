"""Sparse weights: one trainable value per stored synapse."""

from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np

from .operator import Unshared


@dataclass(frozen=True, eq=False)
class Sparse(Unshared):
    """`y[cols] += x[rows] * w`, with `w: [nnz]`; `rows` index the input, `cols` the output. Trace: `[nnz]`."""

    rows: np.ndarray
    cols: np.ndarray
    n_in: int
    n_out: int

    def __post_init__(self) -> None:
        rows, cols = np.asarray(self.rows), np.asarray(self.cols)
        if rows.shape != cols.shape or rows.ndim != 1:
            raise ValueError(f"sparse: rows {rows.shape} and cols {cols.shape} must be two lists of one length")
        if rows.size and (rows.min() < 0 or cols.min() < 0 or rows.max() >= self.n_in or cols.max() >= self.n_out):
            raise ValueError(f"sparse: an index lies outside the matrix ({self.n_in}, {self.n_out})")
        object.__setattr__(self, "rows", rows)
        object.__setattr__(self, "cols", cols)

    @staticmethod
    def from_csr(indices: np.ndarray, indptr: np.ndarray, shape: tuple[int, int]) -> "Sparse":
        """From compressed rows, in the order in which CSR stores its values."""
        rows = np.repeat(np.arange(shape[0]), np.diff(np.asarray(indptr)))
        return Sparse(rows, np.asarray(indices), *shape)

    def apply(self, x: jax.Array, w: jax.Array) -> jax.Array:
        return jax.ops.segment_sum(x[self.rows] * w, jnp.asarray(self.cols), self.n_out)

    def correlate(self, x: jax.Array, g: jax.Array) -> jax.Array:
        return (x[:, self.rows] * g[:, self.cols]).sum(0)

    def at_post(self, v: jax.Array) -> jax.Array:
        return v[self.cols]
