"""Recurrent cells with gates, each gate one marked product of input and state."""

from collections.abc import Callable

import brainstate
import saiunit as u

from ._init import Initializer, Size, filled, function, orthogonal, size, xavier, zeros
from ._units import Value
from .linear import Linear

Activation = str | Callable[[Value], Value]
sigmoid = brainstate.nn.sigmoid


class Recurrent(brainstate.nn.RNNCell):
    """A cell whose states are named in `variables`, each `[*out_size]` or `[batch, *out_size]`.

    Args:
        in_size, out_size: shapes whose last axis counts.
        w_init, b_init: as for `Linear`; `b_init=None`: no bias.
        state_init: the first state: a callable of the shape, an array or a number.
        activation: a function, or the name of one in `brainstate.nn`.
    """

    variables: tuple[str, ...] = ("h",)

    def __init__(
        self, in_size: Size, out_size: Size, w_init: Initializer = orthogonal, b_init: Initializer | None = zeros,
        state_init: Initializer = zeros, activation: Activation = "tanh", name: str | None = None,
    ) -> None:  # fmt: skip
        super().__init__(name=name)
        self.in_size, self.out_size = size(in_size), size(out_size)
        self.w_init, self.b_init, self.state_init = w_init, b_init, state_init
        self.activation = function(activation)
        self.build(self.in_size[-1], self.out_size[-1])

    def build(self, n_in: int, n_out: int) -> None:
        """Make the weights."""
        raise NotImplementedError(f"{type(self).__name__}: a recurrent cell says what its weights are in `build`")

    def dense(self, n_in: int, n_out: int) -> Linear:
        """One gate."""
        return Linear(n_in, n_out, w_init=self.w_init, b_init=self.b_init)

    def init_state(self, batch_size: int | None = None, **kwargs) -> None:
        """Make the states."""
        for name in self.variables:
            setattr(self, name, brainstate.HiddenState(self._first(batch_size)))

    def reset_state(self, batch_size: int | None = None, **kwargs) -> None:
        """Set the states to their first value."""
        for name in self.variables:
            getattr(self, name).value = self._first(batch_size)

    def _first(self, batch_size: int | None) -> Value:
        return filled(self.state_init, self.out_size, f"{type(self).__name__}: state_init", batch_size)


def beside(x: Value, h: Value) -> Value:
    """Input and state as one input of a product."""
    return u.math.concatenate([x, h], axis=-1)


class ValinaRNNCell(Recurrent):
    """`h = phi(W [x, h] + b)` (Elman 1990, https://doi.org/10.1207/s15516709cog1402_1); `phi` is relu by default."""

    def __init__(
        self, in_size: Size, out_size: Size, state_init: Initializer = zeros, w_init: Initializer = xavier,
        b_init: Initializer | None = zeros, activation: Activation = "relu", name: str | None = None,
    ) -> None:  # fmt: skip
        super().__init__(in_size, out_size, w_init, b_init, state_init, activation, name)

    def build(self, n_in: int, n_out: int) -> None:
        self.W = self.dense(n_in + n_out, n_out)

    def update(self, x: Value) -> Value:
        """`[..., in]` to `[..., out]`."""
        self.h.value = self.activation(self.W(beside(x, self.h.value)))
        return self.h.value


class GRUCell(Recurrent):
    """The gated recurrent unit (Cho et al. 2014, https://arxiv.org/abs/1406.1078).

    z = s(Wz [x, h] + bz)      r = s(Wr [x, h] + br)
    h = (1 - z) h + z phi(Wh [x, r h] + bh)
    """

    def build(self, n_in: int, n_out: int) -> None:
        self.Wz, self.Wr, self.Wh = (self.dense(n_in + n_out, n_out) for _ in range(3))

    def update(self, x: Value) -> Value:
        """`[..., in]` to `[..., out]`."""
        h = self.h.value
        xh = beside(x, h)
        z, r = sigmoid(self.Wz(xh)), sigmoid(self.Wr(xh))
        self.h.value = (1 - z) * h + z * self.activation(self.Wh(beside(x, r * h)))
        return self.h.value


