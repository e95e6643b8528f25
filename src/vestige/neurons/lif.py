"""Leaky integrate-and-fire neurons, plain and with an adaptive threshold."""

import brainstate
import saiunit as u

from .checks import LASTING, NOT_NEGATIVE, check, check_below
from .integrate import Param, Value, exp_euler, param, read
from .population import Neuron, Size
from .surrogate import Spike, relu_grad

at_zero = brainstate.nn.init.Constant(0.0 * u.mV)
unadapted = brainstate.nn.init.ZeroInit()
first = brainstate.nn.init.param


class LIF(Neuron):
    """Leaky integrate-and-fire (Lapicque 1907; Gerstner et al. 2014, Neuronal Dynamics, ch. 1).

        tau dV/dt = -(V - V_rest) + R I       a spike where V >= V_th, then V <- reset(V)

    The stored voltage is the one *before* the reset; the reset opens the next step, so that a spike can be read from
    the state and the voltage that made it is not lost. Exponential Euler; deltas jump the voltage after it.

    Args:
        in_size: shape of the population.
        R, tau, V_th, V_reset, V_rest: numbers with units, `[*in_size]`, callables of the shape, or parameter states
            (then trained).
        V_initializer: the first voltage: a callable of the shape, or an array.
        spk_fun, spk_reset: as for `Neuron`.

    Attributes:
        V: `[*in_size]` or `[batch, *in_size]`.

    Raises:
        ValueError: V_reset >= V_th, tau <= 0, R < 0, or NaN. UnitMismatchError: V_reset and V_th have not one unit.
    """

    def __init__(
        self, in_size: Size, R: Param = 1.0 * u.ohm, tau: Param = 5.0 * u.ms, V_th: Param = 1.0 * u.mV,
        V_reset: Param = 0.0 * u.mV, V_rest: Param = 0.0 * u.mV, V_initializer: Value = at_zero,
        spk_fun: Spike = relu_grad, spk_reset: str = "soft", name: str | None = None,
    ) -> None:  # fmt: skip
        super().__init__(in_size, spk_fun=spk_fun, spk_reset=spk_reset, name=name)
        self.R, self.tau, self.V_th = (param(p, self.varshape) for p in (R, tau, V_th))
        self.V_reset, self.V_rest = param(V_reset, self.varshape), param(V_rest, self.varshape)
        self.V_initializer = V_initializer
        who = type(self).__name__
        check(who, "tau", self.tau, bound=LASTING)
        check(who, "R", self.R, bound=NOT_NEGATIVE)
        check(who, "V_rest", self.V_rest)
        check_below(who, "V_reset", self.V_reset, "V_th", self.V_th)

    def init_state(self, batch_size: int | None = None, **kwargs) -> None:
        """Make the voltage."""
        self.V = brainstate.HiddenState(first(self.V_initializer, self.varshape, batch_size))

    def reset_state(self, batch_size: int | None = None, **kwargs) -> None:
        """Set the voltage to its first value."""
        self.V.value = first(self.V_initializer, self.varshape, batch_size)

    def get_spike(self, V: Value | None = None) -> Value:
        """Spikes of the stored voltage, or of `V`."""
        V, V_th = self.V.value if V is None else V, read(self.V_th)
        return self.spk_fun((V - V_th) / (V_th - read(self.V_reset)))

    def update(self, x: Value = 0.0 * u.mA) -> Value:
        """One step with the current `x: [...]`; returns the spikes."""
        V = self.after_spike(self.V.value, self.get_spike(), read(self.V_th), read(self.V_reset))
        self.V.value = self.sum_delta_inputs(self.membrane(V, x))
        return self.get_spike()

    def membrane(self, V: Value, x: Value) -> Value:
        """The voltage after one step without spike or delta."""
        current = lambda v: read(self.R) * self.sum_current_inputs(x, v)
        return exp_euler(lambda v: (-v + read(self.V_rest) + current(v)) / read(self.tau), V)


class ALIF(LIF):
    """LIF whose threshold rises with every spike (Bellec et al. 2018, https://arxiv.org/abs/1803.09574).

        tau dV/dt = -(V - V_rest) + R I       tau_a da/dt = -a       a spike where V >= V_th + beta a, then a <- a + 1

    The reset takes `V_th - V_reset` off the voltage (soft), or sets it to `V_reset` (hard).

    Args:
        tau_a: time constant of the adaptation.
        beta: threshold per unit of adaptation.
        a_initializer: the first adaptation. The others: as for `LIF`.

    Attributes:
        V, a: `[*in_size]` or `[batch, *in_size]`.

    Raises:
        ValueError: as for `LIF`, or tau_a <= 0.
    """

    def __init__(
        self, in_size: Size, R: Param = 1.0 * u.ohm, tau: Param = 5.0 * u.ms, tau_a: Param = 100.0 * u.ms,
        V_th: Param = 1.0 * u.mV, V_reset: Param = 0.0 * u.mV, V_rest: Param = 0.0 * u.mV, beta: Param = 0.1 * u.mV,
        spk_fun: Spike = relu_grad, spk_reset: str = "soft", V_initializer: Value = at_zero,
        a_initializer: Value = unadapted, name: str | None = None,
    ) -> None:  # fmt: skip
        super().__init__(in_size, R, tau, V_th, V_reset, V_rest, V_initializer, spk_fun, spk_reset, name)
        self.tau_a, self.beta = param(tau_a, self.varshape), param(beta, self.varshape)
        self.a_initializer = a_initializer
        check(type(self).__name__, "tau_a", self.tau_a, bound=LASTING)
        check(type(self).__name__, "beta", self.beta)

    def init_state(self, batch_size: int | None = None, **kwargs) -> None:
        """Make voltage and adaptation."""
        super().init_state(batch_size)
        self.a = brainstate.HiddenState(first(self.a_initializer, self.varshape, batch_size))

    def reset_state(self, batch_size: int | None = None, **kwargs) -> None:
        """Set voltage and adaptation to their first values."""
        super().reset_state(batch_size)
        self.a.value = first(self.a_initializer, self.varshape, batch_size)

    def get_spike(self, V: Value | None = None, a: Value | None = None) -> Value:
        """Spikes of the stored state, or of `V` and `a`."""
        V, a = self.V.value if V is None else V, self.a.value if a is None else a
        V_th = read(self.V_th)
        return self.spk_fun((V - V_th - read(self.beta) * a) / (V_th - read(self.V_reset)))

    def update(self, x: Value = 0.0 * u.mA) -> Value:
        """One step with the current `x: [...]`; returns the spikes."""
        spikes = self.get_spike()
        V = self.after_spike(self.V.value, spikes, read(self.V_th), read(self.V_reset))
        self.V.value = self.sum_delta_inputs(self.membrane(V, x))
        self.a.value = exp_euler(lambda a: -a / read(self.tau_a), self.a.value + spikes)
        return self.get_spike()
