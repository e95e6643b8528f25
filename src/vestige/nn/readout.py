"""Readouts that integrate spikes: a leaky rate and a leaky spiking one."""

import brainstate
import saiunit as u

from ..neurons import LIF
from ..neurons.integrate import decay, param
from ..neurons.lif import at_zero
from ..neurons.surrogate import Spike, relu_grad
from ._init import Initializer, Size, filled, kaiming, size, zeros
from ._units import Value, join
from .functional import matmul

kaiming_mV = brainstate.nn.init.KaimingNormal(unit=u.mV)


class LeakyRateReadout(brainstate.nn.Module):
    """`r = exp(-dt / tau) r + x W`: a leaky sum of spikes, read as scores.

    Args:
        in_size, out_size: shapes whose last axis counts.
        tau: time constant, a number with a unit of time, `[out]`, or a parameter state; `dt` is `brainstate.environ`'s.
        w_init: as for `Linear`.
        r_init: the first value.

    Attributes:
        W: weight `[in, out]`.
        r: state `[*out_size]` or `[batch, *out_size]`, in the unit of `x W`.
    """

    def __init__(
        self, in_size: Size, out_size: Size, tau: Value = 5.0 * u.ms, w_init: Initializer = kaiming,
        r_init: Initializer = zeros, name: str | None = None, param_type: type = brainstate.ParamState,
    ) -> None:  # fmt: skip
        super().__init__(name=name)
        self.in_size, self.out_size = size(in_size), size(out_size)
        self.tau, self.r_init = param(tau, self.out_size), r_init
        self.W = param_type(filled(w_init, (self.in_size[-1], self.out_size[-1]), "LeakyRateReadout: w_init"))

    def init_state(self, batch_size: int | None = None, **kwargs) -> None:
        """Make the state."""
        self.r = brainstate.HiddenState(self._first(batch_size))

    def reset_state(self, batch_size: int | None = None, **kwargs) -> None:
        """Set the state to its first value."""
        self.r.value = self._first(batch_size)

    def update(self, x: Value) -> Value:
        """Spikes `[..., in]` to `[..., out]`."""
        self.r.value = decay(self.tau) * self.r.value + matmul(x, self.W.value)
        return self.r.value

    def _first(self, batch_size: int | None) -> Value:
        r, unit = filled(self.r_init, self.out_size, "LeakyRateReadout: r_init", batch_size), u.get_unit(self.W.value)
        return join(r, unit) if u.get_unit(r).is_unitless else r


class LeakySpikeReadout(LIF):
    """A readout that spikes: `tau dV/dt = -V + x W`, a spike at `V >= V_th`, then the reset of `LIF`.

    Args:
        in_size, out_size: shapes whose last axis counts.
        tau, V_th, V_initializer, spk_fun, spk_reset: as for `LIF`.
        w_init: as for `Linear`, in the unit of a voltage.

    Attributes:
        W: weight `[in, out]`.
        V: state `[*out_size]` or `[batch, *out_size]`.
    """

    def __init__(
        self, in_size: Size, out_size: Size, tau: Value = 5.0 * u.ms, V_th: Value = 1.0 * u.mV,
        V_initializer: Initializer = at_zero,
        w_init: Initializer = kaiming_mV, spk_fun: Spike = relu_grad, spk_reset: str = "soft",
        name: str | None = None, param_type: type = brainstate.ParamState,
    ) -> None:  # fmt: skip
        super().__init__(
            size(out_size), R=1.0, tau=tau, V_th=V_th, V_reset=0.0 * u.mV, V_rest=0.0 * u.mV,
            V_initializer=V_initializer, spk_fun=spk_fun, spk_reset=spk_reset, name=name,
        )  # fmt: skip
        self.in_size = size(in_size)
        self.W = param_type(filled(w_init, (self.in_size[-1], self.out_size[-1]), "LeakySpikeReadout: w_init"))

    @property
    def varshape(self) -> tuple[int, ...]:
        return self.out_size

    def update(self, x: Value) -> Value:
        """Spikes `[..., in]` to spikes `[..., out]`."""
        return super().update(matmul(x, self.W.value))
