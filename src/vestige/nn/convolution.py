"""Convolutions in one to three dimensions, as a function and as layers; one example or a batch."""

from collections.abc import Callable, Sequence

import brainstate
import jax
import saiunit as u

from ..ops import Conv, conv_op
from ._init import Initializer, Size, size, weight_and_bias, xavier
from ._units import Value, join, marked, shifted, split

Padding = str | int | Sequence[int] | Sequence[tuple[int, int]]
Fn = Callable[[Value], Value] | None


def conv(
    x: Value, kernel: Value, bias: Value | None = None, *, strides: int | Sequence[int] = 1, padding: Padding = "SAME",
    lhs_dilation: int | Sequence[int] = 1, rhs_dilation: int | Sequence[int] = 1, feature_group_count: int = 1,
    batch_group_count: int = 1, dimension_numbers: tuple[str, str, str] | None = None, kernel_fn: Fn = None,
    bias_fn: Fn = None,
) -> Value:  # fmt: skip
    """`y = conv(x, f(kernel)) + bias`, marked as trainable; the equation is `jax.lax.conv_general_dilated`'s.

    Args:
        x: `[*space, in]`, or `[batch, *space, in]` by its rank.
        kernel: `[*window, in / groups, out]`, 1 to 3 window axes.
        bias: `[out]` or None, in the product's unit.
        padding: "SAME", "VALID", a number, a (low, high) pair for all axes, or a pair for each.
        lhs_dilation: zeros put between the inputs (a transposed convolution); pad by numbers then.
        dimension_numbers: as in JAX for another layout, e.g. `("NCHW", "OIHW", "NCHW")`; channels last by default.

    Raises:
        ValueError: shapes do not fit, or `batch_group_count` is not 1.
    """
    if batch_group_count != 1:
        raise ValueError("conv: batch_group_count regroups a batch, which one example does not have; use 1")
    kernel = kernel if kernel_fn is None else kernel_fn(kernel)
    n = kernel.ndim - 2
    lhs, rhs, out = dimension_numbers or _last(n)
    space = "".join(c for c in rhs if c not in "IO")
    batch = "" if x.ndim == n + 1 else "N"
    x = _moved(x, lhs if batch else lhs.replace("N", ""), f"{batch}{space}C")
    kernel = _moved(kernel, rhs, f"{space}IO")
    op = conv_op(kernel.shape[:-2], strides, _pairs(padding, n), _each(rhs_dilation, n), feature_group_count)
    _check(op, x, kernel)
    y = marked(op, _spread(x, _each(lhs_dilation, n)), kernel, example=n + 1)
    y = shifted(y, bias, bias_fn, "conv")
    return _moved(y, f"{batch}{space}C", out if batch else out.replace("N", ""))


def _last(n: int) -> tuple[str, str, str]:
    axes = "DHW"[3 - n :]
    return f"N{axes}C", f"{axes}IO", f"N{axes}C"


def _moved(v: Value, have: str, want: str) -> Value:
    if len(have) != v.ndim or set(have) != set(want):
        raise ValueError(f"conv: an array of shape {v.shape} cannot have the axes '{have}' where '{want}' are needed")
    return v if have == want else u.math.transpose(v, [have.index(c) for c in want])


def _each(v: int | Sequence[int] | None, n: int) -> tuple[int, ...]:
    return tuple(v) if isinstance(v, Sequence) else (v or 1,) * n


def _pairs(padding: Padding, n: int) -> str | int | Sequence[tuple[int, int]]:
    if isinstance(padding, (str, int)):
        return padding
    pairs = [tuple(padding)] if isinstance(padding[0], int) else [tuple(p) for p in padding]
    return pairs * n if len(pairs) == 1 else pairs


def _spread(x: Value, dilation: tuple[int, ...]) -> Value:
    """Zeros between the inputs, so that the operator itself need not know of them."""
    if set(dilation) == {1}:
        return x
    x, unit = split(x)
    gaps = [0] * (x.ndim - 1 - len(dilation)) + [d - 1 for d in dilation] + [0]
    return join(jax.lax.pad(x, x.dtype.type(0), [(0, 0, gap) for gap in gaps]), unit)


