"""Runs a spiking network online for many steps, and prints what memory and speed did meanwhile.

python benchmarks/soak.py                        # a million steps, one at a time
python benchmarks/soak.py --steps 100000 --piece 1000 --window 50
"""

import argparse
import json
import os
import resource
import time

os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false")

import brainstate
import jax
import jax.numpy as jnp
import numpy as np
import optax
import saiunit as u

import vestige as vg

N_IN, N_REC, N_OUT = 20, 64, 4


class Net(brainstate.nn.Module):
    """Recurrent LIF with a leaky readout."""

    def __init__(self):
        super().__init__()
        brainstate.random.seed(0)
        self.into = vg.nn.Linear(N_IN + N_REC, N_REC, w_init=brainstate.nn.init.Normal(0.4), b_init=None)
        self.lif = vg.neurons.LIF(
            N_REC, tau=10 * u.ms, R=1.0, V_th=1.0, V_reset=0.0, V_rest=0.0, V_initializer=np.zeros(N_REC)
        )
        self.readout = vg.nn.LeakyRateReadout(N_REC, N_OUT, tau=10 * u.ms)

    def update(self, x):
        spikes = self.lif(self.into(jnp.concatenate([x, self.lif.get_spike()])))
        return self.readout(spikes)


def loss(output, target):
    return ((output - target) ** 2).mean()


def resident() -> float:
    """Memory of this process now, MB."""
    with open("/proc/self/statm") as f:
        return int(f.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def peak() -> float:
    """The most it has ever held, MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3


def drawn(rng: np.random.Generator, steps: int) -> tuple[np.ndarray, np.ndarray]:
    """Inputs and targets of the next steps: what drives the network says what is wanted."""
    xs = (rng.random((steps, N_IN)) < 0.2).astype(np.float32)
    return xs, np.stack([xs[:, k::N_OUT].mean(1) for k in range(N_OUT)], -1)


def one_by_one(learner, steps: int):
    """Yields after every tenth of the steps, each of which is one call that learns."""
    online = vg.Online(learner, loss=loss, optimizer=optax.sgd(1e-4))
    rng = np.random.default_rng(1)
    for part in range(10):
        xs, ys = drawn(rng, min(steps // 10, 1000))
        error = 0.0
        for n in range(steps // 10):
            seen = online(xs[n % len(xs)], ys[n % len(ys)])
            if n % 100 == 0:
                error = 0.9 * error + 0.1 * float(seen.loss)
        yield part, float(np.mean(error))


def in_pieces(learner, steps: int, piece: int, window: int):
    """Yields after every tenth of the steps, learned in pieces with an update after each."""
    weights = learner.model.states(brainstate.ParamState)
    rng = np.random.default_rng(1)
    for part in range(10):
        for _ in range(max(steps // 10 // piece, 1)):
            xs, ys = drawn(rng, min(piece, steps // 10))
            out = learner.gradients(xs, ys, loss=loss, window=window, reduction="mean")
            for path, grad in out.grads.items():
                weights[path].value = jax.tree.map(lambda w, g: w - 1e-4 * g, weights[path].value, grad)
        yield part, float(out.losses.mean())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=1_000_000)
    parser.add_argument(
        "--piece", type=int, default=0, help="steps between two updates (0: every step is one call that learns)"
    )
    parser.add_argument("--window", type=int, default=50, help="steps per window of a piece")
    parser.add_argument("--json", action="store_true", help="print the rows as JSON")
    told = parser.parse_args()
    if told.steps < 10 or told.piece < 0 or told.window < 1:
        parser.error("at least 10 steps, in pieces of at least 0, in windows of at least 1")
    brainstate.environ.set(dt=1.0 * u.ms)
    net = Net()
    brainstate.nn.init_all_states(net)
    learner = vg.D_RTRL(net)
    learner.compile_graph(jnp.zeros(N_IN))
    rows, started = [], time.perf_counter()
    run = in_pieces(learner, told.steps, told.piece, told.window) if told.piece else one_by_one(learner, told.steps)
    for part, error in run:
        now = time.perf_counter()
        row = dict(steps=(part + 1) * (told.steps // 10), us_per_step=1e6 * (now - started) / (told.steps // 10))
        rows.append(row | dict(resident_mb=resident(), peak_mb=peak(), loss=error))
        if not told.json:
            print(
                "  ".join(f"{k} {v:10.4g}" if k == "loss" else f"{k} {v:9.1f}" for k, v in rows[-1].items()), flush=True
            )
        started = time.perf_counter()
    if told.json:
        print(json.dumps(rows))


if __name__ == "__main__":
    main()
