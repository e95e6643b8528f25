"""Synapses: conductances or currents that spikes raise and time lowers."""

import brainstate
import saiunit as u

from .checks import LASTING, check
from .integrate import Param, Value, exp_euler, param, read
from .population import Dynamics, Size

closed = brainstate.nn.init.Constant(0.0 * u.mS)
first = brainstate.nn.init.param


class Expon(Dynamics):
    """The exponential synapse: `tau dg/dt = -g`, and each spike adds its weight.

    Args:
        in_size: shape of the population that receives.
        tau: time constant.
        g_initializer: the first value, which sets the unit (mS by default).

    Attributes:
        g: `[*in_size]` or `[batch, *in_size]`.

    Raises:
        ValueError: tau <= 0 or NaN.
    """

    variables = ("g",)

    def __init__(
        self,
        in_size: Size,
        name: str | None = None,
        tau: Param = 8.0 * u.ms,
        g_initializer: Value = closed,
    ) -> None:
        super().__init__(in_size, name=name)
        self.tau, self.g_initializer = param(tau, self.varshape), g_initializer
        check(type(self).__name__, "tau", self.tau, bound=LASTING)

    def init_state(self, batch_size: int | None = None, **kwargs) -> None:
        """Make the states."""
        for key in self.variables:
            setattr(self, key, brainstate.HiddenState(first(self.g_initializer, self.varshape, batch_size)))

    def reset_state(self, batch_size: int | None = None, **kwargs) -> None:
        """Set the states to their first values."""
        for key in self.variables:
            getattr(self, key).value = first(self.g_initializer, self.varshape, batch_size)

    def update(self, x: Value | None = None) -> Value:
        """One step; `x: [...]` and the deltas left jump the synapse. Returns `g` after the jump."""
        g = exp_euler(lambda g: self.sum_current_inputs(-g) / read(self.tau), self.g.value)
        g = self.sum_delta_inputs(g)
        self.g.value = g if x is None else g + x
        return self.g.value


class Alpha(Expon):
    """The alpha synapse: `tau dh/dt = -h`, `tau dg/dt = -g + h`, and each spike adds its weight to `h`.

    After one spike `g(t) = w (t / tau) exp(-t / tau)`. Arguments as for `Expon`.

    Attributes:
        g, h: `[*in_size]` or `[batch, *in_size]`.
    """

    variables = ("g", "h")

    def update(self, x: Value | None = None) -> Value:
        """One step; `x: [...]` and the deltas left jump `h`. Returns `g`."""
        g, h, tau = self.g.value, self.h.value, read(self.tau)
        self.g.value = exp_euler(lambda g: (h - g) / tau, g)
        h = self.sum_delta_inputs(exp_euler(lambda h: -h / tau, h))
        self.h.value = h if x is None else h + x
        return self.g.value
