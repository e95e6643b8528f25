"""The gradient of the LIF network written out by hand in plain NumPy loops: what the arms are held against."""

import numpy as np
from cases import KEEP, LEAK, SLOPE


def slope(v):
    """Slope of the spike, as in `networks.spike`."""
    return SLOPE * np.maximum(0.0, 1 - np.abs(v))


def error(r, labels):
    """d cross entropy / d logits, for the mean over the batch."""
    p = np.exp(r - r.max(-1, keepdims=True))
    p /= p.sum(-1, keepdims=True)
    p[np.arange(len(labels)), labels] -= 1
    return p / len(labels)


def forward(p, xs, labels):
    """Per step: presynaptic input, slope of the new spikes, dv'/dv, spikes, dL/dv, dL/dr."""
    batch = xs.shape[1]
    v, r = np.zeros((batch, p["w"].shape[1])), np.zeros((batch, p["out"].shape[1]))
    for x, label in zip(xs, labels):
        z = (v >= 1).astype(float)
        trans = LEAK * (1 - slope(v - 1))
        pre = np.concatenate([x, z], -1)
        v = LEAK * (v - z) + pre @ p["w"]
        out = (v >= 1).astype(float)
        r = KEEP * r + out @ p["out"]
        dr = error(r, label)
        yield pre, trans, out, slope(v - 1) * (dr @ p["out"].T), dr


def d_rtrl(p, xs, labels):
    """`e <- D e + x` for every weight and example, and `dW = sum_t e_t dL_t/dv_t`."""
    p = {k: np.asarray(w, float) for k, w in p.items()}
    grads = {k: np.zeros_like(w) for k, w in p.items()}
    batch = xs.shape[1]
    e = np.zeros((batch, *p["w"].shape))
    e_out = np.zeros((batch, p["out"].shape[0], 1))
    for pre, trans, out, dv, dr in forward(p, xs, labels):
        for b in range(batch):
            e[b] *= trans[b]
            e[b] += pre[b][:, None]
            e_out[b] = KEEP * e_out[b] + out[b][:, None]
            grads["w"] += e[b] * dv[b]
            grads["out"] += e_out[b] * dr[b]
    return grads


def es_d_rtrl(p, xs, labels, decay):
    """`ex <- a ex + x`, `ef <- a D ef + (1 - a)`, `dW = sum_t ex_t (dL_t/dv_t ef_t) / (1 - a^t)`."""
    p = {k: np.asarray(w, float) for k, w in p.items()}
    grads = {k: np.zeros_like(w) for k, w in p.items()}
    batch = xs.shape[1]
    ex, ef = np.zeros((batch, p["w"].shape[0])), np.zeros((batch, p["w"].shape[1]))
    ex_out, ef_out = np.zeros((batch, p["out"].shape[0])), 0.0
    for t, (pre, trans, out, dv, dr) in enumerate(forward(p, xs, labels), 1):
        gain = 1 - decay**t
        ex, ef = decay * ex + pre, decay * trans * ef + (1 - decay)
        ex_out, ef_out = decay * ex_out + out, decay * KEEP * ef_out + (1 - decay)
        grads["w"] += ex.T @ (dv * ef) / gain
        grads["out"] += ex_out.T @ (dr * ef_out) / gain
    return grads
