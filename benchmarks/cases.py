"""What is timed and compared: sizes, weights and inputs as data, the same for every library."""

from dataclasses import dataclass, replace

import numpy as np

LEAK, KEEP, SLOPE = 0.9, 0.95, 0.3  # of membrane and readout per step; of a spike at its threshold


@dataclass(frozen=True)
class Case:
    """One network on one kind of input; `decay` filters ES-D-RTRL, `start` is the first value of every state."""

    name: str
    network: str
    n_in: int
    n_rec: int
    n_out: int
    batch: int
    steps: int
    decay: float = 0.9
    start: float = 0.0
    seed: int = 0


CASES = {
    case.name: case
    for case in (
        Case("lif-50-128-10", "lif", 50, 128, 10, batch=32, steps=100),
        Case("lif-128-512-20", "lif", 128, 512, 20, batch=32, steps=100),
        Case("lif-50-128-10-b128", "lif", 50, 128, 10, batch=128, steps=100),
        Case("lif-50-128-10-long", "lif", 50, 128, 10, batch=1, steps=10_000),
        Case("synapse-64-256", "synapse", 64, 256, 10, batch=16, steps=128),
        Case("alif-64-256", "alif", 64, 256, 10, batch=16, steps=128),
        Case("gif-64-256", "gif", 64, 256, 10, batch=16, steps=128),
        Case("gru-64-256", "gru", 64, 256, 10, batch=16, steps=128),
        Case("lstm-64-256", "lstm", 64, 256, 10, batch=16, steps=128),
        Case("lru-64-256", "lru", 64, 256, 10, batch=16, steps=128),
        Case("stack-64-256", "stack", 64, 256, 10, batch=16, steps=128),
        Case("conv-12x12-2-8", "conv", 288, 8, 10, batch=16, steps=64),
        Case("conv-12x12-16-32", "conv", 2304, 32, 10, batch=8, steps=32),
        Case("sparse-64-1024", "sparse", 64, 1024, 10, batch=4, steps=64),
        Case("lora-64-256", "lora", 64, 256, 10, batch=16, steps=128),
    )
}

# one stream, a step at a time
ONLINE = {case.name: case for case in (Case("online-128-512", "synapse", 128, 512, 20, batch=1, steps=1000),)}

# small enough for float64 and for a reference in plain loops
SMALL = {
    case.name: case
    for case in (
        Case("rnn", "rnn", 4, 6, 3, batch=1, steps=12, decay=0.9),
        Case("rnn-short-filter", "rnn", 4, 6, 3, batch=1, steps=12, decay=0.5),
        Case("lif", "lif", 4, 6, 3, batch=1, steps=20, decay=0.9),
        Case("lif-short-filter", "lif", 4, 6, 3, batch=1, steps=20, decay=0.5),
        Case("lif-batch", "lif", 4, 6, 3, batch=5, steps=20),
        Case("stack", "stack", 4, 6, 3, batch=1, steps=12),
        Case("gru", "gru", 4, 6, 3, batch=1, steps=1, start=0.8),
        Case("synapse", "synapse", 4, 6, 3, batch=1, steps=1, start=0.8),
        Case("bias", "bias", 4, 6, 3, batch=1, steps=1, start=0.8),
    )
}


def few(case: Case, batch: int, steps: int | None = None) -> Case:
    """The same case with fewer examples and steps, for the gate before the clock."""
    return replace(case, batch=min(batch, case.batch), steps=min(steps or case.steps, case.steps))


def weights(shapes: dict[str, tuple[int, ...]], seed: int, dtype=np.float32) -> dict[str, np.ndarray]:
    """Normal weights of size 1.5 / sqrt(fan in): enough to make a population fire."""
    draw = np.random.default_rng(seed)
    return {
        name: (draw.standard_normal(shape) * 1.5 / np.sqrt(fan_in(shape))).astype(dtype)
        for name, shape in shapes.items()
    }


def fan_in(shape: tuple[int, ...]) -> int:
    """Inputs of one output; of a list of synapses, as many as make them strong enough to be felt."""
    return int(np.prod(shape[:-1])) if len(shape) > 1 else 20


def spikes(case: Case, dtype=np.float32) -> tuple[np.ndarray, np.ndarray]:
    """Bernoulli input spikes [T, B, n_in] at 0.2 per step, and one label per example at every step [T, B]."""
    draw = np.random.default_rng(case.seed + 1)
    xs = (draw.random((case.steps, case.batch, case.n_in)) < 0.2).astype(dtype)
    labels = draw.integers(0, case.n_out, case.batch)
    return xs, np.broadcast_to(labels, (case.steps, case.batch)).astype(np.int32)
