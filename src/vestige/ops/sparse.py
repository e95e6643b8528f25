"""Sparse weights: one trainable value per stored synapse."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.custom_batching import sequential_vmap
from jax.custom_derivatives import SymbolicZero

from .events import CHUNK, add_at, few, take, walk
from .operator import Unshared


@dataclass(frozen=True, eq=False)
class Sparse(Unshared):
    """`y[cols] += x[rows] * w`, with `w: [nnz]`; `rows` index the input, `cols` the output. Trace: `[nnz]`.

    Where synapses are ordered by `rows`, as CSR is, and few inputs differ from zero, as of spiking neurons, only the synapses of
    these are visited: the same sums in the same order. `chunk`: how many at once; of fewer than four times that, all are.
    """

    rows: jax.Array
    cols: jax.Array
    n_in: int
    n_out: int
    chunk: int = CHUNK
    start: jax.Array | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        rows, cols = np.asarray(self.rows), np.asarray(self.cols)
        if rows.shape != cols.shape or rows.ndim != 1:
            raise ValueError(f"sparse: rows {rows.shape} and cols {cols.shape} must be two lists of one length")
        if rows.size and (rows.min() < 0 or cols.min() < 0 or rows.max() >= self.n_in or cols.max() >= self.n_out):
            raise ValueError(f"sparse: an index lies outside the matrix ({self.n_in}, {self.n_out})")
        # one array on the device, which every program takes as it is; numpy's would be written into each
        with jax.ensure_compile_time_eval():
            object.__setattr__(self, "rows", jnp.asarray(rows, np.int32))
            object.__setattr__(self, "cols", jnp.asarray(cols, np.int32))
            if rows.size >= 4 * self.chunk and (rows[1:] >= rows[:-1]).all():
                start = np.searchsorted(rows, np.arange(self.n_in + 1))
                object.__setattr__(self, "start", jnp.asarray(start, np.int32))

    @staticmethod
    def from_csr(indices: np.ndarray, indptr: np.ndarray, shape: tuple[int, int]) -> "Sparse":
        """From compressed rows, in the order in which CSR stores its values."""
        rows = np.repeat(np.arange(shape[0], dtype=np.int32), np.diff(np.asarray(indptr)))
        return Sparse(rows, np.asarray(indices), *shape)  # type: ignore[arg-type]

    def apply(self, x: jax.Array, w: jax.Array) -> jax.Array:
        return self._apply_all(x, w) if self.start is None else _apply(self, x, w)

    def _apply_all(self, x: jax.Array, w: jax.Array) -> jax.Array:
        return add_at(jnp.zeros(self.n_out, jnp.result_type(x, w)), self.cols, take(x, self.rows) * w)

    def correlate(self, x: jax.Array, g: jax.Array) -> jax.Array:
        return self._correlate_all(x, g) if self.start is None else _cheaper(self, _CORRELATE, x, g)

    def _correlate_all(self, x: jax.Array, g: jax.Array) -> jax.Array:
        # some steps at a time: of all at once the compiler makes [K, nnz], at ten times the cost
        return self._over(lambda e, x, g: e + take(x, self.rows) * take(g, self.cols), x, g, unroll=8)

    def _correlate_events(self, x: jax.Array, g: jax.Array) -> jax.Array:
        def step(e: jax.Array, x: jax.Array, g: jax.Array) -> jax.Array:
            add = lambda e, x, s, real: add_at(e, s, jnp.where(real, x * take(g, take(self.cols, s)), 0))
            return walk(self.start, x, self.chunk, add, e)  # type: ignore[arg-type]

        return self._over(step, x, g)

    def _over(self, add: Callable[..., jax.Array], x: jax.Array, g: jax.Array, unroll: int = 1) -> jax.Array:
        zero = jnp.zeros(self.cols.shape, jnp.result_type(x, g))
        return jax.lax.scan(lambda e, now: (add(e, *now), None), zero, (x, g), unroll=unroll)[0]

    def _apply_events(self, x: jax.Array, w: jax.Array) -> jax.Array:
        add = lambda y, x, s, real: add_at(y, take(self.cols, s), jnp.where(real, x * take(w, s), 0))
        zero = jnp.zeros(self.n_out, jnp.result_type(x, w))
        return walk(self.start, x, self.chunk, add, zero)  # type: ignore[arg-type]

    def at_post(self, v: jax.Array) -> jax.Array:
        return take(v, self.cols)


class Ways(NamedTuple):
    """One product, over all synapses and over those of few inputs."""

    whole: Callable[[Sparse, jax.Array, jax.Array], jax.Array]
    events: Callable[[Sparse, jax.Array, jax.Array], jax.Array]


_APPLY = Ways(Sparse._apply_all, Sparse._apply_events)
_CORRELATE = Ways(Sparse._correlate_all, Sparse._correlate_events)


def _cheaper(op: Sparse, ways: Ways, x: jax.Array, b: jax.Array) -> jax.Array:
    """By events on a CPU, where they are few; an accelerator is done with all before it has sorted them out."""
    whole, events = partial(ways.whole, op), partial(ways.events, op)

    @sequential_vmap  # mapped, a condition would be run both ways
    def on_cpu(x: jax.Array, b: jax.Array) -> jax.Array:
        return jax.lax.cond(few(op.start, x.reshape(-1, op.n_in)), events, whole, x, b)  # type: ignore[arg-type]

    return jax.lax.platform_dependent(x, b, cpu=on_cpu, default=whole)


@partial(jax.custom_jvp, nondiff_argnums=(0,))
def _apply(op: Sparse, x: jax.Array, w: jax.Array) -> jax.Array:
    return _cheaper(op, _APPLY, x, w)


def _jvp(op: Sparse, primals: Any, tangents: Any) -> Any:
    (x, w), (dx, dw) = primals, tangents
    pairs = [] if isinstance(dx, SymbolicZero) else [(dx, w)]
    pairs += [] if isinstance(dw, SymbolicZero) else [(x, dw)]
    return _apply(op, x, w), sum((op._apply_all(*p) for p in pairs[1:]), op._apply_all(*pairs[0]))


_apply.defjvp(_jvp, symbolic_zeros=True)
