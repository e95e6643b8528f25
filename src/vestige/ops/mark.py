"""The one primitive: a mark in the program that says `this interaction is trainable`."""

from typing import Any

import jax

from .._compat import Primitive, ShapedArray, ad, batching, mlir
from .operator import Mapped, Operator

mark_p = Primitive("mark")
untraced_p = Primitive("untraced")


def mark(op: Operator, x: jax.Array, w: jax.Array) -> jax.Array:
    """`op.apply(x, w)`, visible to `trace_graph` as a trainable edge. Differentiable and batchable like any JAX function."""
    return mark_p.bind(x, w, op=op)


def _apply(x: Any, w: Any, *, op: Operator) -> Any:
    return op.apply(x, w)


def _shape(x: Any, w: Any, *, op: Operator) -> ShapedArray:
    out = jax.eval_shape(op.apply, x, w)
    return ShapedArray(out.shape, out.dtype)


def _jvp(primals: Any, tangents: Any, *, op: Operator) -> Any:
    return jax.jvp(op.apply, tuple(primals), tuple(ad.instantiate_zeros(t) for t in tangents))


def _batch(args: Any, dims: Any, *, op: Operator) -> Any:
    on = [d is not None for d in dims]
    args = [jax.numpy.moveaxis(a, d, 0) if m else a for a, d, m in zip(args, dims, on)]
    return mark_p.bind(*args, op=Mapped(op, *on)), 0


def untraced(value: jax.Array) -> jax.Array:
    """The same value, without an eligibility trace: what is computed from it gets its own step's gradient only."""
    return untraced_p.bind(value)


mark_p.def_impl(_apply)
mark_p.def_abstract_eval(_shape)
mlir.register_lowering(mark_p, mlir.lower_fun(_apply, multiple_results=False))
ad.primitive_jvps[mark_p] = _jvp
batching.primitive_batchers[mark_p] = _batch

untraced_p.def_impl(lambda v: v)
untraced_p.def_abstract_eval(lambda v: v)
mlir.register_lowering(untraced_p, mlir.lower_fun(lambda v: v, multiple_results=False))
ad.deflinear2(untraced_p, lambda t, v: [t])
batching.defvectorized(untraced_p)
