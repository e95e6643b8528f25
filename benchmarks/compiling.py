"""What the first call costs the processor as a network grows deeper: layers of recurrent LIF neurons, two marks each."""

import argparse
import os
import sys
import time

os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false")
os.environ.setdefault("OMP_NUM_THREADS", "1")

import jax
import jax.numpy as jnp
import numpy as np
from networks import cross_entropy, spike

import vestige as vg

WIDTH, OUT, B, T = 32, 10, 4, 20


def step(p, s, x):
    """A stack; each layer hears the one before and itself."""
    new = {}
    for name in p:
        if name != "out":
            z = spike(s[name] - 1)
            new[name] = 0.9 * (s[name] - z) + vg.matmul(x, p[name]["w"]) + vg.matmul(z, p[name]["r"])
            x = spike(new[name] - 1)
    return new, vg.matmul(x, p["out"])


def first_call(layers: int, rule) -> tuple[float, float, float]:
    """Processor seconds to trace the graph and to the first gradient, and seconds of the second one."""
    draw = np.random.default_rng(0)
    weight = lambda n: jnp.asarray(draw.normal(0, 1.5 / np.sqrt(WIDTH), (WIDTH, n)), jnp.float32)
    params = {f"layer{n:02}": {"w": weight(WIDTH), "r": weight(WIDTH)} for n in range(layers)} | {"out": weight(OUT)}
    state = {name: jnp.zeros(WIDTH, jnp.float32) for name in params if name != "out"}
    xs, ys = jnp.ones((T, B, WIDTH), jnp.float32), jnp.zeros((T, B), jnp.int32)
    started = time.process_time()
    graph = vg.trace_graph(step, params, state, xs[0, 0])
    traced = time.process_time() - started
    carry = vg.init(graph, rule, params, state, batch_size=B)
    call = lambda: jax.block_until_ready(vg.gradients(graph, rule, params, carry, xs, ys, cross_entropy, 5).grads)
    started = time.process_time()
    call()
    first = time.process_time() - started
    started = time.perf_counter()
    call()
    return traced, first, time.perf_counter() - started


def main() -> int:
    ask = argparse.ArgumentParser(description=__doc__)
    ask.add_argument("--layers", type=int, nargs="+", default=[1, 10, 50])
    args = ask.parse_args()
    for name, rule in {"d_rtrl": vg.rules.d_rtrl(), "es_d_rtrl": vg.rules.es_d_rtrl(0.9)}.items():
        for layers in args.layers:
            traced, first, again = first_call(layers, rule)
            print(
                f"  {name:10s} {layers:3d} layers, {2 * layers + 1:3d} marks: graph {traced:5.1f} s, first call {first:5.1f} s, "
                f"second {again * 1e3:6.1f} ms", flush=True,
            )  # fmt: skip
    return 0


if __name__ == "__main__":
    sys.exit(main())
