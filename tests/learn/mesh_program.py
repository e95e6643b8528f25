"""Gradients of one network on several devices and on one, printed as JSON: run by the test in processes of its own.

python mesh_program.py                      # 8 virtual devices
python mesh_program.py 0 2 127.0.0.1:PORT   # process 0 of 2, with 4 virtual devices each
"""

# ruff: noqa: E402  devices are counted when jax is imported

import json
import os
import re
import sys

WANTED = [tuple(case.split()) for case in sys.argv[1].split(",")]
RANK, COUNT, ADDRESS = (int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]) if len(sys.argv) > 2 else (0, 1, "")
os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} --xla_force_host_platform_device_count={8 // COUNT}"

import jax
import jax.numpy as jnp
import numpy as np

jax.config.update("jax_enable_x64", True)
if COUNT > 1:
    jax.distributed.initialize(ADDRESS, COUNT, RANK)

import vestige as vg
from vestige.learn.core import _run
from vestige.learn.mesh import checked_mesh
from vestige.learn.window import Data

I, H, O, B, T, HALF = 6, 16, 3, 8, 11, 6
RULES = {"d_rtrl": vg.rules.d_rtrl(), "es_d_rtrl": vg.rules.es_d_rtrl(0.9)}
MESHES = {"batch": ((8,), ("batch",)), "neuron": ((8,), ("neuron",)), "both": ((4, 2), ("batch", "neuron"))}


def step(p, s, x):
    """Recurrent LIF with a synapse and a bias, read out plainly."""
    spike = vg.neurons.ReluGrad(0.3, 1.0)
    g = 0.8 * s["g"] + vg.matmul(jnp.concatenate([x, spike(s["v"] - 1)]), p["w"]) + p["b"]
    v = 0.9 * (s["v"] - spike(s["v"] - 1)) + 0.3 * g
    return dict(g=g, v=v), vg.matmul(spike(v - 1), p["out"])


def loss(output, target):
    return ((output - target) ** 2).mean()


def problem():
    rng = np.random.default_rng(0)
    normal = lambda *shape: rng.normal(size=shape)
    params = dict(w=normal(I + H, H) * 1.5 / np.sqrt(I + H), out=normal(H, O) / np.sqrt(H), b=np.full(H, 0.2))
    state = dict(g=np.zeros(H), v=np.zeros(H))
    return params, state, (rng.random((T, B, I)) < 0.4) * 1.0, normal(T, B, O)


def halves(graph, rule, mesh):
    """Gradients of a sequence's second half, with the trace of the first behind it."""
    params, state, xs, ys = problem()
    carry = vg.init(graph, rule, params, state, batch_size=B, mesh=mesh)
    before = vg.gradients(graph, rule, params, carry, xs[:HALF], ys[:HALF], loss, window=4, mesh=mesh)
    return vg.gradients(graph, rule, params, before.carry, xs[HALF:], ys[HALF:], loss, window=4, mesh=mesh)


def compiled(graph, rule, mesh):
    """The text of the program of one window that reads a trace."""
    params, state, xs, ys = problem()
    carry = vg.init(graph, rule, params, state, batch_size=B)
    lowered = _run.__wrapped__.lower(
        graph, rule, loss, T, False, False, checked_mesh(mesh, B), params, carry, Data(xs, ys)
    )
    return lowered.compile().as_text()


def sent(text):
    """Collective operations and the shapes of what they carry."""
    found = re.findall(
        r"= (.*?) (all-reduce|all-gather|all-to-all|collective-permute|reduce-scatter)(?:-start)?\(", text
    )
    return [(kind, re.findall(r"\[([\d,]*)\]", shapes)) for shapes, kind in found]


def apart(a, b):
    """Largest difference of any gradient, relative to its largest element."""
    pairs = zip(jax.tree.leaves(a), jax.tree.leaves(b))
    return max(float(np.abs(np.asarray(x) - np.asarray(y)).max() / np.abs(np.asarray(y)).max()) for x, y in pairs)


def whole(tree):
    """The full arrays, whichever process holds their pieces."""
    if COUNT == 1:
        return tree
    from jax.experimental.multihost_utils import process_allgather

    return process_allgather(tree, tiled=True)


def main():
    params, state, xs, _ = problem()
    graph = vg.trace_graph(step, params, state, xs[0, 0])
    out = {"devices": jax.device_count(), "processes": jax.process_count()}
    for name, layout in WANTED:
        rule, mesh = RULES[name], jax.make_mesh(*MESHES[layout])
        alone, shared = halves(graph, rule, None), halves(graph, rule, mesh)
        trace = max(jax.tree.leaves(shared.carry.trace), key=lambda a: a.size)
        out[f"{name} {layout}"] = {
            "apart": apart(whole(shared.grads), alone.grads),
            "losses": apart(whole(shared.losses), alone.losses),
            "alive": min(float(jnp.abs(g).max()) for g in jax.tree.leaves(alone.grads)),
            "pieces": trace.size / trace.addressable_shards[0].data.size,
            "sent": sent(compiled(graph, rule, mesh)) if COUNT == 1 else [],
        }
    try:
        checked_mesh(jax.make_mesh((8,), ("batch",)), 12)
    except ValueError as error:
        out["refused"] = str(error)
    print(json.dumps(out))


if __name__ == "__main__":
    main()
