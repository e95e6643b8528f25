"""A stream in a process of its own, for tests that kill it or weigh it: `stream_program.py FILE ITEMS LATE`."""

import resource
import sys

import brainstate
import jax.numpy as jnp
import numpy as np
import optax
from nets import N_IN, N_OUT, Memory

import vestige as vg


def source(items, late):
    """Items without end, their labels `late` items after; now and then a gap or none. Item n is the same in every process."""

    def begin(start):
        event = 0
        for n in range(items):
            draw = np.random.default_rng(n)
            x, y = draw.normal(size=(2, N_IN)), draw.normal(size=N_OUT)
            for what in (vg.Item(x * np.nan if n % 17 == 3 else x), vg.Label(n - late, y) if n % 7 else vg.Item(None)):
                if event >= start:
                    yield what
                event += 1

    return begin


def made(path, items, late):
    model = Memory()
    brainstate.nn.init_all_states(model)
    learner = vg.D_RTRL(model)
    learner.compile_graph(jnp.zeros(N_IN))
    return learner.stream(
        source(items, late), loss=lambda y, label: ((y - label) ** 2).mean(), optimizer=optax.adam(1e-3), outstanding=50,
        checkpoint=path, save_every=40,
    )  # fmt: skip


if __name__ == "__main__":
    stream = made(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
    for _ in stream:
        print(stream.events, flush=True)
    print("peak", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, stream.losses.notes()[:4], flush=True)
