"""NEST's leaky readout for e-prop at every step."""

import saiunit as u

from ..neurons.integrate import Param, Value
from ..neurons.population import Size
from .eprop_readout_bsshslm_2020 import mean_squared_error
from .membrane import Membrane


class eprop_readout(Membrane):
    """Leaky readout neuron for e-prop with biological features, as NEST 3.10 has it.

        V <- E_L + kappa (V - E_L) + x + (1 - kappa) tau_m / C_m I,      kappa = exp(-dt / tau_m)

    x are the weighted spikes of this step's network.

    Args:
        in_size: shape of the population.
        C_m, E_L, I_e, tau_m: numbers with units, `[*in_size]`, callables of the shape, or parameter states (then trained).
        V_min: floor of the voltage, or None.

    Attributes:
        V_m: voltage `[*in_size]` or `[batch, *in_size]`.
        loss: `1/2 sum_k (V_k - target_k)^2` of one step, the only one that NEST has here.

    Raises:
        ValueError: a parameter outside of its range. UnitMismatchError: one of another unit.

    Source: Korcsak-Gorzo et al. 2025, https://doi.org/10.48550/arXiv.2511.21674; NEST's model of this name.
    """

    loss = staticmethod(mean_squared_error)

    def __init__(
        self, in_size: Size, C_m: Param = 250.0 * u.pF, E_L: Param = 0.0 * u.mV, I_e: Param = 0.0 * u.pA,
        tau_m: Param = 10.0 * u.ms, V_min: Param | None = None, name: str | None = None,
    ) -> None:  # fmt: skip
        super().__init__(in_size, C_m, E_L, I_e, True, tau_m, V_min, name)

    def update(self, x: Value = 0.0 * u.mV) -> Value:
        """One step with the weighted spikes `x: [...]`; returns the voltage."""
        self.V_m.value = self.integrate(x)
        return self.V_m.value
