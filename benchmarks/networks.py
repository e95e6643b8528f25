"""The networks, written once: plain step functions that take their marked products from the library that runs them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from cases import KEEP, LEAK, SLOPE, Case

SIDE, DENSITY, RANK = 12, 0.02, 8  # of images, of sparse matrices, of low-rank ones


class Ops(NamedTuple):
    """A library's products: `matmul(x, w)`, `conv(x [H, W, C], kernel)`, `sparse(x, w, (rows, cols, shape))`, `lora(x, B, A)`."""

    matmul: Callable
    conv: Callable
    sparse: Callable
    lora: Callable


@jax.custom_jvp
def spike(v):
    """`v >= 0`, with the triangle `SLOPE max(0, 1 - |v|)` as its slope."""
    return (v >= 0).astype(v.dtype)


@spike.defjvp
def _(primals, tangents):
    (v,), (dv,) = primals, tangents
    return spike(v), SLOPE * jnp.maximum(0.0, 1 - jnp.abs(v)) * dv


@dataclass(frozen=True)
class Network:
    """`step(p, s, x, ops) -> (s', y)`, with the shapes of its parameters and states for one example."""

    step: Callable[[Any, Any, Any, Ops], Any]
    params: Callable[[Case], dict[str, tuple[int, ...]]]
    states: Callable[[Case], dict[str, tuple[int, ...]]]


def lif(p, s, x, ops):
    """Recurrent LIF population with a soft reset, and a leaky readout of its spikes."""
    z = spike(s["v"] - 1)
    v = LEAK * (s["v"] - z) + ops.matmul(jnp.concatenate([x, z], -1), p["w"])
    r = KEEP * s["r"] + ops.matmul(spike(v - 1), p["out"])
    return {"v": v, "r": r}, r


def rnn(p, s, x, ops):
    """Leaky tanh units; the readout has no state of its own."""
    h = 0.8 * s["h"] + 0.2 * jnp.tanh(ops.matmul(jnp.concatenate([x, s["h"]], -1), p["w"]))
    return {"h": h}, ops.matmul(h, p["out"])


def stack(p, s, x, ops):
    """Two layers of leaky tanh units."""
    a = 0.8 * s["a"] + 0.2 * jnp.tanh(ops.matmul(jnp.concatenate([x, s["a"]], -1), p["low"]))
    b = 0.7 * s["b"] + 0.3 * jnp.tanh(ops.matmul(jnp.concatenate([a, s["b"]], -1), p["high"]))
    return {"a": a, "b": b}, ops.matmul(b, p["out"])


def gru(p, s, x, ops):
    """Gated recurrent units, with the reset gate inside the candidate."""
    h = s["h"]
    z = jax.nn.sigmoid(ops.matmul(jnp.concatenate([x, h], -1), p["update"]))
    r = jax.nn.sigmoid(ops.matmul(jnp.concatenate([x, h], -1), p["reset"]))
    new = jnp.tanh(ops.matmul(jnp.concatenate([x, r * h], -1), p["candidate"]))
    h = (1 - z) * h + z * new
    return {"h": h}, ops.matmul(h, p["out"])


def lstm(p, s, x, ops):
    """Long short-term memory: two states a unit, four gates."""
    seen = jnp.concatenate([x, s["h"]], -1)
    i, f, o = (jax.nn.sigmoid(ops.matmul(seen, p[gate])) for gate in ("input", "forget", "output"))
    c = f * s["c"] + i * jnp.tanh(ops.matmul(seen, p["cell"]))
    h = o * jnp.tanh(c)
    return {"h": h, "c": c}, ops.matmul(h, p["out"])


def lru(p, s, x, ops):
    """Linear recurrent units: damped rotations, each of two states, driven by the input alone."""
    n = s["a"].shape[-1]
    size, angle = jnp.asarray(np.linspace(0.8, 0.99, n), x.dtype), jnp.asarray(np.linspace(0.0, 1.5, n), x.dtype)
    a = size * (jnp.cos(angle) * s["a"] - jnp.sin(angle) * s["b"]) + ops.matmul(x, p["re"])
    b = size * (jnp.sin(angle) * s["a"] + jnp.cos(angle) * s["b"]) + ops.matmul(x, p["im"])
    return {"a": a, "b": b}, ops.matmul(jnp.tanh(a) + jnp.tanh(b), p["out"])


def synapse(p, s, x, ops):
    """A synaptic current that drives a voltage in the same step: two states in one population."""
    z = spike(s["v"] - 1)
    g = 0.8 * s["g"] + ops.matmul(jnp.concatenate([x, z], -1), p["w"])
    v = LEAK * (s["v"] - z) + 0.3 * g
    return {"g": g, "v": v}, ops.matmul(spike(v - 1), p["out"])


def alif(p, s, x, ops):
    """Recurrent LIF population whose threshold rises with each spike and falls back."""
    z = spike(s["v"] - 1 - 0.2 * s["a"])
    v = LEAK * (s["v"] - z) + ops.matmul(jnp.concatenate([x, z], -1), p["w"])
    a = 0.97 * s["a"] + z
    return {"v": v, "a": a}, ops.matmul(spike(v - 1 - 0.2 * a), p["out"])


