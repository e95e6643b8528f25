"""The networks, written once: plain step functions whose matrix product is the library's own marked one."""

from collections.abc import Callable
from dataclasses import dataclass

import jax
import jax.numpy as jnp
from cases import Case

LEAK, KEEP = 0.9, 0.95  # of membrane and readout per step


@jax.custom_jvp
def spike(v):
    """`v >= 0`, with the triangle `0.3 max(0, 1 - |v|)` as its slope."""
    return (v >= 0).astype(v.dtype)


@spike.defjvp
def _(primals, tangents):
    (v,), (dv,) = primals, tangents
    return spike(v), 0.3 * jnp.maximum(0.0, 1 - jnp.abs(v)) * dv


@dataclass(frozen=True)
class Network:
    """`step(p, s, x, matmul) -> (s', y)`, with the shapes of its parameters and states for one example."""

    step: Callable
    params: Callable[[Case], dict[str, tuple[int, ...]]]
    states: Callable[[Case], dict[str, tuple[int, ...]]]


def lif(p, s, x, matmul):
    """Recurrent LIF population with a soft reset, and a leaky readout of its spikes."""
    z = spike(s["v"] - 1)
    v = LEAK * (s["v"] - z) + matmul(jnp.concatenate([x, z], -1), p["w"])
    r = KEEP * s["r"] + matmul(spike(v - 1), p["out"])
    return {"v": v, "r": r}, r


def rnn(p, s, x, matmul):
    """Leaky tanh units; the readout has no state of its own."""
    h = 0.8 * s["h"] + 0.2 * jnp.tanh(matmul(jnp.concatenate([x, s["h"]], -1), p["w"]))
    return {"h": h}, matmul(h, p["out"])


def stack(p, s, x, matmul):
    """Two layers of leaky tanh units."""
    a = 0.8 * s["a"] + 0.2 * jnp.tanh(matmul(jnp.concatenate([x, s["a"]], -1), p["low"]))
    b = 0.7 * s["b"] + 0.3 * jnp.tanh(matmul(jnp.concatenate([a, s["b"]], -1), p["high"]))
    return {"a": a, "b": b}, matmul(b, p["out"])


def gru(p, s, x, matmul):
    """Gated recurrent units, with the reset gate inside the candidate."""
    h = s["h"]
    z = jax.nn.sigmoid(matmul(jnp.concatenate([x, h], -1), p["update"]))
    r = jax.nn.sigmoid(matmul(jnp.concatenate([x, h], -1), p["reset"]))
    new = jnp.tanh(matmul(jnp.concatenate([x, r * h], -1), p["candidate"]))
    h = (1 - z) * h + z * new
    return {"h": h}, matmul(h, p["out"])


def synapse(p, s, x, matmul):
    """A synaptic current that drives a voltage in the same step: two states in one population."""
    z = spike(s["v"] - 1)
    g = 0.8 * s["g"] + matmul(jnp.concatenate([x, z], -1), p["w"])
    v = LEAK * (s["v"] - z) + 0.3 * g
    return {"g": g, "v": v}, matmul(spike(v - 1), p["out"])


def bias(p, s, x, matmul):
    """Leaky tanh units with a plain bias beside the marked matrix."""
    h = 0.8 * s["h"] + 0.2 * jnp.tanh(matmul(jnp.concatenate([x, s["h"]], -1), p["w"]) + p["b"])
    return {"h": h}, matmul(h, p["out"])


def population(*gates: str, extra: tuple[str, ...] = ()) -> Callable[[Case], dict[str, tuple[int, ...]]]:
    """Shapes of square gates on `[x, h]`, of a readout and of vectors."""

    def shapes(c):
        gate = dict.fromkeys(gates, (c.n_in + c.n_rec, c.n_rec))
        return gate | dict.fromkeys(extra, (c.n_rec,)) | {"out": (c.n_rec, c.n_out)}

    return shapes


def vectors(*names: str) -> Callable[[Case], dict[str, tuple[int, ...]]]:
    """One state per name over the population; `r` is the readout's."""
    return lambda c: {name: (c.n_out if name == "r" else c.n_rec,) for name in names}


NETWORKS = {
    "lif": Network(lif, population("w"), vectors("v", "r")),
    "rnn": Network(rnn, population("w"), vectors("h")),
    "gru": Network(gru, population("update", "reset", "candidate"), vectors("h")),
    "synapse": Network(synapse, population("w"), vectors("g", "v")),
    "bias": Network(bias, population("w", extra=("b",)), vectors("h")),
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
