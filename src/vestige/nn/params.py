"""Parameters that carry their operator, in the class form of the tutorials: `ETraceParam(weights, op).execute(x)`."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import brainstate
import jax
import saiunit as u

from .. import ops
from ._units import Value
from .convolution import conv
from .functional import Layout, element_wise, lora_matmul, matmul, sparse_matmul

Weights = Value | dict[str, Value]
Op = Callable[[Value, Weights], Value]


def _same(w: Value) -> Value:
    return w


def _named(weights: Weights, op: str, *names: str) -> list[Value | None]:
    """The entries of a weight dict; a bare array stands for the first."""
    if not isinstance(weights, dict):
        weights = {names[0]: weights}
    if missing := [n for n in names if n != "bias" and n not in weights]:
        raise KeyError(
            f"{op}: the weights {sorted(weights)} lack {missing}; give a dict with {list(names)} (bias if wanted)"
        )
    return [weights.get(n) for n in names]


@dataclass(frozen=True, eq=False)
class MatMulOp:
    """`y = x @ f(weight * mask) + bias`; weights `{'weight': [in, out], 'bias': [out]}` (bias optional) or an array.

    Args:
        weight_mask: `[in, out]` or None.
        weight_fn: a map of the weight alone, e.g. `abs` for a sign.
        apply_weight_fn_before_mask: `f(weight) * mask` instead.
    """

    weight_mask: Value | None = None
    weight_fn: Callable[[Value], Value] = _same
    apply_weight_fn_before_mask: bool = False

    def __call__(self, x: Value, w: Weights) -> Value:
        weight, bias = _named(w, "MatMulOp", "weight", "bias")
        return matmul(x, weight, bias, weight_fn=self._shaped)

    def _shaped(self, w: Value) -> Value:
        if self.weight_mask is None:
            return self.weight_fn(w)
        if self.apply_weight_fn_before_mask:
            return self.weight_fn(w) * self.weight_mask
        return self.weight_fn(w * self.weight_mask)


@dataclass(frozen=True, eq=False)
class ConvOp:
    """A convolution; weights `{'weight': [*kernel, in / groups, out], 'bias': [out]}` (bias optional) or a bare array.

    `xinfo` is the shape of one input (with a batch axis or not) or None, and is only checked. The other arguments are
    those of `vestige.conv`; the layout is channels last unless `dimension_numbers` says otherwise.
    """

    xinfo: jax.ShapeDtypeStruct | None = None
    window_strides: int | Sequence[int] = 1
    padding: str | int | Sequence = "SAME"
    lhs_dilation: Sequence[int] | None = None
    rhs_dilation: Sequence[int] | None = None
    feature_group_count: int = 1
    batch_group_count: int = 1
    dimension_numbers: tuple[str, str, str] | None = None
    weight_mask: Value | None = None
    weight_fn: Callable[[Value], Value] = _same

    def __call__(self, x: Value, w: Weights) -> Value:
        weight, bias = _named(w, "ConvOp", "weight", "bias")
        example = weight.ndim - 1
        if self.xinfo is not None and self.xinfo.shape[-example:] != x.shape[-example:]:
            raise ValueError(f"ConvOp: built for inputs like {self.xinfo.shape}, called with {x.shape}")
        mask = self.weight_mask
        return conv(
            x, weight, bias, strides=self.window_strides, padding=self.padding, lhs_dilation=self.lhs_dilation,
            rhs_dilation=self.rhs_dilation, feature_group_count=self.feature_group_count,
            batch_group_count=self.batch_group_count, dimension_numbers=self.dimension_numbers,
            kernel_fn=lambda k: self.weight_fn(k if mask is None else k * mask),
        )  # fmt: skip


@dataclass(frozen=True, eq=False)
class SpMatMulOp:
    """`y = x @ M + bias`, one weight per stored entry; weights `{'weight': [nnz], 'bias': [out]}` or a bare array.

    `sparse_mat`: what `vestige.sparse_matmul` takes; its own values are not read.
    """

    sparse_mat: Layout
    weight_fn: Callable[[Value], Value] = _same

    def __call__(self, x: Value, w: Weights) -> Value:
        weight, bias = _named(w, "SpMatMulOp", "weight", "bias")
        return sparse_matmul(x, weight, self.sparse_mat, bias=bias, weight_fn=self.weight_fn)


@dataclass(frozen=True, eq=False)
class LoraOp:
    """`y = alpha x B A + bias`; weights `{'B': [in, rank], 'A': [rank, out], 'bias': [out]}` (bias optional)."""

    alpha: float | None = None

    def __call__(self, x: Value, w: dict[str, Value]) -> Value:
        B, A, bias = _named(w, "LoraOp", "B", "A", "bias")
        return lora_matmul(x, B, A, alpha=1.0 if self.alpha is None else self.alpha, bias=bias)


@dataclass(frozen=True, eq=False)
class ElemWiseOp:
    """`y = f(weight)`, position by position: a parameter that needs no input."""

    fn: Callable[[Value], Value] = _same

    def __call__(self, w: Weights) -> Value:
        (weight,) = _named(w, "ElemWiseOp", "weight")
        return element_wise(weight, weight_fn=self.fn)


class ETraceParam(brainstate.ParamState):
    """A trainable parameter with its operator; its history reaches the gradient through an eligibility trace.

    Args:
        weight: an array, a quantity, or the dict of them that `op` names.
        op: `MatMulOp()` and its like, or any callable `(x, weights) -> y`.
        name: optional.

    `value` holds the weights as given, and an optimiser of `brainstate.ParamState` finds them.
    """

    __module__ = "vestige"

    def __init__(self, weight: Weights, op: Op, *, name: str | None = None) -> None:
        if not callable(op):
            raise TypeError(f"ETraceParam: op is {type(op).__name__}; give an operator such as MatMulOp()")
        super().__init__(weight, name=name)
        self._setattr_no_check("op", op)

    def execute(self, x: Value) -> Value:
        """`op(x, weights)`: shapes and units as the operator says."""
        return self.op(x, self.value)


class ElemWiseParam(ETraceParam):
    """A trainable parameter that each position reads as its own; `execute()` takes no input.

    Args:
        weight: array or quantity of the shape of the positions that read it.
        op: an `ElemWiseOp` or a callable of the weight; the weight itself by default.
    """

    __module__ = "vestige"

    def __init__(
        self, weight: Weights, op: ElemWiseOp | Callable[[Value], Value] = _same, *, name: str | None = None
    ) -> None:
        super().__init__(weight, op if isinstance(op, ElemWiseOp) else ElemWiseOp(op), name=name)

    def execute(self) -> Value:
        """`f(weight)`."""
        return self.op(self.value)


class NonTempParam(ETraceParam):
    """A trainable parameter that only this step's credit reaches: autodiff without a trace.

    Args:
        weight: as for `ETraceParam`.
        op: an operator or any callable `(x, weights) -> y`.
    """

    __module__ = "vestige"

    def execute(self, x: Value) -> Value:
        """`op(x, weights)`, the weights untraced."""
        return self.op(x, untraced(self.value))


def untraced(value: Weights | brainstate.State) -> Weights:
    """The value of a parameter (or any tree of arrays), with its own step's gradient and no eligibility trace.

    Use it inside a step: `y = x @ vestige.untraced(self.w)`. Units stay.
    """
    value = value.value if isinstance(value, brainstate.State) else value
    return jax.tree.map(lambda v: ops.untraced(u.math.asarray(v)), value)
