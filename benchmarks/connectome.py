"""A network of a fly brain's size, trained online on one processor: time and memory of each arm, in a process of its own.

python benchmarks/connectome.py                      139,255 neurons, 15 million plastic synapses
python benchmarks/connectome.py --neurons 2000 --synapses 1e5 --json -
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import numpy as np

ARMS = {  # rule, states a neuron, steps in a window, dtype of the trace
    "d_rtrl": ("d_rtrl", 1, 1, "float32"),
    "d_rtrl, windows of 8": ("d_rtrl", 1, 8, "float32"),
    "d_rtrl, bfloat16": ("d_rtrl", 1, 1, "bfloat16"),
    "d_rtrl, synapse": ("d_rtrl", 2, 1, "float32"),
    "d_rtrl, synapse, windows of 8": ("d_rtrl", 2, 8, "float32"),
    "es_d_rtrl": ("es_d_rtrl", 1, 1, "float32"),
    "es_d_rtrl, synapse": ("es_d_rtrl", 2, 1, "float32"),
}
RATE, REPEATS = 0.005, 7  # input events per neuron and step: 5 Hz at steps of 1 ms


def connectome(neurons: int, synapses: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Presynaptic and postsynaptic neuron of each synapse, by presynaptic neuron; log-normal degrees, in and out drawn apart."""
    draw = np.random.default_rng(seed)
    ends = [np.repeat(np.arange(neurons, dtype=np.int32), _degrees(draw, neurons, synapses)) for _ in range(2)]
    draw.shuffle(ends[1])
    return ends[0], ends[1]


def _degrees(draw: np.random.Generator, neurons: int, synapses: int) -> np.ndarray:
    share = draw.lognormal(0.0, 1.0, neurons)
    degree = np.floor(share / share.sum() * synapses).astype(np.int64)
    degree[: synapses - degree.sum()] += 1
    return degree


def predicted(neurons: int, synapses: int, rule: str, states: int, window: int, dtype: str) -> dict[str, float]:
    """Bytes that must be there at once: indices, weights, gradient, two traces (old and new), what of the trace is written
    anew in a window, activity; in MB. A synaptic current is remembered alike by all neurons: it has no trace for each synapse,
    but adds to the voltage's."""
    full = synapses if rule == "d_rtrl" else 0
    size = 2 if dtype == "bfloat16" else 4
    parts = {
        "indices": 2 * 4 * synapses,
        "weights and gradient": 2 * 4 * synapses,
        "trace, old and new": 2 * size * full,
        "what the window adds": 4 * (synapses + states * full),
        "activity": 4 * neurons * window * (6 + 4 * states + states**2),
    }
    return {name: n / 1e6 for name, n in parts.items()}


def network(neurons: int, synapses: int, states: int, dense: bool = False):
    """LIF neurons, with a synaptic current where `states` is 2; each also gets input of its own; two readouts."""
    import jax
    import jax.numpy as jnp
    from networks import spike

    import vestige as vg
    from vestige.ops import Sparse

    ends = connectome(neurons, synapses)
    op = None if dense else Sparse(*ends, neurons, neurons)
    draw = np.random.default_rng(1)
    w = 0.3 / (synapses / neurons) ** 0.5 * draw.standard_normal(synapses, dtype=np.float32)

    def step(p, s, x):
        z = spike(s["v"] - 1)
        current = vg.matmul(z, p["w"]) if dense else vg.sparse_matmul(z, p["w"], op)
        new = {}
        if states == 2:
            current = new["g"] = 0.8 * s["g"] + current
        new["v"] = 0.9 * (s["v"] - z) + 0.3 * current + x
        return new, vg.matmul(spike(new["v"] - 1), p["out"])

    out = draw.standard_normal((neurons, 2), dtype=np.float32) / neurons**0.5
    if dense:
        full = np.zeros((neurons, neurons), np.float32)
        np.add.at(full, ends, w)
        w = full
    del ends
    params = {"w": jnp.asarray(w), "out": jnp.asarray(out)}
    state = {name: jnp.zeros(neurons) for name in ("v", "g")[:states]}
    return vg.trace_graph(step, params, state, jax.ShapeDtypeStruct((neurons,), jnp.float32)), params, state


def made(rule: str, dtype: str):
    from vestige import rules

    kept = None if dtype == "float32" else dtype
    return rules.d_rtrl(dtype=kept) if rule == "d_rtrl" else rules.es_d_rtrl(0.9, dtype=kept)


