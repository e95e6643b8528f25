"""E-prop with NEST's conventions in plain NumPy, one sequence: what vestige's neurons, rule and graph must come to."""

from typing import NamedTuple

import numpy as np


class Constants(NamedTuple):
    """Numbers of a network. `zeta`: gain of spikes at recurrent neurons; `beta` per neuron; `f_target` in spikes per step."""

    alpha: float
    kappa: float
    zeta: float
    V_th: float
    height: float
    width: float
    rest: int
    rho: float
    beta: np.ndarray
    c_reg: float
    f_target: float = 0.01


def sequence(k, weights, feedback, xs, targets, weight, softmax):
    """Loss and gradients `(w_in, w_rec, w_out)`, all `[from, to]`, of `sum_t weight_t E_t` and the rate regularisation."""
    w_in, w_rec, w_out = weights
    n = len(w_rec)
    others = 1 - np.eye(n)
    V, a, z, r, V_out = np.zeros(n), np.zeros(n), np.zeros(n), np.zeros(n, int), np.zeros(w_out.shape[1])
    eps_V, eps_a, e_bar, z_out = np.zeros(len(w_in) + n), *np.zeros((2, len(w_in) + n, n)), np.zeros(n)
    loss, count, total, g, g_out = 0.0, np.zeros(n), *np.zeros((2, len(w_in) + n, n)), np.zeros_like(w_out)
    for x, target, w in zip(xs, targets, weight):
        # the neuron: the last spike resets, drives the adaptation, and reaches the others
        V = k.alpha * V + k.zeta * (x @ w_in + z @ (w_rec * others)) - k.V_th * z
        a = k.rho * a + z
        eps_V = k.alpha * eps_V + k.zeta * np.concatenate([x, z])
        r = np.maximum(r - 1, 0)
        above = V - k.V_th - k.beta * a
        psi = np.where(r > 0, 0.0, k.height * np.maximum(0.0, 1.0 - np.abs(above) / k.width))
        z = (above >= 0) * (r == 0) * 1.0
        r = np.where(z > 0, k.rest, r)
        # its eligibility: of the spike, of the adaptation, and as the readout filters it
        e = psi * (eps_V[:, None] - k.beta * eps_a)
        eps_a = k.rho * eps_a + e
        e_bar = k.kappa * e_bar + (1 - k.kappa) * e
        # the readout and its error
        V_out = k.kappa * V_out + (1 - k.kappa) * (z @ w_out)
        z_out = k.kappa * z_out + (1 - k.kappa) * z
        y = np.exp(V_out) / np.exp(V_out).sum() if softmax else V_out
        loss += w * (-np.log(y) @ target if softmax else 0.5 * ((y - target) ** 2).sum())
        g += w * e_bar * (feedback @ (y - target))
        g_out += w * np.outer(z_out, y - target)
        total, count = total + e, count + z
    g += k.c_reg * (count / len(xs) - k.f_target) / len(xs) * total
    return loss, (g[: len(w_in)], g[len(w_in) :] * others, g_out)
