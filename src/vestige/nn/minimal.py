"""Cells with little or no coupling between neurons, for which eligibility traces are exact or nearly so."""

from collections.abc import Callable

import brainstate
import jax.numpy as jnp
import saiunit as u

from ._init import Initializer, Size, filled, orthogonal, zeros
from ._units import Value
from .linear import Linear
from .recurrent import Recurrent, beside, sigmoid


class MinimalRNNCell(Recurrent):
    """The minimal recurrent network (Chen 2017, https://arxiv.org/abs/1711.06788).

        z = phi(x)      g = s(W_u [z, h] + b)      h = g h + (1 - g) z

    Args:
        phi: the input's map; by default a `Linear` layer (the paper adds a tanh).
    """

    def __init__(
        self, in_size: Size, out_size: Size, w_init: Initializer = orthogonal, b_init: Initializer | None = zeros,
        state_init: Initializer = zeros, phi: Callable[[Value], Value] | None = None, name: str | None = None,
    ) -> None:  # fmt: skip
        super().__init__(in_size, out_size, w_init, b_init, state_init, name=name)
        self.phi = self.dense(self.in_size[-1], self.out_size[-1]) if phi is None else phi

    def build(self, n_in: int, n_out: int) -> None:
        self.W_u = self.dense(2 * n_out, n_out)

    def update(self, x: Value) -> Value:
        """`[..., in]` to `[..., out]`."""
        z, h = self.phi(x), self.h.value
        g = sigmoid(self.W_u(beside(z, h)))
        self.h.value = g * h + (1 - g) * z
        return self.h.value


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


class LRUCell(brainstate.nn.Module):
    """The linear recurrent unit (Orvieto et al. 2023, https://arxiv.org/abs/2303.06349); D-RTRL is exact for it.

        lambda = exp(-exp(nu) + i exp(theta))      h = lambda h + gamma (B x)      y = Re(C h) + D x

    with complex `h: [d_hidden]`, kept as two real states `h_re` and `h_im`.

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
        super().__init__(name=name)
        if not 0 <= r_min < r_max <= 1:
            raise ValueError(f"LRUCell: the ring needs 0 <= r_min < r_max <= 1, not {r_min} and {r_max}")
        self.in_size, self.out_size, self.d_hidden = (d_model,), (d_model,), d_hidden
        # a draw on the edge of the ring would put an infinite value under the two logarithms
        draw, tiny = brainstate.random.uniform(1e-6, 1.0 - 1e-6, (2, d_hidden)), 1e-12
        nu = -0.5 * jnp.log(draw[0] * (r_max**2 - r_min**2) + r_min**2)
        self.nu_log = brainstate.ParamState(jnp.log(nu + tiny))
        self.theta_log = brainstate.ParamState(jnp.log(max_phase * draw[1] + tiny))
        self.gamma_log = brainstate.ParamState(0.5 * jnp.log(1.0 - jnp.exp(-2.0 * nu) + tiny))
        into = brainstate.nn.init.Normal(scale=(2 * d_model) ** -0.5)
        out = brainstate.nn.init.Normal(scale=d_hidden**-0.5)
        self.B_re, self.B_im = (Linear(d_model, d_hidden, into, None) for _ in range(2))
        self.C_re, self.C_im = (Linear(d_hidden, d_model, out, None) for _ in range(2))
        self.D = brainstate.ParamState(brainstate.random.normal(size=(d_model,)))

    def init_state(self, batch_size: int | None = None, **kwargs) -> None:
        """Make the states, zero."""
        first = filled(zeros, (self.d_hidden,), "LRUCell", batch_size)
        self.h_re, self.h_im = brainstate.HiddenState(first), brainstate.HiddenState(first)

    def reset_state(self, batch_size: int | None = None, **kwargs) -> None:
        """Set the states to zero."""
        self.h_re.value = self.h_im.value = filled(zeros, (self.d_hidden,), "LRUCell", batch_size)

    def update(self, x: Value) -> Value:
        """`[..., d_model]` to `[..., d_model]`."""
        radius, phase = u.math.exp(-u.math.exp(self.nu_log.value)), u.math.exp(self.theta_log.value)
        re, im, gain = radius * u.math.cos(phase), radius * u.math.sin(phase), u.math.exp(self.gamma_log.value)
        h_re, h_im = self.h_re.value, self.h_im.value
        self.h_re.value = re * h_re - im * h_im + gain * self.B_re(x)
        self.h_im.value = im * h_re + re * h_im + gain * self.B_im(x)
        return self.C_re(self.h_re.value) - self.C_im(self.h_im.value) + self.D.value * x
