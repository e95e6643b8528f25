"""Convolutions in one to three dimensions; one kernel shared by all positions, its trace kept per position."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from math import prod
from typing import Any

import jax
import jax.numpy as jnp
from jax.custom_derivatives import SymbolicZero

from .patches import Padding, by_parts, patches


@dataclass(frozen=True)
class Conv:
    """Channels last, one example: `x: [*space, cin]`, `w: [*kernel, cin / groups, cout]` -> `y: [*space', cout]`.

    Equation and options as `jax.lax.conv_general_dilated`. Trace: `[*space', *kernel, cin / groups, cout]`, exact.
    """

    kernel: tuple[int, ...]
    strides: tuple[int, ...]
    padding: Padding = "SAME"
    dilation: tuple[int, ...] | None = None
    groups: int = 1

    def apply(self, x: jax.Array, w: jax.Array) -> jax.Array:
        return _apply(self, x[None], w)[0]

    def correlate(self, x: jax.Array, g: jax.Array) -> jax.Array:
        x = x.astype(g.dtype)
        w = jax.ShapeDtypeStruct((*self.kernel, x.shape[-1] // self.groups, g.shape[-1]), g.dtype)
        back = lambda way, x, g: jax.linear_transpose(partial(way, self, x), w)(g)[0]
        each = prod(g.shape[1:-1]) * prod(self.kernel) * x.shape[-1] * x.dtype.itemsize
        parts = lambda x, g: by_parts(partial(back, _matrices), x, g, each)
        return jax.lax.platform_dependent(x, g, cpu=parts, default=partial(back, _convolution))

    def imprint(self, x: jax.Array, g: jax.Array) -> jax.Array:
        space, p = g.shape[1:-1], self.patches(x.astype(g.dtype))
        e = jnp.einsum("npwgi,npgo->pwigo", p, g.reshape(*p.shape[:2], self.groups, -1))
        return e.reshape(*space, *self.kernel, p.shape[-1], -1)

    def at_post(self, v: jax.Array) -> jax.Array:
        return jnp.expand_dims(v, tuple(range(v.ndim - 1, v.ndim + len(self.kernel))))

    def drain(self, e: jax.Array) -> jax.Array:
        return e.sum(tuple(range(len(self.kernel))))

    def patches(self, x: jax.Array) -> jax.Array:
        """What the kernel sees of images `[n, *space, cin]`: `[n, positions, places, groups, cin / groups]`."""
        p = patches(x, self.kernel, self.strides, self.padding, self.dilation)
        return p.reshape(len(x), -1, p.shape[-2], self.groups, p.shape[-1] // self.groups)


def _convolution(op: Conv, x: jax.Array, w: jax.Array) -> jax.Array:
    axes = "DHW"[-len(op.kernel) :]
    return jax.lax.conv_general_dilated(
        x, w, op.strides, op.padding, rhs_dilation=op.dilation,
        dimension_numbers=(f"N{axes}C", f"{axes}IO", f"N{axes}C"), feature_group_count=op.groups,
    )  # fmt: skip


def _matrices(op: Conv, x: jax.Array, w: jax.Array) -> jax.Array:
    p = op.patches(x)
    y = jnp.einsum("npwgi,wigo->npgo", p, w.reshape(*p.shape[2:3], p.shape[-1], op.groups, -1))
    return y.reshape(jax.eval_shape(partial(_convolution, op), x, w).shape)


def _linear(op: Conv, x: jax.Array, w: jax.Array) -> jax.Array:
    """The product as its derivatives want it: on a CPU the compiler's transposed convolutions are 10 to 50 times slower than
    products of patches, which are formed anew on the way back rather than kept."""
    return jax.lax.platform_dependent(
        x, w, cpu=jax.checkpoint(partial(_matrices, op)), default=partial(_convolution, op)
    )


@partial(jax.custom_jvp, nondiff_argnums=(0,))
def _apply(op: Conv, x: jax.Array, w: jax.Array) -> jax.Array:
    return _convolution(op, x, w)


def _jvp(op: Conv, primals: Any, tangents: Any) -> Any:
    (x, w), (dx, dw) = primals, tangents
    pairs = [] if isinstance(dx, SymbolicZero) else [(dx, w)]
    pairs += [] if isinstance(dw, SymbolicZero) else [(x, dw)]
    return _apply(op, x, w), sum((_linear(op, *p) for p in pairs[1:]), _linear(op, *pairs[0]))


_apply.defjvp(_jvp, symbolic_zeros=True)


def conv_op(
    kernel: Sequence[int], stride: int | Sequence[int] = 1, padding: str | int | Sequence[tuple[int, int]] = "SAME",
    dilation: int | Sequence[int] = 1, groups: int = 1,
) -> Conv:  # fmt: skip
    """A `Conv` from the usual short forms: one number stands for every dimension."""
    n = len(kernel)
    many = lambda v: (v,) * n if isinstance(v, int) else tuple(v)
    pad: Padding = (
        ((padding, padding),) * n
        if isinstance(padding, int)
        else padding
        if isinstance(padding, str)
        else tuple(padding)
    )
    if not 1 <= n <= 3:
        raise ValueError(f"a convolution has 1 to 3 space dimensions; this kernel {tuple(kernel)} has {n}")
    return Conv(tuple(kernel), many(stride), pad, many(dilation), groups)
