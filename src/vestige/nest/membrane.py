"""What NEST's e-prop models have in common: a leaky membrane that takes weighted spikes and currents, and its checks."""

import brainstate
import jax
import saiunit as u

from ..neurons.integrate import Param, Value, decay, param, read
from ..neurons.population import Size
from .population import First, Population


class Membrane(Population):
    """A leaky membrane in exact steps, with NEST's parameter names.

        V <- E_L + alpha (V - E_L) + zeta x + (1 - alpha) tau_m / C_m I,      alpha = exp(-dt / tau_m)

    x are the weighted spikes of the step; zeta is 1 where they arrive at its end (`regular_spike_arrival`), else 1 - alpha.
    `V_min` is a floor that the derivative does not see, as NEST's traces do not.

    Attributes:
        V_m: `[*in_size]` or `[batch, *in_size]`; begins at E_L.
    """

    def __init__(
        self, in_size: Size, C_m: Param, E_L: Param, I_e: Param, regular_spike_arrival: bool, tau_m: Param,
        V_min: Param | None, name: str | None = None,
    ) -> None:  # fmt: skip
        super().__init__(in_size, name=name)
        self.C_m, self.E_L, self.I_e, self.tau_m = (param(p, self.varshape) for p in (C_m, E_L, I_e, tau_m))
        self.V_min = None if V_min is None else param(V_min, self.varshape)
        self.regular_spike_arrival = regular_spike_arrival
        self.above("C_m", 0.0 * u.pF)
        self.above("tau_m", 0.0 * u.ms)

    def first(self, batch_size: int | None) -> First:
        """Class and first value of each state, by name."""
        return {"V_m": (brainstate.HiddenState, self.full(read(self.E_L), batch_size))}

    def integrate(self, x: Value, spent: Value = 0.0 * u.mV) -> Value:
        """The voltage after one step with weighted spikes `x`, less what a spike has `spent`."""
        return self.leak(self.sum_delta_inputs(x), spent)

    def leak(self, x: Value, spent: Value = 0.0 * u.mV) -> Value:
        """The same where `x` is all that arrives."""
        alpha, E_L = decay(self.tau_m), read(self.E_L)
        current = self.sum_current_inputs(read(self.I_e))
        zeta = 1.0 if self.regular_spike_arrival else 1.0 - alpha
        V = E_L + alpha * (self.V_m.value - E_L) + zeta * x - spent
        V = V + (1.0 - alpha) * (read(self.tau_m) / read(self.C_m) * current).in_unit(u.mV)
        if self.V_min is None:
            return V
        return V + jax.tree.map(jax.lax.stop_gradient, u.math.maximum(V, read(self.V_min)) - V)
