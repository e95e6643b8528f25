"""Convolutions in one to three dimensions; one kernel shared by all positions, its trace kept per position."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

import jax
import jax.numpy as jnp

Padding = str | tuple[tuple[int, int], ...]


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

    @property
    def _numbers(self) -> tuple[str, str, str]:
        axes = "DHW"[-len(self.kernel) :]
        return f"N{axes}C", f"{axes}IO", f"N{axes}C"

    def _conv(self, x: jax.Array, w: jax.Array) -> jax.Array:
        return jax.lax.conv_general_dilated(
            x, w, self.strides, self.padding, rhs_dilation=self.dilation,
            dimension_numbers=self._numbers, feature_group_count=self.groups,
        )  # fmt: skip

    def apply(self, x: jax.Array, w: jax.Array) -> jax.Array:
        return self._conv(x[None], w)[0]

    def correlate(self, x: jax.Array, g: jax.Array) -> jax.Array:
        w = jax.ShapeDtypeStruct((*self.kernel, x.shape[-1] // self.groups, g.shape[-1]), g.dtype)
        return jax.linear_transpose(lambda v: self._conv(x.astype(g.dtype), v), w)(g)[0]

    def imprint(self, x: jax.Array, g: jax.Array) -> jax.Array:
        n, cin, cout = len(self.kernel), x.shape[-1] // self.groups, g.shape[-1] // self.groups
        p = jax.lax.conv_general_dilated_patches(
            x.astype(g.dtype), self.kernel, self.strides, self.padding, rhs_dilation=self.dilation,
            dimension_numbers=self._numbers,
        )  # fmt: skip
        space = p.shape[1:-1]
        p = p.reshape(len(p), prod(space), self.groups, cin, prod(self.kernel))
        e = jnp.einsum("kpgiw,kpgo->pwigo", p, g.reshape(len(g), prod(space), self.groups, cout))
        return e.reshape(*space, *self.kernel[:n], cin, self.groups * cout)

    def at_post(self, v: jax.Array) -> jax.Array:
        return jnp.expand_dims(v, tuple(range(v.ndim - 1, v.ndim + len(self.kernel))))

    def drain(self, e: jax.Array) -> jax.Array:
        return e.sum(tuple(range(len(self.kernel))))


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
