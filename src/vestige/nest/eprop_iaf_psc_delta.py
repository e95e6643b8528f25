"""NEST's leaky integrate-and-fire neuron with a fixed reset, for e-prop at every step."""

import brainstate
import jax
import saiunit as u

from ..neurons.integrate import Param, Value, decay, param, read
from ..neurons.population import Size
from .eprop_steps import Spiking, still
from .population import First


class eprop_iaf_psc_delta(Spiking):
    """`eprop_iaf` with the reset and the silence of `iaf_psc_delta`, as NEST 3.10 has it.

        V <- E_L + alpha (V - E_L) + x + (1 - alpha) tau_m / C_m I,  or V_reset while r > 0,     alpha = exp(-dt / tau_m)
        z <- [V >= V_th and r = 0]      psi = dz/dV,  0 while r > 1      r <- t_ref / dt after a spike, else r - 1
        V <- V_reset where z            rate <- kappa_reg rate + (1 - kappa_reg) z

    The eligibility vector of the voltage knows neither reset nor silence: it is the input filtered by alpha.

    Args:
        in_size: shape of the population.
        refractory_input: keep what arrives in silence until it is over, decaying with tau_m.
        V_reset: voltage after a spike, below V_th.
        t_ref: refractory period, rounded up to whole steps, all of them silent.
        Others: as for `eprop_iaf`.

    Attributes:
        V_m, spike, rate, surrogate_gradient, r: as there; refractory_buffer: mV that wait. `[*in_size]` or
            `[batch, *in_size]`.

    Raises:
        ValueError: a parameter outside of its range. UnitMismatchError: one of another unit.

    Source: Korcsak-Gorzo et al. 2025, https://doi.org/10.48550/arXiv.2511.21674; NEST's model of this name.
    """

    def __init__(
        self, in_size: Size, C_m: Param = 250.0 * u.pF, c_reg: float = 0.0, E_L: Param = -70.0 * u.mV,
        f_target: Value = 0.01 * u.Hz, I_e: Param = 0.0 * u.pA, kappa_reg: float = 0.97, refractory_input: bool = False,
        surrogate_gradient_function: str = "piecewise_linear", surrogate_gradient_height: Value = 0.3 / u.mV,
        surrogate_gradient_width: Value = 1.0 * u.mV, t_ref: Param = 2.0 * u.ms, tau_m: Param = 10.0 * u.ms,
        V_min: Param | None = None, V_reset: Param = -70.0 * u.mV, V_th: Param = -55.0 * u.mV, name: str | None = None,
    ) -> None:  # fmt: skip
        super().__init__(
            in_size, C_m, c_reg, E_L, f_target, I_e, kappa_reg, surrogate_gradient_function, surrogate_gradient_height,
            surrogate_gradient_width, t_ref, tau_m, V_min, V_th, name,
        )  # fmt: skip
        self.V_reset, self.refractory_input = param(V_reset, self.varshape), refractory_input
        self.above("V_th", read(self.V_reset))

    def first(self, batch_size: int | None) -> First:
        states = super().first(batch_size)
        if self.refractory_input:
            states["refractory_buffer"] = brainstate.ShortTermState, self.full(0.0 * u.mV, batch_size)
        return states

    def arriving(self, x: Value) -> Value:
        if not self.refractory_input:
            return x
        # what waits decays every step, so that it is used at its size at the end of the first free one
        silent, waits = self.r.value > 0, decay(self.tau_m) * self.refractory_buffer.value
        self.refractory_buffer.value = still(u.math.where(silent, waits + x, 0.0 * u.mV))
        return x + still(u.math.where(silent, 0.0 * u.mV, waits))

    def silenced(self, V: Value) -> Value:
        return u.math.zeros_like(V) + read(self.V_reset)

    def flat(self) -> jax.Array:
        # in the last silent step the slope is that at V_reset, from where no neuron spikes
        return self.r.value > 1

    def spent(self, V: Value) -> Value:
        return u.math.zeros_like(V) + read(self.V_reset)
