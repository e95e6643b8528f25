"""The generalised integrate-and-fire neuron: four states, two of them currents that spikes leave behind."""

import brainstate
import saiunit as u

from .checks import LASTING, NOT_NEGATIVE, Bound, check, check_below
from .integrate import Param, Value, exp_euler, param, read
from .population import Neuron, Size
from .surrogate import Spike, relu_grad

Constant = brainstate.nn.init.Constant
first = brainstate.nn.init.param
BOUNDS: dict[str, Bound] = {"tau": LASTING, **dict.fromkeys(("R", "k1", "k2", "b"), NOT_NEGATIVE)}
NAMES = ["tau", "R", "V_rest", "V_reset", "V_th_inf", "V_th_reset", "k1", "k2", "R1", "R2", "A1", "A2", "a", "b"]


class GIF(Neuron):
    """Generalised integrate-and-fire (Mihalas and Niebur 2009, https://doi.org/10.1162/neco.2008.12-07-680).

        dI1/dt = -k1 I1      dI2/dt = -k2 I2
        tau dV/dt = -(V - V_rest) + R (I1 + I2) + R I
        dV_th/dt = a (V - V_rest) - b (V_th - V_th_inf)

    and where `V >= V_th`: `I1 <- R1 I1 + A1`, `I2 <- R2 I2 + A2`, `V <- V_reset`, `V_th <- max(V_th_reset, V_th)`.

    States are stored before the reset, which opens the next step (see `LIF`). Each equation takes one exponential Euler
    step from the state after the reset.

    Args:
        in_size: shape of the population.
        tau, R, V_rest, V_reset, V_th_inf, V_th_reset, k1, k2, R1, R2, A1, A2, a, b: as in the equations; numbers with
            units, `[*in_size]`, callables of the shape, or parameter states (then trained).
        V_initializer: the first voltage, `V_rest` by default; the threshold begins at `V_th_inf`.
        spk_fun, spk_reset: as for `Neuron`; "hard" is the equation above. The scaled voltage is
            `(V - V_th) / (V_th_inf - V_reset)`.

    Attributes:
        I1, I2, V, V_th: `[*in_size]` or `[batch, *in_size]`.

    Raises:
        ValueError: V_reset >= V_th_inf, tau <= 0, R or a rate k1, k2, b < 0, or NaN.
    """

    def __init__(
        self, in_size: Size, tau: Param = 20.0 * u.ms, R: Param = 100.0 * u.ohm, V_rest: Param = -70.0 * u.mV,
        V_reset: Param = -80.0 * u.mV, V_th_inf: Param = -50.0 * u.mV, V_th_reset: Param = -60.0 * u.mV,
        k1: Param = 0.1 / u.ms, k2: Param = 0.05 / u.ms, R1: Param = 0.9, R2: Param = 0.8, A1: Param = 10.0 * u.nA,
        A2: Param = 5.0 * u.nA, a: Param = 0.1 / u.ms, b: Param = 0.02 / u.ms, V_initializer: Value | None = None,
        spk_fun: Spike = relu_grad, spk_reset: str = "hard", name: str | None = None,
    ) -> None:  # fmt: skip
        super().__init__(in_size, spk_fun=spk_fun, spk_reset=spk_reset, name=name)
        values = tau, R, V_rest, V_reset, V_th_inf, V_th_reset, k1, k2, R1, R2, A1, A2, a, b
        for key, value in zip(NAMES, values, strict=True):
            setattr(self, key, param(value, self.varshape))
            check(type(self).__name__, key, getattr(self, key), bound=BOUNDS.get(key))
        check_below(type(self).__name__, "V_reset", self.V_reset, "V_th_inf", self.V_th_inf)
        self.V_initializer = V_initializer

    def init_state(self, batch_size: int | None = None, **kwargs) -> None:
        """Make the four states."""
        for key, value in self._first(batch_size).items():
            setattr(self, key, brainstate.HiddenState(value))

    def reset_state(self, batch_size: int | None = None, **kwargs) -> None:
        """Set the four states to their first values."""
        for key, value in self._first(batch_size).items():
            getattr(self, key).value = value

    def _first(self, batch_size: int | None) -> dict[str, Value]:
        full = lambda v: first(Constant(v), self.varshape, batch_size)
        V = (
            full(read(self.V_rest))
            if self.V_initializer is None
            else first(self.V_initializer, self.varshape, batch_size)
        )
        return {"I1": full(0.0 * u.nA), "I2": full(0.0 * u.nA), "V": V, "V_th": full(read(self.V_th_inf))}

    def get_spike(self, V: Value | None = None, V_th: Value | None = None) -> Value:
        """Spikes of the stored state, or of `V` and `V_th`."""
        V, V_th = self.V.value if V is None else V, self.V_th.value if V_th is None else V_th
        return self.spk_fun((V - V_th) / (read(self.V_th_inf) - read(self.V_reset)))

    def update(self, x: Value = 0.0 * u.nA) -> Value:
        """One step with the current `x: [...]`; returns the spikes."""
        spk, p = self.get_spike(), {key: read(getattr(self, key)) for key in NAMES}
        old_th = self.V_th.value
        I1 = self.I1.value + spk * ((p["R1"] - 1.0) * self.I1.value + p["A1"])
        I2 = self.I2.value + spk * ((p["R2"] - 1.0) * self.I2.value + p["A2"])
        V = self.after_spike(self.V.value, spk, old_th, p["V_reset"])
        V_th = old_th + spk * (u.math.maximum(p["V_th_reset"], old_th) - old_th)

        total = lambda v: p["R"] * (I1 + I2 + self.sum_current_inputs(x, v))
        V_new = exp_euler(lambda v: (-(v - p["V_rest"]) + total(v)) / p["tau"], V)
        self.V_th.value = exp_euler(lambda h: p["a"] * (V - p["V_rest"]) - p["b"] * (h - p["V_th_inf"]), V_th)
        self.I1.value = exp_euler(lambda i: -p["k1"] * i, I1)
        self.I2.value = exp_euler(lambda i: -p["k2"] * i, I2)
        self.V.value = self.sum_delta_inputs(V_new)
        return self.get_spike()
