"""Generalized integrate-and-fire with escape noise, exponential currents and two kinds of adaptation."""

from collections.abc import Sequence

import brainstate
import jax
import jax.numpy as jnp
import saiunit as u

from ..neurons.integrate import Param, Value, read
from ..neurons.population import Size
from ..neurons.surrogate import Spike, relu_grad
from . import propagators
from .events import Events
from .neuron import Initial, NESTNeuron, Numbers
from .population import First

State = dict[str, jax.Array]
MOST = 60.0  # log of the number of spikes a step may expect


class gif_psc_exp(NESTNeuron):
    """Generalized integrate-and-fire neuron with exponential currents, as NEST 3.10 has it, in exact steps.

        C_m dV/dt = -g_L (V - E_L) - sum_k stc_k + I_ex + I_in + I_e + I_stim
        tau_syn dI/dt = -I,   tau_stc_k dstc_k/dt = -stc_k,   tau_sfa_k dsfa_k/dt = -sfa_k
        P(spike in a step) = 1 - exp(-lambda dt),   lambda = lambda_0 exp((V - E_sfa) / Delta_V)
        E_sfa = V_T_star + sum_k sfa_k,   and a spike adds q_stc_k to stc_k and q_sfa_k to sfa_k

    Order of a step: currents decay and take what arrives; the voltage with these, and with `stc` and `sfa` as they were
    at its beginning; a draw; `stc` and `sfa` decay and take the spike's. V is V_reset for t_ref from the next step on,
    so with t_ref = 0 it is never reset.

    The neuron spikes where V reaches a threshold that is drawn in every step, `E_sfa + Delta_V ln(E / (lambda_0 dt))`
    with E exponential of mean 1: the same probability, and a surrogate's slope at `(V - threshold) / (E_sfa - V_reset)`.

    Args:
        in_size: shape of the population.
        g_L, E_L, C_m, V_reset, Delta_V, V_T_star, lambda_0, t_ref, tau_syn_ex, tau_syn_in, I_e: numbers with units,
            `[*in_size]`, callables of the shape, or parameter states (then trained). NEST's defaults.
        tau_sfa, q_sfa, tau_stc, q_stc: sequences of such, one for each kernel.
        rng: where a draw comes from; `brainstate.random.RandomState(key)` keeps a key of its own.
        V_initializer, spk_fun, spk_reset, ref_var: as for `NESTNeuron`.

    States:
        V, I_syn_ex, I_syn_in, I_stc and E_sfa (both of the last step), sfa_0 ..., stc_0 ..., and those of `NESTNeuron`.

    Raises:
        ValueError: g_L, C_m, Delta_V or a time constant <= 0, lambda_0 or t_ref < 0, kernels without their other half.
        UnitMismatchError: another unit.

    Source: Mensi et al. 2012, https://doi.org/10.1152/jn.00408.2011; Pozzorini et al. 2015,
    https://doi.org/10.1371/journal.pcbi.1004275; NEST's model of this name.
    """

    RECORDABLES = ("V_m", "I_syn_ex", "I_syn_in", "I_stc", "E_sfa")
    WEIGHT = u.pA

    def __init__(
        self, in_size: Size, g_L: Param = 4.0 * u.nS, E_L: Param = -70.0 * u.mV, C_m: Param = 80.0 * u.pF,
        V_reset: Param = -55.0 * u.mV, Delta_V: Param = 0.5 * u.mV, V_T_star: Param = -35.0 * u.mV,
        lambda_0: Param = 1.0 / u.second, t_ref: Param = 4.0 * u.ms, tau_sfa: Sequence[Param] = (),
        q_sfa: Sequence[Param] = (), tau_stc: Sequence[Param] = (), q_stc: Sequence[Param] = (),
        tau_syn_ex: Param = 2.0 * u.ms, tau_syn_in: Param = 2.0 * u.ms, I_e: Param = 0.0 * u.pA,
        rng: brainstate.random.RandomState = brainstate.random.DEFAULT, V_initializer: Initial = None,
        spk_fun: Spike = relu_grad, spk_reset: str = "hard", ref_var: bool = False, name: str | None = None,
    ) -> None:  # fmt: skip
        super().__init__(in_size, V_initializer, spk_fun, spk_reset, ref_var, name)
        self.take(u.mV, E_L=E_L, V_reset=V_reset, Delta_V=Delta_V, V_T_star=V_T_star)
        self.take(u.ms, t_ref=t_ref, tau_syn_ex=tau_syn_ex, tau_syn_in=tau_syn_in)
        self.take(u.nS, g_L=g_L)
        self.take(u.pF, C_m=C_m)
        self.take(u.pA, I_e=I_e)
        self.take(u.ms**-1, lambda_0=lambda_0)
        self.kernels = {"sfa": len(tau_sfa), "stc": len(tau_stc)}
        for kind, unit, taus, jumps in (("sfa", u.mV, tau_sfa, q_sfa), ("stc", u.pA, tau_stc, q_stc)):
            if len(taus) != len(jumps):
                raise ValueError(f"gif_psc_exp: {len(taus)} tau_{kind} and {len(jumps)} q_{kind}; a kernel has both")
            self.take(u.ms, **{f"tau_{kind}_{k}": tau for k, tau in enumerate(taus)})
            self.take(unit, **{f"q_{kind}_{k}": jump for k, jump in enumerate(jumps)})
        self.rng = rng
        self.check()

    def check(self) -> None:
        self.positive()
        self.above("g_L", 0.0 * u.nS)
        self.above("Delta_V", 0.0 * u.mV)
        self.above("lambda_0", 0.0 / u.ms, or_equal=True)

    def names(self, kind: str) -> list[str]:
        """States of the kernels of a kind."""
        return [f"{kind}_{k}" for k in range(self.kernels[kind])]

    def first(self, batch_size: int | None) -> First:
        full = lambda value: (brainstate.HiddenState, self.full(value, batch_size))
        current, voltage, threshold = full(0.0 * u.pA), full(0.0 * u.mV), self.full(read(self.V_T_star), batch_size)
        return {
            **super().first(batch_size),
            **dict.fromkeys(("I_syn_ex", "I_syn_in", *self.names("stc")), current),
            **dict.fromkeys(self.names("sfa"), voltage),
            "I_stc": (brainstate.ShortTermState, current[1]),
            "E_sfa": (brainstate.ShortTermState, threshold),
        }

    def get_spike(self, V: Value | None = None) -> jax.Array:
        raise NotImplementedError(
            "gif_psc_exp: a voltage does not say whether the neuron spikes; take what `update` returns"
        )

    def log_likelihood(self, spikes: jax.Array, x: Value = 0.0 * u.pA, spike_events: Events = None) -> jax.Array:
        """One step in which the neuron spikes where it is told to, and how probable that is.

            log p = spike log(1 - exp(-lambda dt)) - (1 - spike) lambda dt,   0 in silence

        It is smooth in every parameter, state and input; the sum over the steps of a recording is what Pozzorini et
        al. 2015 maximize.

        Args:
            spikes: `[...]`, 0 or 1; those in silence are ignored.
            x, spike_events: as for `update`.

        Returns:
            log p `[...]`. The states are then those after these spikes.
        """
        found = []

        def step(p, s, w):
            new, intensity = self.move(p, s, w)
            silent = s.refractory_step_count > 0
            told = jnp.where(silent, 0.0, jax.lax.stop_gradient(jnp.asarray(spikes, s.V.dtype)))
            found.append(jnp.where(silent, 0.0, log_probability(told, intensity)))
            return self.settle(p, s, new, told), told

        self.advance(step, x, spike_events)
        return found[0]

    def step(self, p: Numbers, s: Numbers, w: State) -> tuple[State, jax.Array]:
        new, intensity = self.move(p, s, w)
        silent = s.refractory_step_count > 0
        # spikes where the intensity is above an exponential number, which is where V is above a random threshold
        draw = jnp.log(self.rng.exponential(size=s.V.shape).astype(s.V.dtype))
        height = p.Delta_V / jax.lax.stop_gradient(jnp.maximum(new["E_sfa"] - p.V_reset, p.Delta_V))
        spikes = jnp.where(silent, 0.0, self.spk_fun((intensity - draw) * height))
        return self.settle(p, s, new, spikes), spikes

    def move(self, p: Numbers, s: Numbers, w: State) -> tuple[State, jax.Array]:
        """States before a spike, and the log of the expected number of spikes in this step."""
        stc = sum((getattr(s, k) for k in self.names("stc")), jnp.zeros_like(s.V))
        sfa = sum((getattr(s, k) for k in self.names("sfa")), jnp.zeros_like(s.V)) + p.V_T_star
        I_ex = propagators.leak(p.tau_syn_ex, p.dt) * s.I_syn_ex + w["ex"]
        I_in = propagators.leak(p.tau_syn_in, p.dt) * s.I_syn_in + w["in"]
        tau_m = p.C_m / p.g_L
        V = p.E_L + propagators.leak(tau_m, p.dt) * (s.V - p.E_L)
        V = V + propagators.constant(tau_m, p.C_m, p.dt) * (p.I_e + s.I_stim - stc)
        V = V + propagators.exponential(p.tau_syn_ex, tau_m, p.C_m, p.dt) * I_ex
        V = V + propagators.exponential(p.tau_syn_in, tau_m, p.C_m, p.dt) * I_in
        V = jnp.where(s.refractory_step_count > 0, p.V_reset, V)
        intensity = jnp.log(p.lambda_0 * p.dt) + (V - sfa) / p.Delta_V
        return {"V": V, "I_syn_ex": I_ex, "I_syn_in": I_in, "I_stc": stc, "E_sfa": sfa}, intensity

    def settle(self, p: Numbers, s: Numbers, new: State, spikes: jax.Array) -> State:
        """States after the spikes."""
        for kind in ("stc", "sfa"):
            for k, name in enumerate(self.names(kind)):
                tau, jump = getattr(p, f"tau_{kind}_{k}"), getattr(p, f"q_{kind}_{k}")
                new[name] = propagators.leak(tau, p.dt) * getattr(s, name) + jump * spikes
        left = jnp.maximum(s.refractory_step_count - 1, 0)
        # the reset comes with the next step; its slope is this one's
        more = spikes - jax.lax.stop_gradient(spikes)
        new["V"] = new["V"] - jax.lax.stop_gradient(new["V"] - p.V_reset) * more
        return {**new, "refractory_step_count": jnp.where(spikes > 0, self.silence(p), left)}


def log_probability(spikes: jax.Array, intensity: jax.Array) -> jax.Array:
    """`log p` of spikes of 0 or 1 where `exp(intensity)` are expected; finite for every intensity."""
    # a silent step is out of the question long before exp overflows
    expected = jnp.exp(jnp.minimum(intensity, MOST))
    # log(1 - exp(-m)) = log m - m / 2 + ... is the intensity itself where m is small
    small = intensity < -15.0
    fair = jnp.where(small, 1.0, expected)
    spike = jnp.where(small, intensity - 0.5 * expected, jnp.log(-jnp.expm1(-fair)))
    return spikes * spike - (1.0 - spikes) * expected