def _check(op: Conv, x: Value, kernel: Value) -> None:
    if x.shape[-1] != kernel.shape[-2] * op.groups or kernel.shape[-1] % op.groups:
        raise ValueError(
            f"conv: x {x.shape} has {x.shape[-1]} channels, the kernel {kernel.shape} in {op.groups} group(s) takes "
            f"{kernel.shape[-2] * op.groups}; the layout is channels last, and out must divide by the groups"
        )


class _Conv(brainstate.nn.Module):
    """A convolution layer, `y = conv(x, weight * w_mask) + bias`, that learns online exactly (one trace per position).

    Args:
        in_size: shape of one input, `(*space, channels)`, or `(channels, *space)` with `channel_first`.
        out_channels: number of features.
        kernel_size: one number or one per space axis.
        stride, padding, lhs_dilation, rhs_dilation, groups: as for `vestige.conv`.
        w_init, b_init: a callable of the shape, an array or a number, with a unit or without; `b_init=None`: no bias.
        w_mask: `[*kernel, in / groups, out]` or None.
        channel_first: the layout of inputs and outputs; the weight stays `[*kernel, in / groups, out]`.
        param_type: the state class of the weight.

    Attributes:
        weight: `{'weight': [*kernel, in / groups, out], 'bias': [out]}`.
        out_size: shape of one output.
    """

    rank: int

    def __init__(
        self, in_size: Size, out_channels: int, kernel_size: int | Sequence[int], stride: int | Sequence[int] = 1,
        padding: Padding = "SAME", lhs_dilation: int | Sequence[int] = 1, rhs_dilation: int | Sequence[int] = 1,
        groups: int = 1, w_init: Initializer = xavier, b_init: Initializer | None = None, w_mask: Value | None = None,
        channel_first: bool = False, name: str | None = None, param_type: type = brainstate.ParamState,
    ) -> None:  # fmt: skip
        super().__init__(name=name)
        self.in_size, self.out_channels, self.w_mask = size(in_size), out_channels, w_mask
        where, kernel = type(self).__name__, _each(kernel_size, self.rank)
        if len(self.in_size) != self.rank + 1 or len(kernel) != self.rank:
            raise ValueError(f"{where}: in_size {self.in_size} should have {self.rank} space axes and the channels")
        channels = self.in_size[0 if channel_first else -1]
        self.in_channels, self.kernel_size = channels, kernel
        axes = "DHW"[3 - self.rank :]
        layout = f"NC{axes}" if channel_first else f"N{axes}C"
        self.options = dict(
            strides=stride, padding=padding, lhs_dilation=lhs_dilation, rhs_dilation=rhs_dilation,
            feature_group_count=groups, dimension_numbers=(layout, f"{axes}IO", layout),
        )  # fmt: skip
        shape = (*kernel, channels // groups, out_channels)
        self.weight = param_type(weight_and_bias(w_init, b_init, shape, (out_channels,), where))
        value = self.weight.value
        out = jax.eval_shape(self._apply, jax.ShapeDtypeStruct(self.in_size, value["weight"].dtype), value)
        self.out_size = out.shape

    def update(self, x: Value) -> Value:
        """`[*in_size]` or `[batch, *in_size]` to `[*out_size]` or `[batch, *out_size]`."""
        return self._apply(x, self.weight.value)

    def _apply(self, x: Value, w: dict[str, Value]) -> Value:
        masked = None if self.w_mask is None else lambda k: k * self.w_mask
        return conv(x, w["weight"], w.get("bias"), kernel_fn=masked, **self.options)


class Conv1d(_Conv):
    __doc__ = _Conv.__doc__
    rank = 1


class Conv2d(_Conv):
    __doc__ = _Conv.__doc__
    rank = 2


class Conv3d(_Conv):
    __doc__ = _Conv.__doc__
    rank = 3