class MGUCell(Recurrent):
    """The minimal gated unit (Zhou et al. 2016, https://arxiv.org/abs/1603.09420).

    f = s(Wf [x, h] + bf)      h = (1 - f) h + f phi(Wh [x, f h] + bh)
    """

    def build(self, n_in: int, n_out: int) -> None:
        self.Wf, self.Wh = (self.dense(n_in + n_out, n_out) for _ in range(2))

    def update(self, x: Value) -> Value:
        """`[..., in]` to `[..., out]`."""
        h = self.h.value
        f = sigmoid(self.Wf(beside(x, h)))
        self.h.value = (1 - f) * h + f * self.activation(self.Wh(beside(x, f * h)))
        return self.h.value


class LSTMCell(Recurrent):
    """Long short-term memory (Hochreiter and Schmidhuber 1997, https://doi.org/10.1162/neco.1997.9.8.1735).

        c = s(Wf [x, h] + bf + 1) c + s(Wi [x, h] + bi) phi(Wg [x, h] + bg)      h = s(Wo [x, h] + bo) phi(c)

    The one in the forget gate keeps memory at first (Jozefowicz et al. 2015).
    """

    variables = ("c", "h")

    def __init__(
        self, in_size: Size, out_size: Size, w_init: Initializer = xavier, b_init: Initializer | None = zeros,
        state_init: Initializer = zeros, activation: Activation = "tanh", name: str | None = None,
    ) -> None:  # fmt: skip
        super().__init__(in_size, out_size, w_init, b_init, state_init, activation, name)

    def build(self, n_in: int, n_out: int) -> None:
        self.Wi, self.Wg, self.Wf, self.Wo = (self.dense(n_in + n_out, n_out) for _ in range(4))

    def update(self, x: Value) -> Value:
        """`[..., in]` to `[..., out]`."""
        xh = beside(x, self.h.value)
        write = sigmoid(self.Wi(xh)) * self.activation(self.Wg(xh))
        self.c.value = sigmoid(self.Wf(xh) + 1.0) * self.c.value + write
        self.h.value = sigmoid(self.Wo(xh)) * self.activation(self.c.value)
        return self.h.value


class URLSTMCell(Recurrent):
    """LSTM with uniform refine gates (Gu et al. 2020, https://arxiv.org/abs/1910.09890).

        f = s(Wf [x, h] + b)      r = s(Wr [x, h] - b)      g = 2 r f + (1 - 2 r) f^2
        c = g c + (1 - g) phi(Wu [x, h])      h = s(Wo [x, h]) phi(c)

    `b` is drawn once as `-log(1 / p - 1)` with `p` uniform in (1/n, 1 - 1/n), and trained like any parameter.
    """

    variables = ("c", "h")

    def __init__(
        self, in_size: Size, out_size: Size, w_init: Initializer = xavier, state_init: Initializer = zeros,
        activation: Activation = "tanh", name: str | None = None,
    ) -> None:  # fmt: skip
        super().__init__(in_size, out_size, w_init, None, state_init, activation, name)

    def build(self, n_in: int, n_out: int) -> None:
        self.Wu, self.Wf, self.Wr, self.Wo = (self.dense(n_in + n_out, n_out) for _ in range(4))
        edge = 1.0 / max(n_out, 2)
        p = brainstate.random.uniform(edge, 1.0 - edge, (n_out,))
        self.bias = brainstate.ParamState(-u.math.log(1.0 / p - 1.0))

    def update(self, x: Value) -> Value:
        """`[..., in]` to `[..., out]`."""
        xh, b = beside(x, self.h.value), self.bias.value
        f, r = sigmoid(self.Wf(xh) + b), sigmoid(self.Wr(xh) - b)
        g = 2 * r * f + (1 - 2 * r) * f**2
        self.c.value = g * self.c.value + (1 - g) * self.activation(self.Wu(xh))
        self.h.value = sigmoid(self.Wo(xh)) * self.activation(self.c.value)
        return self.h.value


VanillaRNNCell = ValinaRNNCell
