"""What NEST's adaptive exponential neurons share: the membrane, its adaptation, and spikes between the steps."""

import brainstate
import jax
import jax.numpy as jnp
import numpy as np
import saiunit as u

from ..neurons.integrate import Param, Value, read
from ..neurons.population import Size
from ..neurons.surrogate import Spike, relu_grad
from .neuron import Initial, NESTNeuron, Numbers
from .population import First
from .propagators import moment
from .solve import repeat, rk4

State = dict[str, jax.Array]
FAST = 0.2  # widths that the exponential may move V in a part of a step before it is taken in closed form


class AdaptiveExponential(NESTNeuron):
    """Adaptive exponential integrate-and-fire neuron; a subclass says how its conductances move.

        C_m dV/dt   = -g_L (V - E_L) + g_L Delta_T exp((V - V_th) / Delta_T) - I_syn - w + I_e + I_stim
        tau_w dw/dt = a (V - E_L) - w        I_syn = g_ex (V - E_ex) + g_in (V - E_in)

    A step has `sub_steps` parts of equal length. A part is one classical Runge-Kutta step; on the upstroke, where the
    exponential moves V by more than `FAST` Delta_T in a part, V is taken in closed form instead, with the other
    currents as they are at its beginning. Where V reaches V_peak (V_th if Delta_T = 0) the neuron spikes: V <- V_reset
    for t_ref, w <- w + b, at the time within the part at which V is there. With t_ref = 0 the step goes on from V_reset
    and may spike again. Weights that arrive join the conductances at the end of the step.

    NEST spikes at the end of whichever of its own steps has passed V_peak. On the upstroke that is the same time; where
    V_peak is so near V_th that V creeps over it, NEST resets up to a step later.

    The slope of the spikes is the surrogate's of `(V - V_th) / max(V_th - V_reset, Delta_T)` at the beginning of the
    step: later voltages are on their way to infinity, and so are their derivatives. For the gradient a reset is as
    high as `V - V_reset` there, at most `V_th - V_reset`, whether it is "hard" or "soft".

    Args:
        in_size: shape of the population.
        V_peak, V_reset, t_ref, g_L, C_m, E_ex, E_in, E_L, I_e, Delta_T, tau_w, a, b, V_th, tau_syn_ex, tau_syn_in:
            numbers with units, `[*in_size]`, callables of the shape, or parameter states (then trained). NEST's defaults.
        sub_steps: parts of a step; 4 to 40 reproduce every recorded train of NEST's at 0.1 ms.
        V_initializer, spk_fun, spk_reset, ref_var: as for `NESTNeuron`.

    Attributes:
        V, w, g_ex, g_in, and those of `NESTNeuron`. What `update` returns counts the spikes of a step.

    Raises:
        ValueError: V_reset >= V_peak, V_th > V_peak, V_reset >= V_th without an exponential, Delta_T < 0 or so small
            that the exponential overflows, C_m or a time constant <= 0, t_ref < 0, sub_steps < 1.
        UnitMismatchError: another unit.

    Source: Brette and Gerstner 2005, https://doi.org/10.1152/jn.00686.2005; NEST's models of these names.
    """

    RECORDABLES = ("V_m", "g_ex", "g_in", "w")

    def __init__(
        self, in_size: Size, V_peak: Param = 0.0 * u.mV, V_reset: Param = -60.0 * u.mV, t_ref: Param = 0.0 * u.ms,
        g_L: Param = 30.0 * u.nS, C_m: Param = 281.0 * u.pF, E_ex: Param = 0.0 * u.mV, E_in: Param = -85.0 * u.mV,
        E_L: Param = -70.6 * u.mV, I_e: Param = 0.0 * u.pA, Delta_T: Param = 2.0 * u.mV,
        tau_w: Param = 144.0 * u.ms, a: Param = 4.0 * u.nS, b: Param = 80.5 * u.pA, V_th: Param = -50.4 * u.mV,
        tau_syn_ex: Param = 0.2 * u.ms, tau_syn_in: Param = 2.0 * u.ms, sub_steps: int = 10,
        V_initializer: Initial = None, spk_fun: Spike = relu_grad, spk_reset: str = "hard", ref_var: bool = False,
        name: str | None = None,
    ) -> None:  # fmt: skip
        super().__init__(in_size, V_initializer, spk_fun, spk_reset, ref_var, name)
        self.take(u.mV, E_L=E_L, V_th=V_th, V_reset=V_reset, V_peak=V_peak, E_ex=E_ex, E_in=E_in, Delta_T=Delta_T)
        self.take(u.ms, t_ref=t_ref, tau_w=tau_w, tau_syn_ex=tau_syn_ex, tau_syn_in=tau_syn_in)
        self.take(u.nS, g_L=g_L, a=a)
        self.take(u.pA, I_e=I_e, b=b)
        self.take(u.pF, C_m=C_m)
        if sub_steps < 1:
            raise ValueError(f"{type(self).__name__}: sub_steps is {sub_steps}; a step has at least one")
        self.sub_steps = sub_steps
        self.check()

    def check(self) -> None:
        self.positive()
        self.above("Delta_T", 0.0 * u.mV, or_equal=True)
        mV = {k: u.Quantity(read(getattr(self, k))).to_decimal(u.mV) for k, v in self.units.items() if v == u.mV}
        peak, threshold, steep = mV["V_peak"], mV["V_th"], mV["Delta_T"]
        # a current of the exponential, and the voltage it drives, must be numbers
        most = float(np.log(jnp.finfo(float).max * 1e-20))
        for wrong, what in (
            (
                mV["V_reset"] >= np.where(steep > 0, peak, threshold),
                "V_reset must be below V_peak (V_th if Delta_T = 0)",
            ),
            (threshold > peak, "V_th must be at most V_peak"),
            ((steep > 0) & (peak - threshold > most * steep), f"(V_peak - V_th) / Delta_T must be at most {most:.0f}"),
        ):
            if np.any(wrong):
                raise ValueError(f"{type(self).__name__}: {what}; there are {mV} mV")

    def first(self, batch_size: int | None) -> First:
        zeros = {k: (brainstate.HiddenState, self.full(0.0 * v, batch_size)) for k, v in self.synapses().items()}
        return {**super().first(batch_size), "w": (brainstate.HiddenState, self.full(0.0 * u.pA, batch_size)), **zeros}

    def get_spike(self, V: Value | None = None) -> jax.Array:
        """Spikes of a voltage before its reset, `[...]`; the stored one is after it."""
        V, peak = self.V.value if V is None else V, read(self.V_peak)
        return self.spk_fun((V - peak) / (peak - read(self.V_reset)))

    def synapses(self) -> dict[str, u.Unit]:
        """States of the conductances."""
        return {"g_ex": u.nS, "g_in": u.nS}

    def decay(self, p: Numbers, y: State) -> State:
        """How the states of the conductances move."""
        raise NotImplementedError(f"{type(self).__name__}: a neuron says how its conductances move in `decay`")

    def arrive(self, p: Numbers, y: State, w: State) -> State:
        """States of the conductances with what arrives."""
        raise NotImplementedError(f"{type(self).__name__}: a neuron says what weights do in `arrive`")

    def drift(self, p: Numbers, V: jax.Array, y: State, current: jax.Array) -> jax.Array:
        """Slope of V but for the exponential, mV/ms."""
        synapses = y["g_ex"] * (V - p.E_ex) + y["g_in"] * (V - p.E_in)
        return (-p.g_L * (V - p.E_L) - synapses - y["w"] + p.I_e + current) / p.C_m

    def rate(self, p: Numbers, V: jax.Array) -> jax.Array:
        """Slope of V by the exponential, in Delta_T per ms."""
        width = jnp.where(p.Delta_T > 0, p.Delta_T, 1.0)
        return jnp.where(p.Delta_T > 0, p.g_L / p.C_m * jnp.exp((jnp.minimum(V, p.V_peak) - p.V_th) / width), 0.0)

    def adapt(self, p: Numbers, V: jax.Array, y: State) -> jax.Array:
        """Slope of w, pA/ms."""
        return (p.a * (V - p.E_L) - y["w"]) / p.tau_w

    def field(self, p: Numbers, y: State, held: jax.Array, current: jax.Array) -> State:
        """Slope of V, w and the conductances."""
        V = jnp.where(held, p.V_reset, jnp.minimum(y["V"], p.V_peak))
        slope = self.drift(p, V, y, current) + p.Delta_T * self.rate(p, V)
        return {"V": jnp.where(held, 0.0, slope), "w": self.adapt(p, V, y), **self.decay(p, y)}

    def part(self, p: Numbers, y: State, held: jax.Array, current: jax.Array) -> tuple[State, jax.Array]:
        """States after one part of a step, and whether it spikes."""
        h, V = p.dt / self.sub_steps, y["V"]
        new = rk4(lambda y: self.field(p, y, held, current), y, h)
        rate = self.rate(p, V)
        fast = ~held & (rate * h > FAST)
        rate = jnp.where(fast, rate, FAST / h)
        up, at_peak = upstroke(V, self.drift(p, V, y, current), rate, p.Delta_T, p.V_peak, h)
        end = jnp.where(fast, up, jnp.where(held, p.V_reset, new["V"]))
        top = jnp.where(p.Delta_T > 0, p.V_peak, p.V_th)
        fired = ~held & (end >= top)
        at = jnp.where(fast, at_peak, h * (top - V) / jnp.where(fired, end - V, 1.0))
        at = jax.lax.stop_gradient(jnp.where(fired, jnp.clip(at, 0.0, h), h))
        new["w"] = jnp.where(fast | fired, self.through(p, y, end, fired, at, h), new["w"])
        away = self.field(p, {**new, "V": jnp.broadcast_to(p.V_reset, V.shape)}, self.silence(p) > 0, current)["V"]
        return {**new, "V": jnp.where(fired, p.V_reset + (h - at) * away, end)}, fired

    def through(
        self, p: Numbers, y: State, end: jax.Array, fired: jax.Array, at: jax.Array, h: float
    ) -> jax.Array:  # fmt: skip
        """w after a part of the upstroke that ends at `end`, or spikes at the time `at` and stays at V_reset from there."""
        # a path that diverges has its mean Delta_T above its beginning
        mean = jnp.where(fired, jnp.minimum(y["V"] + p.Delta_T, p.V_peak), (y["V"] + end) / 2)
        w = y["w"] + at * self.adapt(p, mean, y) + p.b * fired
        return w + (h - at) * self.adapt(p, p.V_reset, {"w": w})

    def step(self, p: Numbers, s: Numbers, w: State) -> tuple[State, jax.Array]:
        silence, silent = self.silence(p), s.refractory_step_count > 0

        def part(now):
            y, held, count = now
            y, fired = self.part(p, y, held, s.I_stim)
            return y, held | (fired & (silence > 0)), count + fired

        y = {k: getattr(s, k) for k in ("V", "w", *self.synapses())}
        y, _, count = repeat(part, (y, silent, jnp.zeros_like(s.V)), self.sub_steps)
        slope = jnp.where(silent, 0.0, self.spk_fun((s.V - p.V_th) / jnp.maximum(p.V_th - p.V_reset, p.Delta_T)))
        # nothing but a slope: what a spike does to V and w is in them already
        more = slope - jax.lax.stop_gradient(slope)
        height = jax.lax.stop_gradient(jnp.minimum(s.V, p.V_th) - p.V_reset)
        left = jnp.where(silent, s.refractory_step_count - 1, 0)
        new = {
            **y,
            **self.arrive(p, y, w),
            "V": y["V"] - height * more,
            "w": y["w"] + jax.lax.stop_gradient(p.b) * more,
        }
        return {**new, "refractory_step_count": jnp.where(count > 0, silence, left)}, count + more


def upstroke(
    V: jax.Array, drift: jax.Array, rate: jax.Array, width: jax.Array, peak: jax.Array, h: float
) -> tuple[jax.Array, jax.Array]:
    """V after a time `h`, at most `peak`, and the time at which it is there, in closed form with constant `drift`.

    `y = exp(-(V - V_0) / width)` has `dy/dt = -drift / width y - rate`, which is linear, and smooth where V diverges.
    """
    width = jnp.where(width > 0, width, 1.0)
    pull, last = drift / width, jnp.exp((V - peak) / width)
    y = jnp.exp(-pull * h) - rate * h * moment(-pull * h, 0)
    reach = (1.0 - last) / (pull * last + rate)
    bend = pull * reach
    small = jnp.abs(bend) < 1e-6
    time = reach * jnp.where(small, 1.0 - bend / 2, jnp.log1p(bend) / jnp.where(small, 1.0, bend))
    return jnp.where(y > last, V - width * jnp.log(jnp.where(y > last, y, 1.0)), peak), time