def gif(p, s, x, ops):
    """Recurrent LIF population with a fast and a slow current after each spike: three states a neuron."""
    z = spike(s["v"] - 1)
    fast, slow = 0.6 * s["fast"] - 0.5 * z, 0.97 * s["slow"] + 0.05 * z
    v = LEAK * (s["v"] - z) + fast + slow + ops.matmul(jnp.concatenate([x, z], -1), p["w"])
    return {"v": v, "fast": fast, "slow": slow}, ops.matmul(spike(v - 1), p["out"])


def conv(p, s, x, ops):
    """A spiking feature map that slides 3 x 3 kernels over channels of events."""
    image = x.reshape(*x.shape[:-1], SIDE, SIDE, -1)
    v = LEAK * (s["v"] - spike(s["v"] - 1)) + ops.conv(image, p["kernel"])
    z = spike(v - 1)
    return {"v": v}, ops.matmul(z.reshape(*x.shape[:-1], -1), p["out"])


def sparse(p, s, x, ops):
    """Recurrent LIF population of which each neuron hears one in fifty; dense input."""
    z = spike(s["v"] - 1)
    rec = ops.sparse(z, p["rec"], pattern(z.shape[-1]))
    v = LEAK * (s["v"] - z) + ops.matmul(x, p["w"]) + rec
    return {"v": v}, ops.matmul(spike(v - 1), p["out"])


def lora(p, s, x, ops):
    """Recurrent LIF population whose recurrence is of low rank."""
    z = spike(s["v"] - 1)
    v = LEAK * (s["v"] - z) + ops.matmul(x, p["w"]) + ops.lora(z, p["B"], p["A"])
    return {"v": v}, ops.matmul(spike(v - 1), p["out"])


def bias(p, s, x, ops):
    """Leaky tanh units with a plain bias beside the marked matrix."""
    h = 0.8 * s["h"] + 0.2 * jnp.tanh(ops.matmul(jnp.concatenate([x, s["h"]], -1), p["w"]) + p["b"])
    return {"h": h}, ops.matmul(h, p["out"])


def pattern(n: int) -> tuple[np.ndarray, np.ndarray, tuple[int, int]]:
    """Rows, columns and shape of a fixed random matrix `[n, n]`, row by row."""
    there = np.random.default_rng(n).random((n, n)) < DENSITY
    rows, cols = np.nonzero(there)
    return rows.astype(np.int32), cols.astype(np.int32), (n, n)


def population(*gates: str, extra: tuple[str, ...] = ()) -> Callable[[Case], dict[str, tuple[int, ...]]]:
    """Shapes of square gates on `[x, h]`, of a readout and of vectors."""

    def shapes(c):
        gate = dict.fromkeys(gates, (c.n_in + c.n_rec, c.n_rec))
        return gate | dict.fromkeys(extra, (c.n_rec,)) | {"out": (c.n_rec, c.n_out)}

    return shapes


def fed(*names: str, **more: Callable[[Case], tuple[int, ...]]) -> Callable[[Case], dict[str, tuple[int, ...]]]:
    """Shapes of matrices on the input, of a readout, and others."""
    return lambda c: (
        dict.fromkeys(names, (c.n_in, c.n_rec)) | {"out": (c.n_rec, c.n_out)} | {k: f(c) for k, f in more.items()}
    )


def vectors(*names: str) -> Callable[[Case], dict[str, tuple[int, ...]]]:
    """One state per name over the population; `r` is the readout's."""
    return lambda c: {name: (c.n_out if name == "r" else c.n_rec,) for name in names}


NETWORKS = {
    "lif": Network(lif, population("w"), vectors("v", "r")),
    "rnn": Network(rnn, population("w"), vectors("h")),
    "gru": Network(gru, population("update", "reset", "candidate"), vectors("h")),
    "lstm": Network(lstm, population("input", "forget", "output", "cell"), vectors("h", "c")),
    "lru": Network(lru, fed("re", "im"), vectors("a", "b")),
    "synapse": Network(synapse, population("w"), vectors("g", "v")),
    "alif": Network(alif, population("w"), vectors("v", "a")),
    "gif": Network(gif, population("w"), vectors("v", "fast", "slow")),
    "bias": Network(bias, population("w", extra=("b",)), vectors("h")),
    "conv": Network(
        conv,
        lambda c: {"kernel": (3, 3, c.n_in // SIDE**2, c.n_rec), "out": (SIDE * SIDE * c.n_rec, c.n_out)},
        lambda c: {"v": (SIDE, SIDE, c.n_rec)},
    ),
    "sparse": Network(sparse, fed("w", rec=lambda c: (len(pattern(c.n_rec)[0]),)), vectors("v")),
    "lora": Network(lora, fed("w", B=lambda c: (c.n_rec, RANK), A=lambda c: (RANK, c.n_rec)), vectors("v")),
    "stack": Network(
        stack,
        lambda c: {
            "low": (c.n_in + c.n_rec, c.n_rec),
            "high": (2 * c.n_rec, c.n_rec),
            "out": (c.n_rec, c.n_out),
        },
        vectors("a", "b"),
    ),
}


def cross_entropy(logits, labels):
    """Softmax cross entropy of [B, n] logits against [B] labels, mean over the batch."""
    return -jnp.take_along_axis(jax.nn.log_softmax(logits), labels[:, None], -1).mean()
