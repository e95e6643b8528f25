"""NMDA synapses kept by the neuron that sends: one pair of variables per sender, whatever the number of its targets."""

import brainstate
import jax
import jax.numpy as jnp
import saiunit as u

from ..neurons.integrate import Param, Value, param, read, time_step
from ..neurons.population import Size
from .events import fitting, plain
from .gating import gate
from .neuron import Numbers
from .population import First, Population


class NMDASource(Population):
    """Gating variables of the synapses of `in_size` senders, for `iaf_bw_2001_exact`.

        tau_rise_NMDA dx/dt = -x        ds/dt = -s / tau_decay_NMDA + alpha x (1 - s)        x <- x + spikes

    Synapses with the same delay and the same kinetics depend on the sender's spikes alone. So one pair (x, s) per sender,
    times the weights, is the sum over all ports of a target, to 1e-9 mV at dt = 0.1 ms:

        opened = source(spikes)                                         # spikes that arrive in this step
        target(current, {"NMDA_g": vestige.matmul(opened, W)})          # W [senders, targets], nS

    Order of a step: x and s move over the step; spikes are added to x.

    Args:
        in_size: shape of the senders; a matrix product needs one axis.
        tau_rise_NMDA, tau_decay_NMDA, alpha: numbers with units, `[*in_size]`, callables of the shape, or parameter states.

    Attributes:
        x_NMDA, s_NMDA: `[*in_size]` or `[batch, *in_size]`.

    Raises:
        ValueError: a parameter is not above 0. UnitMismatchError: another unit.
    """

    def __init__(
        self, in_size: Size, tau_rise_NMDA: Param = 2.0 * u.ms, tau_decay_NMDA: Param = 100.0 * u.ms,
        alpha: Param = 0.5 / u.ms, name: str | None = None,
    ) -> None:  # fmt: skip
        super().__init__(in_size, name=name)
        for name, value in {"tau_rise_NMDA": tau_rise_NMDA, "tau_decay_NMDA": tau_decay_NMDA}.items():
            setattr(self, name, param(value, self.varshape))
            self.above(name, 0.0 * u.ms)
        self.alpha = param(alpha, self.varshape)
        self.above("alpha", 0.0 / u.ms)

    def first(self, batch_size: int | None) -> First:
        return {k: (brainstate.HiddenState, self.full(0.0, batch_size)) for k in ("x_NMDA", "s_NMDA")}

    def update(self, spikes: Value = 0.0) -> jax.Array:
        """One step.

        Args:
            spikes: `[*in_size]`, how many arrive at the end of this step.

        Returns:
            the course of s in this step, `[4, *in_size]` or `[4, batch, *in_size]`; see `gating`.

        Raises:
            KeyError: no `dt` in the environment. ValueError, UnitMismatchError: spikes that do not fit.
        """
        p = self.numbers()
        what, x = "NMDASource: spikes that arrive", self.x_NMDA.value
        spikes = fitting(plain(spikes, u.UNITLESS, what), x.shape, what)
        x, s, course = gate(p, x, self.s_NMDA.value)
        self.x_NMDA.value, self.s_NMDA.value = x + spikes, s
        return jnp.stack(course)

    def numbers(self) -> Numbers:
        """Parameters and `dt`, in ms."""
        ms = lambda value, unit: jnp.asarray(u.Quantity(read(value)).to_decimal(unit))
        return Numbers(
            dt=float(u.Quantity(time_step()).to_decimal(u.ms)), alpha=ms(self.alpha, u.ms**-1),
            tau_rise_NMDA=ms(self.tau_rise_NMDA, u.ms), tau_decay_NMDA=ms(self.tau_decay_NMDA, u.ms),
        )  # fmt: skip