def drive(neurons: int, steps: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Now and then, enough for a spike; and what the readouts should say."""
    draw = np.random.default_rng(seed)
    xs = np.float32(1.5) * (draw.random((steps, neurons), dtype=np.float32) < RATE)
    return xs, draw.standard_normal((steps, 2), dtype=np.float32)


def square(output, target):
    return ((output - target) ** 2).mean()


def checked(rule: str, states: int, window: int, dtype: str) -> float:
    """Relative distance of a small copy's gradient from that of the same network with a dense matrix."""
    import vestige as vg

    n, found = 60, []
    xs, ys = drive(n, 24, 2)
    xs = xs + np.float32(0.2)
    for dense in (False, True):
        graph, params, state = network(n, 600, states, dense)
        r = made(rule, dtype)
        grads = vg.gradients(graph, r, params, vg.init(graph, r, params, state), xs, ys, square, window).grads
        found.append(np.asarray(grads["w"]))
    rows, cols = connectome(n, 600)
    assert np.abs(found[0]).max() > 0
    return float(np.linalg.norm(found[0] - found[1][rows, cols]) / np.linalg.norm(found[0]))


def measure(neurons: int, synapses: int, rule: str, states: int, window: int, dtype: str) -> dict[str, float]:
    """In this process: seconds to build and compile, milliseconds a step, peak memory."""
    import jax

    import vestige as vg

    off = checked(rule, states, window, dtype)
    assert off < 1e-5, f"the sparse gradient is {off:.1e} off the dense one"
    start, begin = time.perf_counter(), _peak()
    graph, params, state = network(neurons, synapses, states)
    built, r = time.perf_counter() - start, made(rule, dtype)
    carry = vg.init(graph, r, params, state)
    descend = jax.jit(partial(jax.tree.map, lambda a, g: a - 1e-3 * g), donate_argnums=0)
    clock = []
    for n in range(1 + REPEATS):
        xs, ys = drive(neurons, window, n)
        now = time.perf_counter(), time.process_time()
        out = vg.gradients(graph, r, params, carry, xs, ys, square, window)
        carry, params = out.carry, descend(params, out.grads)
        firing = float(out.firing["v"])
        del out
        jax.block_until_ready(params)
        clock.append((time.perf_counter() - now[0], time.process_time() - now[1]))
    wall, cpu = (1e3 * float(np.median(t)) / window for t in zip(*clock[1:]))
    return {
        "off dense": off, "build s": built, "compile s": clock[0][0], "ms a step": wall, "cpu ms a step": cpu,
        "rate": firing, "start MB": begin, "peak MB": _peak(),
    }  # fmt: skip


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6


def alone(*args: object) -> dict[str, float]:
    """`measure`, in a fresh process."""
    env = os.environ | {"JAX_PLATFORMS": "cpu"}
    done = subprocess.run(
        [sys.executable, __file__, "--one", json.dumps(args)], env=env, text=True, capture_output=True, check=False
    )
    if done.returncode:
        raise RuntimeError(done.stderr[-3000:])
    return json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("--neurons", type=int, default=139_255)
    ask.add_argument("--synapses", type=lambda text: int(float(text)), default=15_000_000)
    ask.add_argument("--arms", nargs="*", default=list(ARMS), choices=list(ARMS), metavar="ARM")
    ask.add_argument("--json", type=Path, help="a file for the figures")
    ask.add_argument("--one", help=argparse.SUPPRESS)
    asked = ask.parse_args()
    if asked.one:
        print(json.dumps(measure(*json.loads(asked.one))))
        return
    print(f"{asked.neurons:,} neurons, {asked.synapses:,} synapses, one example; bytes in MB")
    print(
        f"{'arm':30} {'needs':>7} {'grown':>7} {'peak':>7} {'compile s':>10} {'ms/step':>8} {'cpu ms':>8} {'rate':>7}"
    )
    rows = {}
    for arm in asked.arms:
        size = asked.neurons, asked.synapses, *ARMS[arm]
        r, parts = alone(*size), predicted(*size)
        rows[arm] = r | {"predicted MB": parts}
        print(
            f"{arm:30} {sum(parts.values()):7.0f} {r['peak MB'] - r['start MB']:7.0f} {r['peak MB']:7.0f} "
            f"{r['compile s']:10.1f} {r['ms a step']:8.1f} {r['cpu ms a step']:8.1f} {r['rate']:7.4f}",
            flush=True,
        )
    if asked.json:
        asked.json.write_text(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()
