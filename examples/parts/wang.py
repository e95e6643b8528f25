"""Wang's decision network (2002), full size, with NEST's exact neuron: rates, winner, decision time."""

from functools import partial

import brainstate
import jax.numpy as jnp
import numpy as np
import saiunit as u

from vestige import nest

DT, F, W_PLUS, STEPS = 0.1 * u.ms, 0.15, 1.7, 30000
WINDOWS = ((200, 1000), (1000, 1500), (1500, 2000), (2000, 3000))  # ms


class Decision(brainstate.nn.Module):
    """A, B and the rest of the excitatory neurons excite by AMPA and NMDA, I inhibits by GABA; all-to-all.

    One weight for each pair of populations, and one pair of NMDA variables for each sender: a step is O(neurons).
    """

    neuron = nest.iaf_bw_2001_exact

    def __init__(self, NE=1600, NI=400, w_plus=W_PLUS, delay=0.5 * u.ms):
        super().__init__()
        a, unit = round(F * NE), 1600 / NE * u.nS
        self.sizes, self.NE, self.NI, self.delay = (a, a, NE - 2 * a), NE, NI, delay
        same, small = (
            dict(V_th=-50.0 * u.mV, V_reset=-55.0 * u.mV),
            dict(C_m=200.0 * u.pF, g_L=20.0 * u.nS, t_ref=1.0 * u.ms),
        )
        self.E, self.I = self.neuron(NE, **same), self.neuron(NI, **small, **same)
        self.noise = nest.poisson_generator(NE + NI)
        self.from_E, self.from_I = nest.DelayLine(NE, delay), nest.DelayLine(NI, delay)
        w_minus = 1 - F * (w_plus - 1) / (1 - F)
        within = np.array([[w_plus, w_minus, 1.0], [w_minus, w_plus, 1.0], [w_minus, w_minus, 1.0]])
        pairs = nest.blocks(self.sizes, self.sizes)
        excite = partial(nest.Projection, self.from_E, delay=delay, receptor="AMPA")
        inhibit = partial(nest.Projection, self.from_I, delay=delay, receptor="GABA")
        self.spikes = [
            excite(self.E, pairs, weight=0.05 * within * unit), excite(self.I, weight=0.04 * unit),
            inhibit(self.E, weight=1.3 * unit), inhibit(self.I, weight=1.0 * unit),
        ]  # fmt: skip
        self.open(0.165 * within * unit, 0.13 * unit, pairs)

    def open(self, to_E, to_I, pairs):
        """NMDA: gates that their senders keep."""
        self.gates = nest.NMDASource(self.NE)
        self.to_E = nest.Opening(self.NE, self.E, pairs, weight=to_E)
        self.to_I = nest.Opening(self.NE, self.I, weight=to_I)

    def update(self, signal):
        """One step; `signal`: Hz to each neuron of A and B. Returns the spikes of E and I, one after the other."""
        hertz = 2400.0 + jnp.repeat(jnp.append(signal, 0.0), np.array([*self.sizes[:2], self.sizes[2] + self.NI]))
        outside = self.noise(hertz * u.Hz)
        return self.step(2.1 * outside[: self.NE] * u.nS, 1.62 * outside[self.NE :] * u.nS)

    def step(self, to_E, to_I):
        """One step in which these conductances come from outside."""
        gates = self.gates(self.from_E.read(self.delay))
        for projection in self.spikes:
            projection()
        self.to_E(gates)
        self.to_I(gates)
        E, I = self.E(spike_events={"AMPA": to_E}), self.I(spike_events={"AMPA": to_I})
        return jnp.concatenate([self.from_E(E), self.from_I(I)])


class Jumping(Decision):
    """The same with NEST's approximate neuron, whose spikes carry how far they open NMDA synapses."""

    neuron = nest.iaf_bw_2001

    def open(self, to_E, to_I, pairs):
        self.jumps = nest.DelayLine(self.NE, self.delay)
        late = partial(nest.Projection, self.jumps, delay=self.delay, receptor="NMDA")
        self.spikes += [late(self.E, pairs, weight=to_E), late(self.I, weight=to_I)]

    def step(self, to_E, to_I):
        for projection in self.spikes:
            projection()
        E, I = self.E(spike_events={"AMPA": to_E}), self.I(spike_events={"AMPA": to_I})
        self.jumps(self.E.NMDA_jump.value)
        return jnp.concatenate([self.from_E(E), self.from_I(I)])


class Choice(Decision):
    """Eighty neurons excite, twenty inhibit; two stimuli of thirty trains each reach A, B and the rest alike, at first."""

    def __init__(self):
        super().__init__(80, 20)
        self.stimuli, self.from_stimuli = nest.poisson_generator(60), nest.DelayLine(60, self.delay)
        self.gains = brainstate.ParamState(jnp.full((2, 3), 0.06, jnp.float32) * u.nS)
        to = nest.blocks([30, 30], self.sizes)
        how = dict(weight=self.gains, delay=self.delay, receptor="AMPA")
        self.drive = nest.Projection(self.from_stimuli, self.E, to, **how)

    def update(self, hertz):
        """One step; what it says are the mean NMDA gates of A and of B, which remember 100 ms of their spikes."""
        self.drive()
        self.from_stimuli(self.stimuli(jnp.repeat(hertz, 30) * u.Hz))
        super().update(jnp.zeros(2))
        open_, (a, b, _) = self.gates.s_NMDA.value, self.sizes
        return jnp.stack([open_[:a].mean(), open_[a : a + b].mean()])


def signal(coherence, seed):
    """`[steps, 2]`: rates of the signal from 1 to 2 s, drawn anew every 50 ms."""
    drawn = np.random.default_rng(seed).normal(40 + 0.4 * coherence * np.array([1, -1]), 4.0, (20, 2))
    return jnp.asarray(
        np.concatenate([np.zeros((10000, 2)), np.repeat(np.maximum(drawn, 0), 500, 0), np.zeros((10000, 2))])
    )


def simulate(model, inputs):
    """Spikes `[steps, neurons]`."""
    brainstate.nn.init_all_states(model)
    return brainstate.transform.for_loop(lambda x: model(x).astype(jnp.int8), inputs)


def rates(spikes, sizes, width=50):
    """`[steps, populations]`: Hz of each population over the last `width` ms."""
    sizes = list(sizes)
    ends = np.cumsum(sizes)
    mean = np.stack([spikes[:, b - n : b].mean(1) for n, b in zip(sizes, ends)], 1).cumsum(0)
    late = np.concatenate([np.zeros((10 * width, len(sizes))), mean[: -10 * width]])
    return (mean - late) / (width * 1e-3)


def judged(hertz):
    """Winner, and ms from the onset of the signal until A or B first fires at 15 Hz or more."""
    above = [np.append(np.flatnonzero(hertz[10000:, k] >= 15.0), np.inf)[0] * 0.1 for k in (0, 1)]
    return "none" if min(above) == np.inf else "AB"[int(np.argmin(above))], min(above)
