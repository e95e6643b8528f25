"""Izhikevich's simple model."""

import brainstate
import jax
import jax.numpy as jnp
import saiunit as u

from ..neurons.integrate import Param, Value, read
from ..neurons.population import Size
from ..neurons.surrogate import Spike, relu_grad
from .neuron import Initial, NESTNeuron, Numbers
from .population import First


class izhikevich(NESTNeuron):
    """Izhikevich's simple model, as NEST 3.10 has it, in steps of Euler's.

        dV/dt = 0.04 V^2 + 5 V + 140 - U + I_e + I_stim        dU/dt = a (b V - U)

    with V, U in mV, t in ms, and currents in pA taken as mV/ms. Order of a step: V and U move together, weights that
    arrive (in mV) are added to V, V is at least V_min; V >= V_th spikes, V <- c, U <- U + d. There is no silence.

    With `consistent_integration=False` the step is the published one: V moves in two halves, U then with the new V; a
    weight acts like a current of one step, so it moves V by `dt / ms` of itself.

    Args:
        in_size: shape of the population.
        V_th, V_min, a, b, c, d, I_e: numbers (a and b) or numbers with units, `[*in_size]`, callables of the shape, or
            parameter states (then trained). NEST's defaults.
        consistent_integration: all neurons' scheme.
        V_initializer, U_initializer: first V and U, values or callables of the shape.
        spk_fun: surrogate of `(V - V_th) / (V_th - c)`. spk_reset, ref_var: as for `NESTNeuron`.

    States:
        V, U_m, and those of `NESTNeuron`.

    Raises:
        ValueError: c >= V_th. UnitMismatchError: another unit.

    Source: Izhikevich 2003, https://doi.org/10.1109/TNN.2003.820440; NEST's model of this name.
    """

    RECORDABLES = ("V_m", "U_m")
    WEIGHT = u.mV

    def __init__(
        self, in_size: Size, V_th: Param = 30.0 * u.mV, V_min: Param = -jnp.inf * u.mV, a: Param = 0.02, b: Param = 0.2,
        c: Param = -65.0 * u.mV, d: Param = 8.0 * u.mV, I_e: Param = 0.0 * u.pA, consistent_integration: bool = True,
        V_initializer: Initial = -65.0 * u.mV, U_initializer: Initial = -13.0 * u.mV, spk_fun: Spike = relu_grad,
        spk_reset: str = "hard", ref_var: bool = False, name: str | None = None,
    ) -> None:  # fmt: skip
        super().__init__(in_size, V_initializer, spk_fun, spk_reset, ref_var, name)
        self.take(u.mV, V_th=V_th, V_min=V_min, c=c, d=d)
        self.take(u.UNITLESS, a=a, b=b)
        self.take(u.pA, I_e=I_e)
        self.consistent_integration, self.U_initializer = consistent_integration, U_initializer
        self.below("c", "V_th")

    def first(self, batch_size: int | None) -> First:
        return {**super().first(batch_size), "U_m": (brainstate.HiddenState, self.full(self.U_initializer, batch_size))}

    def get_spike(self, V: Value | None = None) -> jax.Array:
        """Spikes of a voltage before its reset, `[...]`."""
        V, V_th = self.V.value if V is None else V, read(self.V_th)
        return self.spk_fun((V - V_th) / (V_th - read(self.c)))

    def step(self, p: Numbers, s: Numbers, w: dict[str, jax.Array]) -> tuple[dict[str, jax.Array], jax.Array]:
        jump, half = w["ex"] + w["in"], p.dt / 2
        drive = lambda V: 0.04 * V**2 + 5.0 * V + 140.0 - s.U_m + p.I_e + s.I_stim
        if self.consistent_integration:
            V, seen = s.V + p.dt * drive(s.V) + jump, s.V
        else:
            V = s.V + half * (drive(s.V) + jump)
            V = seen = V + half * (drive(V) + jump)
        U = s.U_m + p.dt * p.a * (p.b * seen - s.U_m)
        V = jnp.maximum(V, p.V_min)
        spikes = self.spk_fun((V - p.V_th) / (p.V_th - p.c))
        return {"V": self.after_spike(V, spikes, p.V_th, p.c), "U_m": U + p.d * spikes}, spikes
