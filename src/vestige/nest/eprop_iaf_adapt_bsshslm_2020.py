"""NEST's leaky integrate-and-fire neuron with an adapting threshold, for e-prop."""

import brainstate
import jax
import saiunit as u

from ..neurons.integrate import Param, Value, decay, param, read
from ..neurons.population import Size
from .eprop_iaf_bsshslm_2020 import eprop_iaf_bsshslm_2020


class eprop_iaf_adapt_bsshslm_2020(eprop_iaf_bsshslm_2020):
    """`eprop_iaf_bsshslm_2020` whose threshold rises with every spike, as NEST 3.10 has it.

        a <- rho a + z,    A = V_th + beta a,    z <- [V >= A and r = 0],       rho = exp(-dt / adapt_tau)

    z on the right is the spike of the last step. Here it does carry its derivative: the eligibility vector of the
    adaptation is `eps <- psi eps_V + (rho - beta psi) eps`, and that of the spike `psi (eps_V - beta eps)`.

    Args:
        in_size: shape of the population.
        adapt_beta: rise of the threshold per unit of adaptation, at least 0 mV.
        adapt_tau: time constant of the adaptation.
        Others: as for `eprop_iaf_bsshslm_2020`.

    Attributes:
        V_m, r: as there; adaptation: `[*in_size]` or `[batch, *in_size]`.

    Raises:
        ValueError: a parameter outside of its range. UnitMismatchError: one of another unit.

    Source: Bellec et al. 2020, https://doi.org/10.1038/s41467-020-17236-y; NEST's model of this name.
    """

    def __init__(
        self, in_size: Size, adapt_beta: Param = 1.0 * u.mV, adapt_tau: Param = 10.0 * u.ms, C_m: Param = 250.0 * u.pF,
        E_L: Param = -70.0 * u.mV, I_e: Param = 0.0 * u.pA, regular_spike_arrival: bool = True,
        surrogate_gradient_function: str = "piecewise_linear", surrogate_gradient_height: Value = 0.3 / u.mV,
        surrogate_gradient_width: Value = 1.0 * u.mV, t_ref: Param = 2.0 * u.ms, tau_m: Param = 10.0 * u.ms,
        V_min: Param | None = None, V_th: Param = -55.0 * u.mV, name: str | None = None,
    ) -> None:  # fmt: skip
        super().__init__(
            in_size, C_m, E_L, I_e, regular_spike_arrival, surrogate_gradient_function, surrogate_gradient_height,
            surrogate_gradient_width, t_ref, tau_m, V_min, V_th, name,
        )  # fmt: skip
        self.adapt_beta, self.adapt_tau = param(adapt_beta, self.varshape), param(adapt_tau, self.varshape)
        self.above("adapt_beta", 0.0 * u.mV, or_equal=True)
        self.above("adapt_tau", 0.0 * u.ms)

    def first(self, batch_size: int | None) -> dict:
        return {**super().first(batch_size), "adaptation": (brainstate.HiddenState, self.full(0.0, batch_size))}

    def threshold(self) -> Value:
        return read(self.V_th) + read(self.adapt_beta) * self.adaptation.value

    def fire(self, x: Value, z: jax.Array) -> None:
        super().fire(x, z)
        self.adaptation.value = decay(self.adapt_tau) * self.adaptation.value + z
