"""NEST's leaky integrate-and-fire neuron with an adapting threshold, for e-prop at every step."""

import saiunit as u

from ..neurons.integrate import Param, Value
from ..neurons.population import Size
from .eprop_iaf import eprop_iaf
from .eprop_steps import Adapting


class eprop_iaf_adapt(Adapting, eprop_iaf):
    """`eprop_iaf` whose threshold rises with every spike, as NEST 3.10 has it.

        a <- rho a + z,    A = V_th + adapt_beta a,    z <- [V >= A and r = 0],       rho = exp(-dt / adapt_tau)

    z on the right is the spike of the last step, with its derivative: the eligibility vector of the adaptation is
    `eps <- psi eps_V + (rho - beta psi) eps`, and that of the spike `psi (eps_V - beta eps)`. A spike takes V_th - E_L off.

    Args:
        in_size: shape of the population.
        adapt_beta: rise of the threshold per unit of adaptation, at least 0 mV.
        adapt_tau: time constant of the adaptation.
        Others: as for `eprop_iaf`.

    Attributes:
        V_m, spike, rate, surrogate_gradient, r: as there; adaptation: `[*in_size]` or `[batch, *in_size]`.

    Raises:
        ValueError: a parameter outside of its range. UnitMismatchError: one of another unit.

    Source: Korcsak-Gorzo et al. 2025, https://doi.org/10.48550/arXiv.2511.21674; NEST's model of this name.
    """

    def __init__(
        self, in_size: Size, adapt_beta: Param = 1.0 * u.mV, adapt_tau: Param = 10.0 * u.ms, C_m: Param = 250.0 * u.pF,
        c_reg: float = 0.0, E_L: Param = -70.0 * u.mV, f_target: Value = 0.01 * u.Hz, I_e: Param = 0.0 * u.pA,
        kappa_reg: float = 0.97, surrogate_gradient_function: str = "piecewise_linear",
        surrogate_gradient_height: Value = 0.3 / u.mV, surrogate_gradient_width: Value = 1.0 * u.mV,
        t_ref: Param = 2.0 * u.ms, tau_m: Param = 10.0 * u.ms, V_min: Param | None = None,
        V_th: Param = -55.0 * u.mV, name: str | None = None,
    ) -> None:  # fmt: skip
        eprop_iaf.__init__(
            self, in_size, C_m, c_reg, E_L, f_target, I_e, kappa_reg, surrogate_gradient_function,
            surrogate_gradient_height, surrogate_gradient_width, t_ref, tau_m, V_min, V_th, name,
        )  # fmt: skip
        self.adapts(adapt_beta, adapt_tau)
