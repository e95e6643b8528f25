"""Cells with few gates: those of the minimal network, and two whose gates see the input alone."""

from collections.abc import Callable

import brainstate

from ._init import Initializer, Size, filled, orthogonal, small, zeros
from ._units import Value
from .recurrent import Recurrent, beside, sigmoid


class MinimalRNNCell(Recurrent):
    """The minimal recurrent network (Chen 2017, https://arxiv.org/abs/1711.06788).

        z = phi(x)      g = s(W_u [z, h] + b)      h = g h + (1 - g) z

    With `diagonal=True` the gate is `g = s(u_z z + u_h h + b)`, three numbers for each neuron: none then sees another
    one's past, and D-RTRL is exact. (With a matrix on z it is not for phi, which would act through another weight.)

    Args:
        in_size, out_size, w_init, b_init, state_init: as for `Recurrent`.
        phi: the input's map; by default a `Linear` layer (the paper adds a tanh). Of several layers in it, D-RTRL is exact
            for the last one.
        diagonal: gates of the neuron's own z and h alone.

    Attributes:
        h: state `[*out_size]` or `[batch, *out_size]`.
        W_u: a `Linear` from `2 out` to `out`; with `diagonal=True`, `u` in its place: `{'z': [out], 'h': [out], 'bias': [out]}`.
    """

    def __init__(
        self, in_size: Size, out_size: Size, w_init: Initializer = orthogonal, b_init: Initializer | None = zeros,
        state_init: Initializer = zeros, phi: Callable[[Value], Value] | None = None, name: str | None = None,
        diagonal: bool = False,
    ) -> None:  # fmt: skip
        self.diagonal = diagonal
        super().__init__(in_size, out_size, w_init, b_init, state_init, name=name)
        self.phi = self.dense(self.in_size[-1], self.out_size[-1]) if phi is None else phi

    def build(self, n_in: int, n_out: int) -> None:
        if not self.diagonal:
            self.W_u = self.dense(2 * n_out, n_out)
            return
        u = {"z": small((n_out,)), "h": small((n_out,))}
        if self.b_init is not None:
            u["bias"] = filled(self.b_init, (n_out,), "MinimalRNNCell: b_init")
        self.u = brainstate.ParamState(u)

    def update(self, x: Value) -> Value:
        """`[..., in]` to `[..., out]`."""
        z, h = self.phi(x), self.h.value
        g = sigmoid(self._gate(z, h))
        self.h.value = g * h + (1 - g) * z
        return self.h.value

    def _gate(self, z: Value, h: Value) -> Value:
        if not self.diagonal:
            return self.W_u(beside(z, h))
        # a mark would hide the past of what it multiplies; plain parameters are traced where they stand
        u = self.u.value
        return u["z"] * z + u["h"] * h + u.get("bias", 0.0)


class _InputGated(Recurrent):
    """A cell whose gates see the input alone: each neuron keeps its own history, and D-RTRL is exact."""

    def __init__(
        self, in_size: Size, out_size: Size, w_init: Initializer = orthogonal, b_init: Initializer | None = zeros,
        state_init: Initializer = zeros, name: str | None = None,
    ) -> None:  # fmt: skip
        super().__init__(in_size, out_size, w_init, b_init, state_init, name=name)


class MiniGRU(_InputGated):
    """minGRU (Feng et al. 2024, https://arxiv.org/abs/2410.01201): gates of the input alone, so D-RTRL is exact.

    z = s(W_z x + b_z)      h = (1 - z) h + z (W_x x + b_x)
    """

    def build(self, n_in: int, n_out: int) -> None:
        self.W_x, self.W_z = self.dense(n_in, n_out), self.dense(n_in, n_out)

    def update(self, x: Value) -> Value:
        """`[..., in]` to `[..., out]`."""
        z = sigmoid(self.W_z(x))
        self.h.value = (1 - z) * self.h.value + z * self.W_x(x)
        return self.h.value


class MiniLSTM(_InputGated):
    """minLSTM (Feng et al. 2024, https://arxiv.org/abs/2410.01201): gates of the input alone, so D-RTRL is exact.

    f = s(W_f x + b_f)      i = s(W_i x + b_i)      h = (f h + i (W_x x + b_x)) / (f + i)
    """

    def build(self, n_in: int, n_out: int) -> None:
        self.W_x, self.W_f, self.W_i = (self.dense(n_in, n_out) for _ in range(3))

    def update(self, x: Value) -> Value:
        """`[..., in]` to `[..., out]`."""
        f, i = sigmoid(self.W_f(x)), sigmoid(self.W_i(x))
        self.h.value = (f * self.h.value + i * self.W_x(x)) / (f + i)
        return self.h.value
