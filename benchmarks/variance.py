"""How much of one gradient is chance, for rules that draw numbers: UORO, KF-RTRL, random paths."""

import argparse
from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np

import vestige as vg

INPUTS, OUTPUTS = 4, 2


def step(p, s, x):
    """A recurrent layer whose neurons remember, and a leaky readout."""
    y = vg.matmul(jnp.concatenate([x, s["h"]]), p["w"])
    h = jax.nn.sigmoid(p["leak"]) * s["h"] + jnp.tanh(y + p["b"])
    o = 0.8 * s["o"] + vg.matmul(h, p["out"])
    return dict(h=h, o=o), o


def problem(size: int, steps: int):
    """Parameters, state, inputs and targets of a network of `size` neurons, neither silent nor chaotic."""
    rng = np.random.default_rng(0)
    normal = lambda *shape: jnp.asarray(rng.normal(size=shape))
    w = jnp.concatenate([normal(INPUTS, size), 0.8 / size**0.5 * normal(size, size)])
    params = dict(w=w, b=0.3 * normal(size), leak=-1 + 0.3 * normal(size), out=normal(size, OUTPUTS) / size**0.5)
    state = dict(h=jnp.zeros(size), o=jnp.zeros(OUTPUTS))
    return params, state, normal(steps, INPUTS), normal(steps, OUTPUTS)


def loss(y, target):
    return jnp.mean((y - target) ** 2)


def flat(grads) -> np.ndarray:
    return np.concatenate([np.asarray(g).reshape(-1) for g in jax.tree.leaves(grads)])


def sample(rule, size: int, steps: int, window: int, draws: int) -> tuple[np.ndarray, np.ndarray, int]:
    """BPTT's gradient `[n]`, those of many draws `[draws, n]`, and how many numbers the rule carries."""
    params, state, xs, ys = problem(size, steps)
    graph = vg.trace_graph(step, params, state, xs[0])
    start = vg.init(graph, rule, params, state)
    whole = vg.rules.tbptt()
    true = vg.gradients(graph, whole, params, vg.init(graph, whole, params, state), xs, ys, loss).grads

    def one(key):
        carry = replace(start, lasting=(key, None))
        grads = vg.gradients(graph, rule, params, carry, xs, ys, loss, window).grads
        return jnp.concatenate([g.reshape(-1) for g in jax.tree.leaves(grads)])

    keys = jax.random.split(jax.random.key(1), draws)
    found = jax.jit(lambda keys: jax.lax.map(one, keys, batch_size=50))(keys)
    return flat(true), np.asarray(found), sum(a.size for a in jax.tree.leaves(start.trace))


def line(true: np.ndarray, found: np.ndarray) -> str:
    """Variance of one draw against the gradient's square, its cosine, and how far the mean is off in standard errors."""
    along, square = found @ true, true @ true
    cosine = along / np.linalg.norm(found, axis=1) / np.linalg.norm(true)
    off = (along.mean() - square) / max(along.std(ddof=1) / len(along) ** 0.5, 1e-30)
    variance = found.var(0, ddof=1).sum() / square
    return (
        f"{variance:9.3g} {cosine.mean():8.3f} {off:10.1f}"
        if variance > 1e-20
        else f"{0:9d} {cosine.mean():8.3f} {'-':>10}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=[8, 32])
    parser.add_argument("--windows", type=int, nargs="+", default=[1, 5])
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--draws", type=int, default=1000)
    args = parser.parse_args()
    jax.config.update("jax_enable_x64", True)
    made = {"uoro": vg.rules.uoro(), "kf_rtrl": vg.rules.kf_rtrl()}
    made |= {f"random_path {k}": vg.rules.random_path(k) for k in (1, 4, 16)}
    print(f"{args.steps} steps, {args.draws} draws; variance: of one draw, against the square of BPTT's gradient;")
    print("off: of the mean along BPTT's gradient, in standard errors")
    print(f"{'neurons':>7} {'window':>6}  {'rule':16} {'carried':>8} {'variance':>9} {'cosine':>8} {'off':>10}")
    for size in args.sizes:
        for window in args.windows:
            for name, rule in made.items():
                true, found, carried = sample(rule, size, args.steps, window, args.draws)
                assert np.linalg.norm(true) > 1e-3, "a dead network compares nothing"
                print(f"{size:7d} {window:6d}  {name:16} {carried:8d} {line(true, found)}", flush=True)


if __name__ == "__main__":
    main()
