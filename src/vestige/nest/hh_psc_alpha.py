"""Hodgkin and Huxley's neuron with alpha-shaped currents."""

import brainstate
import jax
import jax.numpy as jnp
import numpy as np
import saiunit as u

from ..neurons.integrate import Param, Value, linexp
from ..neurons.population import Size
from ..neurons.surrogate import Spike, relu_grad
from .neuron import Initial, NESTNeuron, Numbers
from .population import First
from .solve import pieces, repeat, rkf45

V_TH = 0.0  # mV; a local maximum above it is a spike
V_REST = -65.0  # mV; where the gates begin, whatever the voltage does
STATES = ("V", "Act_m", "Inact_h", "Act_n", "I_syn_ex", "dI_ex", "I_syn_in", "dI_in")
FASTEST = (
    80.0  # 1/ms; where a gate would be faster (below -118 mV) the solver's step would blow up: it is at rest either way
)
LONGEST = 0.025  # ms; shorter steps of the solver are no nearer to the simulator, which has an error of its own


class hh_psc_alpha(NESTNeuron):
    """Hodgkin-Huxley neuron with alpha-shaped currents, as NEST 3.10 has it.

        C dV/dt = -g_Na m^3 h (V - E_Na) - g_K n^4 (V - E_K) - g_L (V - E_L) + I_ex + I_in + I_e + I_stim
        dx/dt = alpha_x(V) (1 - x) - beta_x(V) x,   x = m, h, n (`rates`)
        dI/dt = dI - I/tau_syn        d(dI)/dt = -dI/tau_syn        arrival: dI += w e/tau_syn

    Order of a step: all of them together, in fifth-order Runge-Kutta-Fehlberg steps of at most 0.025 ms; weights that arrive
    at its end. The neuron spikes where the voltage is at or above 0 mV and has begun to fall, unless it spiked less than
    t_ref ago. Nothing is reset: the potassium current brings the voltage back.

    The slope of a spike is the surrogate's at `(V - 0 mV) / 65 mV`, the distance to threshold over that of rest, in every
    step in which the voltage falls and the neuron is not silent; so hills that did not reach threshold have one as well.

    Args:
        in_size: shape of the population.
        E_L, C_m, t_ref, g_Na, g_K, g_L, E_Na, E_K, tau_syn_ex, tau_syn_in, I_e: numbers with units, `[*in_size]`,
            callables of the shape, or parameter states (then trained). NEST's defaults.
        V_initializer: first voltage, -65 mV unless given; a value or a callable of the shape.
        Act_m, Inact_h, Act_n: where the gates begin, a number, `[*in_size]` or a callable of the shape. Unless given it
            is their steady state at -65 mV, as in NEST also where the voltage begins elsewhere; see `steady`.
        spk_fun, ref_var: as for `NESTNeuron`. Weights are in pA.

    States:
        V, Act_m, Inact_h, Act_n, I_syn_ex, I_syn_in, their inner slopes dI_ex, dI_in (pA/ms), and those of `NESTNeuron`.

    Raises:
        ValueError: C_m or a time constant <= 0, t_ref, a conductance or a gate < 0. UnitMismatchError: another unit.

    Source: Hodgkin and Huxley 1952, https://doi.org/10.1113/jphysiol.1952.sp004764; Gerstner and Kistler 2002, Spiking Neuron
    Models, section 2.2; NEST's model of this name.
    """

    RECORDABLES = ("V_m", "Act_m", "Inact_h", "Act_n", "I_syn_ex", "I_syn_in")
    WEIGHT = u.pA

    def __init__(
        self, in_size: Size, E_L: Param = -54.402 * u.mV, C_m: Param = 100.0 * u.pF, t_ref: Param = 2.0 * u.ms,
        g_Na: Param = 12000.0 * u.nS, g_K: Param = 3600.0 * u.nS, g_L: Param = 30.0 * u.nS, E_Na: Param = 50.0 * u.mV,
        E_K: Param = -77.0 * u.mV, tau_syn_ex: Param = 0.2 * u.ms, tau_syn_in: Param = 2.0 * u.ms,
        I_e: Param = 0.0 * u.pA, V_initializer: Initial = V_REST * u.mV, Act_m: Param | None = None,
        Inact_h: Param | None = None, Act_n: Param | None = None, spk_fun: Spike = relu_grad, ref_var: bool = False,
        name: str | None = None,
    ) -> None:  # fmt: skip
        super().__init__(in_size, V_initializer, spk_fun, ref_var=ref_var, name=name)
        self.take(u.mV, E_L=E_L, E_Na=E_Na, E_K=E_K)
        self.take(u.ms, t_ref=t_ref, tau_syn_ex=tau_syn_ex, tau_syn_in=tau_syn_in)
        self.take(u.pF, C_m=C_m)
        self.take(u.nS, g_Na=g_Na, g_K=g_K, g_L=g_L)
        self.take(u.pA, I_e=I_e)
        gates = {"Act_m": Act_m, "Inact_h": Inact_h, "Act_n": Act_n}
        self.gates = {k: self.begin(k, v) for k, v in gates.items()}
        self.check()

    def begin(self, name: str, value: Param | None) -> Value:
        """Where a gate begins: the value given, or at rest."""
        if value is None:
            return steady(V_REST * u.mV)[name]
        value, me = self.parameter(name, value), f"{type(self).__name__}: {name}"
        if not u.is_dimensionless(value):
            raise u.UnitMismatchError(f"{me} has the unit {u.get_unit(value)}; a gate has none")
        if np.any(value < 0):
            raise ValueError(f"{me} begins at {value}; a gate must be at least 0")
        return u.Quantity(value).to_decimal(u.UNITLESS)

    def check(self) -> None:
        """Raise unless t_ref and the conductances are >= 0, and time constants and the capacitance above 0."""
        for name in ("g_Na", "g_K", "g_L"):
            self.above(name, 0.0 * u.nS, or_equal=True)
        self.positive()

    def first(self, batch_size: int | None) -> First:
        current = brainstate.HiddenState, self.full(0.0 * u.pA, batch_size)
        slope = brainstate.HiddenState, self.full(0.0 * u.pA / u.ms, batch_size)
        gates = {k: (brainstate.HiddenState, self.full(v, batch_size)) for k, v in self.gates.items()}
        own = {"I_syn_ex": current, "I_syn_in": current, "dI_ex": slope, "dI_in": slope}
        return {**super().first(batch_size), **gates, **own}

    def get_spike(self, V: Value | None = None) -> jax.Array:
        """Not for this neuron: a local maximum is not seen in one voltage.

        Raises:
            TypeError: always.
        """
        raise TypeError("a spike of hh_psc_alpha is a local maximum of V; its spikes are what `update` returns")

    def step(self, p: Numbers, s: Numbers, w: dict[str, jax.Array]) -> tuple[dict[str, jax.Array], jax.Array]:
        n = pieces(p.dt, LONGEST)
        once = jax.checkpoint(lambda y: rkf45(lambda y: field(p, y, s.I_stim), y, p.dt / n))
        # one array and no memory of what is between the stages: a fraction of what a gradient compiles and keeps
        new = dict(zip(STATES, repeat(once, jnp.stack([getattr(s, k) for k in STATES]), n)))
        new["dI_ex"] = new["dI_ex"] + w["ex"] * (jnp.e / p.tau_syn_ex)
        new["dI_in"] = new["dI_in"] + w["in"] * (jnp.e / p.tau_syn_in)
        silent = s.refractory_step_count > 0
        deaf = silent | (new["V"] >= s.V)
        spikes = jnp.where(deaf, 0.0, self.spk_fun((new["V"] - V_TH) / (V_TH - V_REST)))
        left = jnp.where(silent, s.refractory_step_count - 1, 0)
        return {**new, "refractory_step_count": jnp.where(spikes > 0, self.silence(p), left)}, spikes


