"""NEST's regression for e-prop at every step: its losses, its draws, its synapses, and all of it in plain NumPy."""

from typing import NamedTuple

import numpy as np

N, STEPS, KAPPA = 100, 100, 0.97
SCALE = 1.0 - KAPPA
# as the simulator's own test suite (3.10) has them, and as it prints them when it is run
LOSSES = {
    "eprop_iaf": [0.14000491891386, 0.28735818029752, 0.22263713699860, 0.23015072431384, 0.17565248170694],
    "eprop_iaf_adapt": [0.02242584487453, 0.01916753791522, 0.00571493935652, 0.00037875376195, 0.00037823157578],
    "eprop_iaf_psc_delta": [0.27039631749159, 0.51390204375229, 0.53473859833866, 0.53608474802202, 0.49323580244201],
    "eprop_iaf_psc_delta_adapt": [
        0.16416646182675, 0.27952159282830, 0.29937515524341, 0.26160957500433, 0.26384514215024,
    ],
}  # fmt: skip


class Constants(NamedTuple):
    """What the four networks differ in: threshold, reset (None: the threshold is taken off), adaptation, rate, optimiser."""

    V_th: float
    V_reset: float | None
    adapt_beta: float
    adapt_tau: float
    c_reg: float
    adam: bool


CONSTANTS = {
    "eprop_iaf": Constants(0.03, None, 0.0, 10.0, 3.0, True),
    "eprop_iaf_adapt": Constants(0.03, None, 0.0174, 2000.0, 3.0, False),
    "eprop_iaf_psc_delta": Constants(0.5, -0.5, 0.0, 10.0, 0.02 / SCALE**2, False),
    "eprop_iaf_psc_delta_adapt": Constants(0.5, -0.5, 1.0, 10.0, 0.02 / SCALE**2, False),
}


def protocol(model):
    """Weights `(w_in, w_rec, w_out)` and feedback, `[from, to]`, and one sequence of spikes; single precision as drawn.

    The target is a sum of sines with more steps to a period than the sequence has: NEST's script makes zero of it.
    """
    draw, scale = np.random.RandomState(1), np.float32(SCALE)
    w_in, w_rec, w_out, back = ((draw.standard_normal((N, k)) / np.sqrt(N)).astype(np.float32) for k in (N, N, 1, 1))
    delta = CONSTANTS[model].V_reset is not None
    inner = np.float32(1.0) if delta else scale
    weights = w_in * inner, w_rec * inner * (1 - np.eye(N, dtype=np.float32)), w_out * scale
    back = back / scale if delta else back * scale
    xs = (draw.random_sample((STEPS, N)) < 0.05).astype(float)
    return [w.astype(float) for w in weights], back.astype(float), xs


class Synapses:
    """Between gradient and weight in NEST: an update comes one step late, and none in a long silence of the sender.

    A gradient counts in steps that are less than `cutoff` away from the last spike that arrived. Adam passes over the steps
    between; when it goes on, the gradient comes first and then a step without gradient for each that was passed over.

    first: NEST's number of the first gradient, less one.
    """

    def __init__(self, w, first, adam, eta=1e-4 * (1.0 - KAPPA) ** 2, cutoff=100):
        self.w, self.step, self.adam, self.eta, self.cutoff = np.array(w), first, adam, eta, cutoff
        self.age, self.late = np.full(len(w), np.inf), None
        self.m, self.v, self.done = np.zeros_like(w), np.zeros_like(w), np.full(len(w), first)

    def learn(self, arrived, g):
        """Weights after a step in which spikes of these senders arrived, and which gave this gradient."""
        self.age = np.where(arrived > 0, 0, self.age + 1)
        last, self.late = self.late, g
        if last is None:
            return self.w
        self.step += 1
        counts = self.age < self.cutoff
        self.w = self.w - self.eta * (self._adam(counts, last) if self.adam else counts[:, None] * last)
        return self.w

    def _adam(self, counts, g, b1=0.9, b2=0.999, epsilon=1e-7):
        self.done = np.where(np.isinf(self.age), self.step, self.done)  # nothing to make up for
        total, todo = np.zeros_like(g), np.where(counts, self.step - self.done, 0)
        for k in range(todo.max()):
            (i,) = np.nonzero(todo > k)
            now = g[i] if k == 0 else 0.0
            self.m[i] = b1 * self.m[i] + (1 - b1) * now
            self.v[i] = b2 * self.v[i] + (1 - b2) * now**2
            n = (self.done[i] + k + 1)[:, None]
            total[i] += np.sqrt(1 - b2**n) / (1 - b1**n) * self.m[i] / (np.sqrt(self.v[i]) + epsilon)
        self.done = self.done + todo
        return total


def synapses(model, weights):
    """Those of the three weights; the readout's spikes arrive a step later."""
    return [Synapses(w, first, CONSTANTS[model].adam) for w, first in zip(weights, (2, 2, 3))]


def losses_of(errors, sequences):
    """Losses of sequences, which NEST reads one step late, from all errors of the readout."""
    late = np.concatenate([[0.0], np.ravel(errors)])[: STEPS * sequences]
    return 0.5 * (late**2).reshape(sequences, STEPS).sum(1)


def plain(model, sequences):
    """Losses and last weights, in NumPy: what vestige's neurons, rule and loss must come to."""
    k, (weights, back, xs) = CONSTANTS[model], protocol(model)
    learners, (w_in, w_rec, w_out) = synapses(model, weights), weights
    alpha, rho = np.exp(-1 / 30), np.exp(-1 / k.adapt_tau)
    V, a, z, rate, z_out, Y, eps_V = *np.zeros((5, N)), np.zeros(1), np.zeros(2 * N)
    eps_a, e_bar, e_reg, errors = *np.zeros((3, 2 * N, N)), []
    for x in np.tile(xs, (sequences, 1)):
        arrived = np.concatenate([x, z])
        V = alpha * V + x @ w_in + z @ w_rec
        a = rho * a + z
        above = V - k.V_th - k.adapt_beta * a
        psi = 10.0 * np.maximum(0.0, 1.0 - np.abs(above) / 0.03)
        z = (above >= 0) * 1.0
        V = V - k.V_th * z if k.V_reset is None else np.where(z > 0, k.V_reset, V)
        # eligibility of the spike, of the adaptation, and its two filters: before the readout, and of the rate
        eps_V = alpha * eps_V + arrived
        e = psi * (eps_V[:, None] - k.adapt_beta * eps_a)
        eps_a = rho * eps_a + e
        e_bar, e_reg = KAPPA * e_bar + e, KAPPA * e_reg + (1 - KAPPA) * e
        rate = KAPPA * rate + (1 - KAPPA) * z
        # the readout, its error, and what both are told
        Y, z_out = alpha * Y + z @ w_out, alpha * z_out + z
        errors.append(Y)
        g = e_bar * (back @ Y) + k.c_reg * (rate - 0.01) * e_reg
        grads = g[:N], g[N:] * (1 - np.eye(N)), np.outer(z_out, Y)
        w_in, w_rec, w_out = (s.learn(v, d) for s, v, d in zip(learners, (x, arrived[N:], z), grads))
    return losses_of(errors, sequences), (w_in, w_rec, w_out)
