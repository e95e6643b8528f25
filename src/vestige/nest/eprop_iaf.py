"""NEST's leaky integrate-and-fire neuron for e-prop at every step."""

import saiunit as u

from ..neurons.integrate import Param, Value, read
from ..neurons.population import Size
from .eprop_steps import Spiking


class eprop_iaf(Spiking):
    """Leaky integrate-and-fire neuron for e-prop with biological features, as NEST 3.10 has it.

        V <- E_L + alpha (V - E_L) + x + (1 - alpha) tau_m / C_m I,     alpha = exp(-dt / tau_m)
        z <- [V >= V_th and r = 0]      psi = dz/dV,  0 while r > 0      r <- t_ref / dt - 1 after a spike, else r - 1
        V <- V - (V_th - E_L) z         rate <- kappa_reg rate + (1 - kappa_reg) z

    x are the weighted spikes that arrive. Unlike `eprop_iaf_bsshslm_2020` a spike is taken off in its own step, and the
    rate is regularised at every step: add `regularisation()` to the loss. NEST's `kappa` is the rule's:
    `e_prop(kappa=0.97)`; its `eprop_isi_trace_cutoff` belongs to the synapse.

    Args:
        in_size: shape of the population.
        C_m, E_L, I_e, tau_m, V_th: numbers with units, `[*in_size]`, callables of the shape, or parameter states (then
            trained).
        c_reg, f_target, kappa_reg: weight, target (spikes per time) and decay per step of the regularised rate.
        surrogate_gradient_function: "piecewise_linear" `height max(0, 1 - |V - V_th| / width)`, "exponential",
            "fast_sigmoid_derivative" or "arctan_derivative".
        surrogate_gradient_height, surrogate_gradient_width: of psi, per mV and in mV.
        t_ref: refractory period, rounded up to whole steps; of n steps, the n - 1 after a spike are silent.
        V_min: floor of the voltage, or None.

    Attributes:
        V_m: voltage, after the reset; spike: of this step, 0 or 1; rate: spikes per step, filtered; surrogate_gradient: psi;
        r: steps of silence left, integers. `[*in_size]` or `[batch, *in_size]`.

    Raises:
        ValueError: a parameter outside of its range. UnitMismatchError: one of another unit.

    Source: Korcsak-Gorzo et al. 2025, https://doi.org/10.48550/arXiv.2511.21674; NEST's model of this name.
    """

    def __init__(
        self, in_size: Size, C_m: Param = 250.0 * u.pF, c_reg: float = 0.0, E_L: Param = -70.0 * u.mV,
        f_target: Value = 0.01 * u.Hz, I_e: Param = 0.0 * u.pA, kappa_reg: float = 0.97,
        surrogate_gradient_function: str = "piecewise_linear", surrogate_gradient_height: Value = 0.3 / u.mV,
        surrogate_gradient_width: Value = 1.0 * u.mV, t_ref: Param = 2.0 * u.ms, tau_m: Param = 10.0 * u.ms,
        V_min: Param | None = None, V_th: Param = -55.0 * u.mV, name: str | None = None,
    ) -> None:  # fmt: skip
        super().__init__(
            in_size, C_m, c_reg, E_L, f_target, I_e, kappa_reg, surrogate_gradient_function, surrogate_gradient_height,
            surrogate_gradient_width, t_ref, tau_m, V_min, V_th, name,
        )  # fmt: skip

    def spent(self, V: Value) -> Value:
        return V - (read(self.V_th) - read(self.E_L))

    def after(self, rest):
        return (rest - 1).clip(0)
