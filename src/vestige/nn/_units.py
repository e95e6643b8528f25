"""Where units leave and return: a marked product sees plain arrays of one dtype."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
import saiunit as u

from ..ops import Operator, mark

Value = jax.Array | np.ndarray | u.Quantity


def split(v: Value) -> tuple[jax.Array, u.Unit]:
    """A value as (array, unit)."""
    return jnp.asarray(u.get_mantissa(v)), u.get_unit(v)


def join(v: jax.Array, unit: u.Unit) -> Value:
    """The value back in its unit; a plain array when there is none."""
    return v if unit.is_unitless and unit.scale == 0 else u.maybe_decimal(u.Quantity(v, unit=unit))


def marked(op: Operator, x: Value, w: Value, example: int | None = None) -> Value:
    """`op.apply(x, w)` as a trainable edge, in the product's unit.

    Spikes may be booleans or integers: both sides take the dtype that they promote to. `example` is the rank of one
    example when leading axes of `x` are a batch that shares the weight.
    """
    (x, x_unit), (w, w_unit) = split(x), split(w)
    dtype = jnp.promote_types(x.dtype, w.dtype)
    x, w = x.astype(dtype), w.astype(dtype)
    call = lambda x: mark(op, x, w)
    for _ in range(x.ndim - example if example is not None else 0):
        call = jax.vmap(call)
    return join(call(x), x_unit * w_unit)


def shifted(y: Value, bias: Value | None, bias_fn: Callable[[Value], Value] | None, where: str) -> Value:
    """`y + bias`, the bias being an ordinary parameter: it is traced by its position, not by a mark."""
    if bias is None:
        return y
    bias = bias if bias_fn is None else bias_fn(bias)
    if not u.have_same_dim(y, bias):
        raise u.UnitMismatchError(
            f"{where}: the product has the unit {u.get_unit(y)}, the bias {u.get_unit(bias)}; give the bias that unit"
        )
    return y + bias
