"""What ES-D-RTRL's time is spent on: its products alone, the forward steps, each step's own gradient, the filters."""

import argparse
import os
import sys

os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false")
os.environ.setdefault("OMP_NUM_THREADS", "1")

import arms
import jax
import jax.numpy as jnp
from cases import CASES
from clock import clock, measure
from networks import NETWORKS

import vestige as vg

TOGETHER = 8  # steps whose weight products are one


def products(case) -> arms.Arm:
    """One product with each matrix a step, and one for its gradient in eight steps: what nothing can do without."""
    params, _, _ = arms.data(case)
    shape = lambda n: (case.steps // TOGETHER, TOGETHER, case.batch, n)
    draw = lambda n: jax.random.normal(jax.random.key(n), shape(n))
    ins = {name: draw(w.shape[0]) for name, w in params.items()}

    @jax.jit
    def run(params, ins):
        def step(sums, x):
            y = {name: x[name] @ w for name, w in params.items()}
            return jax.tree.map(lambda a, b: a + b.mean(), sums, y), y

        def some(c, x):
            sums, grads = c
            sums, y = jax.lax.scan(step, sums, x)
            flat = lambda a: a.reshape(-1, a.shape[-1])
            return (sums, {name: g + flat(x[name]).T @ flat(y[name]) for name, g in grads.items()}), None

        zero = {name: jnp.zeros(()) for name in params}
        return jax.lax.scan(some, (zero, jax.tree.map(jnp.zeros_like, params)), ins)[0]

    return arms.Arm(run, (params, ins))


def forward(case) -> arms.Arm:
    """The steps and their losses alone, in plain JAX."""
    step = NETWORKS[case.network].step

    @jax.jit
    def run(params, xs, labels):
        def one(state, now):
            state, y = step(params, state, now[0], arms.PLAIN)
            return state, arms.cross_entropy(y, now[1])

        return jax.lax.scan(one, arms.rest(case, case.batch), (xs, labels))[1].sum()

    return arms.Arm(run, arms.data(case))


def main() -> None:
    """A line for each case."""
    ask = argparse.ArgumentParser(description=__doc__)
    ask.add_argument("--case", action="append", choices=list(CASES), help="dense ones; default: gru-64-256")
    ask.add_argument("--repeats", type=int, default=15)
    args = ask.parse_args()
    arms.RULES["immediate"] = lambda case: vg.rules.immediate()
    for case in [CASES[name] for name in args.case or ["gru-64-256"]]:
        made = {
            "products alone": products(case), "forward alone": forward(case),
            "each step's own gradient": arms.online(case, "immediate", "auto"),
            "es_d_rtrl": arms.online(case, "es_d_rtrl", "auto"), "BPTT": arms.bptt(case),
        }  # fmt: skip
        for arm in made.values():
            jax.block_until_ready(arm())
        took = measure({name: lambda arm=arm: clock(arm) for name, arm in made.items()}, args.repeats)
        told = "  ".join(f"{name}: {seconds / case.steps * 1e3:.3f}" for name, seconds in took.items())
        print(f"{case.name:16s} ms/step   {told}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
