"""A small training with checkpoints, run whole by a test, and in processes of their own that are killed.

python fit_program.py FOLDER KIND          # train; a process that is killed leaves a checkpoint
python fit_program.py FOLDER KIND 3        # SIGKILL itself at the 3rd checkpoint, between the draft and its place
"""

import os
import signal
import sys
from pathlib import Path

import brainstate
import jax
import jax.numpy as jnp
import numpy as np
import optax

import vestige as vg

N, T, I, B = 8, 8, 3, 4
LONG = "-long"


class Noisy(brainstate.nn.Module):
    """A recurrent layer whose units draw noise, so that random keys are part of the training; it forgets `v` at a reset alone."""

    def __init__(self):
        super().__init__()
        self.drive = vg.nn.Linear(I + 4, 4)
        self.readout = vg.nn.Linear(4, 1)
        self.h = vg.ETraceState(jnp.zeros(4))

    def update(self, x):
        noise = 0.1 * brainstate.random.randn(4)
        self.h.value = 0.8 * self.h.value + jnp.tanh(self.drive(jnp.concatenate([x, self.h.value]))) + noise
        return self.readout(jnp.tanh(self.h.value))


def learner(kind, seed=0):
    brainstate.random.seed(seed)
    net = Noisy()
    brainstate.nn.init_all_states(net)
    made = {
        "plain": vg.D_RTRL,
        "adaptive": lambda net: vg.EProp(net, 1, adapt=0.01),
        "drawn": lambda net: vg.UORO(net, 3),
    }
    made = made[kind.removesuffix(LONG)](net)
    made.compile_graph(jnp.zeros(I), batch_size=None if kind == "drawn" + LONG else B)
    return made


def data(rng):
    x = rng.normal(size=(N, T, I))
    return x, x.sum(-1, keepdims=True).cumsum(1) / 4


def loss(output, target):
    return ((output - target) ** 2).mean()


def train(path, kind, made=None, **options):
    """Updates every two steps, in calls of two: checkpoints fall between sequences and inside them."""
    made = made or learner(kind)
    rate = optax.exponential_decay(3e-2, 10, 0.9)
    how = dict(
        loss=loss, optimizer=optax.chain(optax.clip_by_global_norm(1.0), optax.adam(rate)), epochs=3, update_every=3
    )
    how |= dict(
        checkpoint_every=2, validate=data(np.random.default_rng(9)), stop=vg.EarlyStop(patience=2), progress=False
    )
    history = vg.fit(made, data, **how, checkpoint=path, log=vg.JsonLines(f"{path}.jsonl", updates=True), **options)
    return made, history


def dying(at):
    """Kill this process when the file number `at` is about to take its place."""
    put, count = os.replace, iter(range(1, 10**6))
    os.replace = lambda *names: os.kill(os.getpid(), signal.SIGKILL) if next(count) == at else put(*names)


if __name__ == "__main__":
    jax.config.update("jax_enable_x64", True)
    brainstate.environ.set(precision=64)
    if len(sys.argv) > 3:
        dying(int(sys.argv[3]))
    train(Path(sys.argv[1]) / "run.npz", sys.argv[2])
