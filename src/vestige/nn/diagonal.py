"""Recurrences that are elementwise: each neuron remembers by itself, and real-time recurrent learning is exact and cheap."""

import brainstate
import jax.numpy as jnp
import saiunit as u

from ._init import Initializer, Size, filled, function, orthogonal, size, small, zeros
from ._units import Value
from .linear import Linear
from .recurrent import Activation, Recurrent, beside, sigmoid


class _Rotating(brainstate.nn.Module):
    """A complex diagonal recurrence `lambda h + gamma (B x)`, kept as two real states `h_re` and `h_im`: `[d_hidden]`.

    lambda = exp(-exp(nu) + i exp(theta)), drawn on the ring `r_min <= |lambda| < r_max` uniformly in area.
    """

    def __init__(
        self, n_in: int, d_hidden: int, r_min: float, r_max: float, max_phase: float, name: str | None = None
    ) -> None:
        super().__init__(name=name)
        if not 0 <= r_min < r_max <= 1:
            raise ValueError(f"{type(self).__name__}: the ring needs 0 <= r_min < r_max <= 1, not {r_min} and {r_max}")
        self.d_hidden = d_hidden
        # a draw on the edge of the ring would put an infinite value under the two logarithms
        draw, tiny = brainstate.random.uniform(1e-6, 1.0 - 1e-6, (2, d_hidden)), 1e-12
        nu = -0.5 * jnp.log(draw[0] * (r_max**2 - r_min**2) + r_min**2)
        self.nu_log = brainstate.ParamState(jnp.log(nu + tiny))
        self.theta_log = brainstate.ParamState(jnp.log(max_phase * draw[1] + tiny))
        into = brainstate.nn.init.Normal(scale=(2 * n_in) ** -0.5)
        self.B_re, self.B_im = (Linear(n_in, d_hidden, into, None) for _ in range(2))

    def init_state(self, batch_size: int | None = None, **kwargs) -> None:
        """Make the states, zero."""
        first = filled(zeros, (self.d_hidden,), type(self).__name__, batch_size)
        self.h_re, self.h_im = brainstate.HiddenState(first), brainstate.HiddenState(first)

    def reset_state(self, batch_size: int | None = None, **kwargs) -> None:
        """Set the states to zero."""
        self.h_re.value = self.h_im.value = filled(zeros, (self.d_hidden,), type(self).__name__, batch_size)

    def _turned(self, x: Value, gain: Value) -> tuple[Value, Value]:
        """Real and imaginary part of `lambda h + gain (B x)`."""
        radius, phase = u.math.exp(-u.math.exp(self.nu_log.value)), u.math.exp(self.theta_log.value)
        re, im = radius * u.math.cos(phase), radius * u.math.sin(phase)
        h_re, h_im = self.h_re.value, self.h_im.value
        return re * h_re - im * h_im + gain * self.B_re(x), im * h_re + re * h_im + gain * self.B_im(x)


class LRUCell(_Rotating):
    """The linear recurrent unit (Orvieto et al. 2023, https://arxiv.org/abs/2303.06349); D-RTRL is exact for it.

        lambda = exp(-exp(nu) + i exp(theta))      h = lambda h + gamma (B x)      y = Re(C h) + D x

    with complex `h: [d_hidden]`, kept as two real states `h_re` and `h_im`. At first gamma = sqrt(1 - |lambda|^2); it is
    then trained by itself.

    Args:
        d_model: length of input and output.
        d_hidden: number of complex states.
        r_min, r_max: the ring in which |lambda| is drawn uniformly in area.
        max_phase: the phases are drawn from [0, max_phase].
    """

    def __init__(
        self, d_model: int, d_hidden: int, r_min: float = 0.0, r_max: float = 1.0, max_phase: float = 6.28,
        name: str | None = None,
    ) -> None:  # fmt: skip
        super().__init__(d_model, d_hidden, r_min, r_max, max_phase, name)
        self.in_size, self.out_size = (d_model,), (d_model,)
        nu = jnp.exp(self.nu_log.value)
        self.gamma_log = brainstate.ParamState(0.5 * jnp.log(1.0 - jnp.exp(-2.0 * nu) + 1e-12))
        out = brainstate.nn.init.Normal(scale=d_hidden**-0.5)
        self.C_re, self.C_im = (Linear(d_hidden, d_model, out, None) for _ in range(2))
        self.D = brainstate.ParamState(brainstate.random.normal(size=(d_model,)))

    def update(self, x: Value) -> Value:
        """`[..., d_model]` to `[..., d_model]`."""
        self.h_re.value, self.h_im.value = self._turned(x, u.math.exp(self.gamma_log.value))
        return self.C_re(self.h_re.value) - self.C_im(self.h_im.value) + self.D.value * x


