"""NEST's leaky integrate-and-fire neuron for e-prop."""

import brainstate
import jax
import jax.numpy as jnp
import saiunit as u

from ..neurons.integrate import Param, Value, param, plain, read, time_step
from ..neurons.population import Size
from .membrane import Membrane
from .surrogate import SLOPES


class eprop_iaf_bsshslm_2020(Membrane):
    """Leaky integrate-and-fire neuron of the e-prop paper, as NEST 3.10 has it.

        V <- E_L + alpha (V - E_L) + zeta x + (1 - alpha) tau_m / C_m I - (V_th - E_L) z,     alpha = exp(-dt / tau_m)
        z <- [V >= V_th and r = 0]      psi = dz/dV,  0 while r > 0      r <- t_ref / dt after a spike, else r - 1

    x are the weighted spikes that arrive, zeta is 1 or 1 - alpha (`regular_spike_arrival`). A spike takes V_th - E_L off the
    next voltage, with no derivative: the eligibility vector is the input filtered by alpha, as in the paper. NEST's
    `c_reg` and `f_target` belong to the rule here: `e_prop(rate_strength=c_reg, rate_target=f_target dt)`.

    Args:
        in_size: shape of the population.
        C_m, E_L, I_e, tau_m, V_th: numbers with units, `[*in_size]`, callables of the shape, or parameter states (then
            trained).
        regular_spike_arrival: spikes arrive at the end of a step (zeta = 1), or at its beginning (1 - alpha).
        surrogate_gradient_function: "piecewise_linear" `height max(0, 1 - |V - V_th| / width)`, "exponential",
            "fast_sigmoid_derivative" or "arctan_derivative".
        surrogate_gradient_height, surrogate_gradient_width: of psi, per mV and in mV.
        t_ref: refractory period, rounded up to whole steps; of n steps, the n - 1 after a spike are silent.
        V_min: floor of the voltage, or None.

    Attributes:
        V_m: voltage; r: steps of silence left, integers. `[*in_size]` or `[batch, *in_size]`.

    Raises:
        ValueError: a parameter outside of its range. UnitMismatchError: one of another unit.

    Source: Bellec et al. 2020, https://doi.org/10.1038/s41467-020-17236-y; NEST's model of this name.
    """

    def __init__(
        self, in_size: Size, C_m: Param = 250.0 * u.pF, E_L: Param = -70.0 * u.mV, I_e: Param = 0.0 * u.pA,
        regular_spike_arrival: bool = True, surrogate_gradient_function: str = "piecewise_linear",
        surrogate_gradient_height: Value = 0.3 / u.mV, surrogate_gradient_width: Value = 1.0 * u.mV,
        t_ref: Param = 2.0 * u.ms, tau_m: Param = 10.0 * u.ms, V_min: Param | None = None, V_th: Param = -55.0 * u.mV,
        name: str | None = None,
    ) -> None:  # fmt: skip
        super().__init__(in_size, C_m, E_L, I_e, regular_spike_arrival, tau_m, V_min, name)
        self.t_ref, self.V_th = param(t_ref, self.varshape), param(V_th, self.varshape)
        self.surrogate_gradient_height = surrogate_gradient_height
        self.surrogate_gradient_width = surrogate_gradient_width
        self.above("t_ref", 0.0 * u.ms, or_equal=True)
        self.above("surrogate_gradient_height", 0.0 / u.mV)
        self.above("surrogate_gradient_width", 0.0 * u.mV)
        if self.V_min is not None:
            self.above("V_th", read(self.V_min), or_equal=True)
        if surrogate_gradient_function not in SLOPES:
            raise ValueError(
                f"{type(self).__name__}: surrogate_gradient_function is {surrogate_gradient_function!r}; "
                f"it can be {', '.join(map(repr, SLOPES))}"
            )
        self.surrogate_gradient_function = surrogate_gradient_function
        shape = surrogate_gradient_height * u.mV, surrogate_gradient_width / u.mV
        shape = (float(u.Quantity(v).to_decimal(u.UNITLESS)) for v in shape)
        self.spk_fun = SLOPES[surrogate_gradient_function](*shape)

    def first(self, batch_size: int | None) -> dict:
        # a first state is silent, whatever its threshold: it was never tested for a spike
        silent = jnp.ones_like(self.full(0, batch_size), dtype=int)
        return {**super().first(batch_size), "r": (brainstate.ShortTermState, silent)}

    def threshold(self) -> Value:
        """Voltage at which the stored state spikes."""
        return read(self.V_th)

    def get_spike(self) -> jax.Array:
        """Spikes of the stored state, 0 or 1."""
        above = (self.V_m.value - self.threshold()).to_decimal(u.mV)
        # infinitely far below threshold the spike and every slope are zero
        return self.spk_fun(jnp.where(self.r.value > 0, -jnp.inf, above))

    def update(self, x: Value = 0.0 * u.mV) -> jax.Array:
        """One step with the weighted spikes `x: [...]` that arrive in it; returns the spikes `[...]` that leave."""
        self.fire(x, self.get_spike())
        return self.get_spike()

    def fire(self, x: Value, z: jax.Array) -> None:
        """Voltage and silence after spikes `z` and input `x`."""
        rest = jnp.ceil(plain(read(self.t_ref) / time_step(), "t_ref / dt") - 1e-6).astype(int)
        self.V_m.value = self.integrate(x, (read(self.V_th) - read(self.E_L)) * jax.lax.stop_gradient(z))
        self.r.value = jnp.maximum(jnp.where(z > 0, rest, self.r.value) - 1, 0)