def field(p: Numbers, y: jax.Array, I_stim: jax.Array) -> jax.Array:
    """Time derivatives of `STATES`, per ms."""
    V, m, h, n, I_ex, dI_ex, I_in, dI_in = y
    I = -p.g_Na * m**3 * h * (V - p.E_Na) - p.g_K * n**4 * (V - p.E_K) - p.g_L * (V - p.E_L)
    gates = [a * (1.0 - x) - b * x for x, (a, b) in zip((m, h, n), rates(V).values())]
    ex, into = (
        (dI_ex - I_ex / p.tau_syn_ex, -dI_ex / p.tau_syn_ex),
        (dI_in - I_in / p.tau_syn_in, -dI_in / p.tau_syn_in),
    )
    return jnp.stack([(I + I_ex + I_in + p.I_e + I_stim) / p.C_m, *gates, *ex, *into])


def rates(V: jax.Array) -> dict[str, tuple[jax.Array, jax.Array]]:
    """How fast each gate opens and closes at a voltage in mV, per ms; rest is at -65 mV.

    Together at most `FASTEST`, with the same rest.
    """
    found = {
        "Act_m": (linexp((V + 40.0) / 10.0), 4.0 * jnp.exp(-(V + 65.0) / 18.0)),
        "Inact_h": (0.07 * jnp.exp(-(V + 65.0) / 20.0), 1.0 / (1.0 + jnp.exp(-(V + 35.0) / 10.0))),
        "Act_n": (0.1 * linexp((V + 55.0) / 10.0), 0.125 * jnp.exp(-(V + 65.0) / 80.0)),
    }
    slow = lambda a, b: jnp.minimum(1.0, FASTEST / (a + b))
    return {k: (a * slow(a, b), b * slow(a, b)) for k, (a, b) in found.items()}


def steady(V: Value) -> dict[str, jax.Array]:
    """The gates that a voltage holds, `alpha / (alpha + beta)`."""
    found = rates(jnp.asarray(u.Quantity(V).to_decimal(u.mV)))
    return {k: a / (a + b) for k, (a, b) in found.items()}