class RTUCell(_Rotating):
    """Recurrent trace units (Elelimy et al. 2024, https://arxiv.org/abs/2409.01449); D-RTRL is exact for them.

        lambda = exp(-exp(nu) + i exp(theta))      gamma = sqrt(1 - |lambda|^2)
        h = lambda h + gamma (B x)             y = f([Re h, Im h])       linear recurrence, the default
        h = f(lambda h + gamma (B x))          y = [Re h, Im h]          `linear=False`

    with complex `h: [d_hidden]`, kept as two real states `h_re` and `h_im`; f acts on each of the two by itself. Unlike in the
    linear recurrent unit, gamma follows |lambda| throughout training, and both parts are read.

    Args:
        in_size: shape of one input, `(n,)` or n.
        d_hidden: number of complex states; the output has twice as many values.
        activation: f, or its name in `brainstate.nn`.
        linear: f after the recurrence, or within it.
        r_min, r_max, max_phase: as for `LRUCell`.

    Raises:
        ValueError: the input has more axes than one; the ring is none; the activation is unknown.
    """

    def __init__(
        self, in_size: Size, d_hidden: int, activation: Activation = "relu", linear: bool = True, r_min: float = 0.0,
        r_max: float = 1.0, max_phase: float = 6.28, name: str | None = None,
    ) -> None:  # fmt: skip
        if len(size(in_size)) != 1:
            raise ValueError(f"RTUCell: in_size {in_size} should be the length of one vector; flatten the input")
        super().__init__(size(in_size)[0], d_hidden, r_min, r_max, max_phase, name)
        self.in_size, self.out_size = size(in_size), (2 * d_hidden,)
        self.activation, self.linear = function(activation), linear

    def update(self, x: Value) -> Value:
        """`[..., in]` to `[..., 2 d_hidden]`."""
        f = self.activation
        # 1 - exp(-2 nu) without the cancellation that a radius near one would bring
        h_re, h_im = self._turned(x, u.math.sqrt(-u.math.expm1(-2.0 * u.math.exp(self.nu_log.value))))
        self.h_re.value, self.h_im.value = (h_re, h_im) if self.linear else (f(h_re), f(h_im))
        y = beside(self.h_re.value, self.h_im.value)
        return f(y) if self.linear else y


class ElementwiseLSTMCell(Recurrent):
    """The elementwise LSTM, eLSTM (Irie et al. 2024, https://arxiv.org/abs/2305.19044); D-RTRL is exact for it.

        f = s(W_f x + b_f + u_f c)      z = phi(W_z x + b_z + u_z c)      c = f c + (1 - f) z
        o = s(W_o [x, c] + b_o)         h = o c

    The gates read their own neuron's cell alone, by the vectors u; the output gate sees the new cells of all, but nothing
    remembers it. The forget gate takes the input gate's place as well.

    Args:
        in_size, out_size, w_init, b_init, state_init, activation: as for `Recurrent`; activation is phi.

    Attributes:
        c: state `[*out_size]` or `[batch, *out_size]`.
        u_f, u_z: weights `[out]`, drawn with a deviation of 0.1.
    """

    variables = ("c",)

    def __init__(
        self, in_size: Size, out_size: Size, w_init: Initializer = orthogonal, b_init: Initializer | None = zeros,
        state_init: Initializer = zeros, activation: Activation = "tanh", name: str | None = None,
    ) -> None:  # fmt: skip
        super().__init__(in_size, out_size, w_init, b_init, state_init, activation, name)

    def build(self, n_in: int, n_out: int) -> None:
        self.W_f, self.W_z = self.dense(n_in, n_out), self.dense(n_in, n_out)
        self.W_o = self.dense(n_in + n_out, n_out)
        # without a mark: credit passes what they multiply, and they are traced where they stand
        self.u_f, self.u_z = (brainstate.ParamState(small((n_out,))) for _ in range(2))

    def update(self, x: Value) -> Value:
        """`[..., in]` to `[..., out]`."""
        c = self.c.value
        f = sigmoid(self.W_f(x) + self.u_f.value * c)
        z = self.activation(self.W_z(x) + self.u_z.value * c)
        self.c.value = f * c + (1 - f) * z
        return sigmoid(self.W_o(beside(x, self.c.value))) * self.c.value
