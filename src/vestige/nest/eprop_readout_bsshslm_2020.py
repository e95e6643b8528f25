"""NEST's leaky readout for e-prop, and the two losses that it knows."""

import jax
import jax.numpy as jnp
import saiunit as u

from ..neurons.integrate import Param, Value
from ..neurons.population import Size
from .membrane import Membrane


def mean_squared_error(V: Value, target: jax.Array) -> jax.Array:
    """`1/2 sum_k (V_k - target_k)^2` of one step, V in mV; its mean over a batch."""
    return 0.5 * jnp.mean(jnp.sum((_mV(V) - target) ** 2, -1))


def cross_entropy(V: Value, target: jax.Array) -> jax.Array:
    """`-sum_k target_k log softmax(V)_k` of one step, V in mV; its mean over a batch."""
    return -jnp.mean(jnp.sum(target * jax.nn.log_softmax(_mV(V)), -1))


def _mV(V: Value) -> jax.Array:
    return u.Quantity(V).to_decimal(u.mV)


LOSSES = {"mean_squared_error": mean_squared_error, "cross_entropy": cross_entropy}


class eprop_readout_bsshslm_2020(Membrane):
    """Leaky readout neuron of the e-prop paper, as NEST 3.10 has it.

        V <- E_L + kappa (V - E_L) + zeta x + (1 - kappa) tau_m / C_m I,      kappa = exp(-dt / tau_m)

    x are the weighted spikes of this step's network, zeta is 1 or 1 - kappa (`regular_spike_arrival`).

    Args:
        in_size: shape of the population.
        C_m, E_L, I_e, tau_m: numbers with units, `[*in_size]`, callables of the shape, or parameter states (then trained).
        loss: "mean_squared_error" or "cross_entropy".
        regular_spike_arrival: spikes arrive at the end of a step (zeta = 1), or at its beginning (1 - kappa).
        V_min: floor of the voltage, or None.

    Attributes:
        V_m: voltage `[*in_size]` or `[batch, *in_size]`.
        loss: the function `loss(V, target)` of one step that learners take.

    Raises:
        ValueError: a parameter outside of its range. UnitMismatchError: one of another unit.

    Source: Bellec et al. 2020, https://doi.org/10.1038/s41467-020-17236-y; NEST's model of this name.
    """

    def __init__(
        self, in_size: Size, C_m: Param = 250.0 * u.pF, E_L: Param = 0.0 * u.mV, I_e: Param = 0.0 * u.pA,
        loss: str = "mean_squared_error", regular_spike_arrival: bool = True, tau_m: Param = 10.0 * u.ms,
        V_min: Param | None = None, name: str | None = None,
    ) -> None:  # fmt: skip
        super().__init__(in_size, C_m, E_L, I_e, regular_spike_arrival, tau_m, V_min, name)
        if loss not in LOSSES:
            raise ValueError(f"{type(self).__name__}: loss is {loss!r}; it can be {', '.join(map(repr, LOSSES))}")
        self.loss = LOSSES[loss]

    def update(self, x: Value = 0.0 * u.mV) -> Value:
        """One step with the weighted spikes `x: [...]`; returns the voltage."""
        self.V_m.value = self.integrate(x)
        return self.V_m.value
