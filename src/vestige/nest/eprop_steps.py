"""What NEST's e-prop neurons that learn at every step have in common: slope, memory of spikes, and what neither passes on."""

import brainstate
import jax
import jax.numpy as jnp
import saiunit as u

from ..neurons.integrate import Param, Value, param, plain, read, time_step
from ..neurons.population import Size
from .membrane import Membrane
from .population import First
from .surrogate import SLOPES


class Spiking(Membrane):
    """A leaky membrane that spikes, with a low-pass filter of its spikes for the regularisation of its rate.

        V <- E_L + alpha (V - E_L) + x + (1 - alpha) tau_m / C_m I,   z <- [V >= threshold and not silent],   psi = dz/dV
        rate <- kappa_reg rate + (1 - kappa_reg) z

    Reset, silence and `V_min` change the voltage without a derivative, so that the eligibility vector of the voltage is the
    input filtered by alpha, whatever the neuron does. A subclass says in `silenced` what silence does to the voltage, and
    in `spent` what a spike leaves of it.
    """

    def __init__(
        self, in_size: Size, C_m: Param, c_reg: float, E_L: Param, f_target: Value, I_e: Param, kappa_reg: float,
        surrogate_gradient_function: str, surrogate_gradient_height: Value, surrogate_gradient_width: Value,
        t_ref: Param, tau_m: Param, V_min: Param | None, V_th: Param, name: str | None = None,
    ) -> None:  # fmt: skip
        super().__init__(in_size, C_m, E_L, I_e, True, tau_m, V_min, name)
        self.t_ref, self.V_th = param(t_ref, self.varshape), param(V_th, self.varshape)
        self.c_reg, self.f_target, self.kappa_reg = c_reg, f_target, kappa_reg
        self.surrogate_gradient_height = surrogate_gradient_height
        self.surrogate_gradient_width = surrogate_gradient_width
        self.above("t_ref", 0.0 * u.ms, or_equal=True)
        self.above("surrogate_gradient_height", 0.0 / u.mV)
        self.above("surrogate_gradient_width", 0.0 * u.mV)
        self.above("c_reg", 0.0, or_equal=True)
        self.above("f_target", 0.0 * u.Hz, or_equal=True)
        if self.V_min is not None:
            self.above("V_th", read(self.V_min), or_equal=True)
        if not 0 <= kappa_reg <= 1:
            raise ValueError(f"{type(self).__name__}: kappa_reg is {kappa_reg}; it must be from 0 to 1")
        if surrogate_gradient_function not in SLOPES:
            raise ValueError(
                f"{type(self).__name__}: surrogate_gradient_function is {surrogate_gradient_function!r}; "
                f"it can be {', '.join(map(repr, SLOPES))}"
            )
        self.surrogate_gradient_function = surrogate_gradient_function
        shape = surrogate_gradient_height * u.mV, surrogate_gradient_width / u.mV
        shape = (float(u.Quantity(v).to_decimal(u.UNITLESS)) for v in shape)
        self.spk_fun = SLOPES[surrogate_gradient_function](*shape)

    def first(self, batch_size: int | None) -> First:
        nothing = self.full(0.0, batch_size)
        silence = brainstate.ShortTermState, jnp.zeros_like(nothing, dtype=int)
        return {
            **super().first(batch_size), "spike": (brainstate.HiddenState, nothing),
            "rate": (brainstate.HiddenState, nothing), "r": silence,
            "surrogate_gradient": (brainstate.ShortTermState, nothing),
        }  # fmt: skip

    def threshold(self) -> Value:
        """Voltage at which this step spikes."""
        return read(self.V_th)

    def rest(self) -> jax.Array:
        """Steps of the refractory period, rounded up."""
        return jnp.ceil(plain(read(self.t_ref) / time_step(), "t_ref / dt") - 1e-6).astype(int)

    def arriving(self, x: Value) -> Value:
        """What counts in this step of the spikes `x` that arrive in it."""
        return x

    def silenced(self, V: Value) -> Value:
        """The voltage `V` of a free neuron as it is where this one is silent (r > 0)."""
        return V

    def flat(self) -> jax.Array:
        """Where this step can have neither spike nor slope."""
        return self.r.value > 0

    def spent(self, V: Value) -> Value:
        """The voltage that a spike leaves."""
        raise NotImplementedError(f"{type(self).__name__}: a spiking neuron says what a spike leaves in `spent`")

    def after(self, rest: jax.Array) -> jax.Array:
        """Steps of silence that follow a spike."""
        return rest

    def get_spike(self) -> jax.Array:
        """Spikes of the last step, 0 or 1."""
        return self.spike.value

    def update(self, x: Value = 0.0 * u.mV) -> jax.Array:
        """One step with the weighted spikes `x: [...]` that arrive in it; returns the spikes `[...]` that leave."""
        free, silent = self.leak(self.arriving(self.sum_delta_inputs(x))), self.r.value > 0
        V = free + still(u.math.where(silent, self.silenced(free), free) - free)
        above = (V - self.threshold()).to_decimal(u.mV)
        # infinitely far below threshold the spike and every slope are zero
        z = self.spk_fun(jnp.where(self.flat(), -jnp.inf, above))
        self.surrogate_gradient.value = still(jnp.where(self.flat(), 0.0, self.spk_fun.slope(above)))
        self.V_m.value = V + still(u.math.where(z > 0, self.spent(V), V) - V)
        self.r.value = jnp.where(z > 0, self.after(self.rest()), jnp.maximum(self.r.value - 1, 0))
        self.spike.value = z
        self.rate.value = self.kappa_reg * self.rate.value + (1.0 - self.kappa_reg) * z
        return z

    def regularisation(self) -> jax.Array:
        """`c_reg / 2 sum_j (rate_j - f_target dt)^2` of the last step, of each example: a part of the loss."""
        target = plain(self.f_target * time_step(), "f_target dt")
        return self.c_reg / 2 * jnp.sum((self.rate.value - target) ** 2, tuple(range(-len(self.varshape), 0)))


class Adapting(Spiking):
    """A threshold that rises with every spike: `a <- rho a + z` of the step before, `threshold = V_th + adapt_beta a`."""

    adapt_beta: Param
    adapt_tau: Param

    def adapts(self, adapt_beta: Param, adapt_tau: Param) -> None:
        """Take the parameters of the adaptation."""
        self.adapt_beta, self.adapt_tau = param(adapt_beta, self.varshape), param(adapt_tau, self.varshape)
        self.above("adapt_beta", 0.0 * u.mV, or_equal=True)
        self.above("adapt_tau", 0.0 * u.ms)

    def first(self, batch_size: int | None) -> First:
        return {**super().first(batch_size), "adaptation": (brainstate.HiddenState, self.full(0.0, batch_size))}

    def drive(self) -> jax.Array:
        """Spikes that the adaptation is driven by in this step."""
        return self.spike.value

    def threshold(self) -> Value:
        return read(self.V_th) + read(self.adapt_beta) * self.adaptation.value

    def update(self, x: Value = 0.0 * u.mV) -> jax.Array:
        rho = jnp.exp(-plain(time_step() / read(self.adapt_tau), "dt / adapt_tau"))
        self.adaptation.value = rho * self.adaptation.value + self.drive()
        return super().update(x)


def still(V: Value) -> Value:
    """The same number with no derivative."""
    return jax.tree.map(jax.lax.stop_gradient, V)
