"""Where a step's time goes: gates, currents and the tree solve alone, beside the whole, one core, processor time.

.venv/bin/python benchmarks/cells/floor.py --cells 100 --compartments 100
"""

import argparse
import os
import statistics
import sys
import time
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE / "peers"), str(HERE.parents[1] / "src")]
os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false")
os.environ.setdefault("JAX_PLATFORMS", "cpu")

import jax  # noqa: E402
import jax.numpy as jnp  # noqa: E402
import numpy as np  # noqa: E402
from cases import DT, REST, SECTIONS, Case  # noqa: E402
from ours import forward, prepared  # noqa: E402
from process import pinned  # noqa: E402

from vestige.cells.mechanism import Numbers  # noqa: E402
from vestige.cells.solve import solve  # noqa: E402


def pieces(case: Case) -> dict:
    """By name: a step on arrays `[cells, compartments]`, and how many arrays it carries."""
    cell = prepared(case, DT).cell
    hh = cell.mechanisms["hh"]
    p, ions = hh.numbers(), Numbers(celsius=6.3)
    tree, wide = cell.tree, case.cells
    link = jnp.asarray(tree.conductance(), jnp.float32)
    pad = lambda a: jnp.pad(a, ((0, 0), (0, tree.N - tree.C)))
    voltage = lambda g: REST + 30.0 * g

    def gates(m, h, n):
        new = hh.advance(p, Numbers(m=m, h=h, n=n), voltage(m), ions, 0.0, DT)
        return new["m"], new["h"], new["n"]

    def currents(m, h, n):
        i, slope = hh.flow(p, Numbers(m=m, h=h, n=n), voltage(m), ions)
        return m + 1e-6 * i, h + 1e-6 * slope, n

    def tree_solve(leak, b):
        # not the same leak at every step, or its part of the solution would be taken out of the loop
        return leak * (1.0 + 1e-6), solve(tree.parent, pad(leak), link, pad(b))[:, : tree.C]

    exps = lambda x: (sum(jnp.exp(-0.1 * k * x) for k in range(1, 7)) / 6.0,)
    copy = lambda x: (x + 1e-6,)
    ones = lambda n: tuple(jnp.full((wide, tree.C), 0.3, jnp.float32) for _ in range(n))
    return {
        "one array read and written": (copy, ones(1)), "six exponentials": (exps, ones(1)), "gates": (gates, ones(3)),
        "gates, cells trailing": (gates, tuple(a.T for a in ones(3))),
        "currents and slopes": (currents, ones(3)), "tree solve": (tree_solve, ones(2)),
    }  # fmt: skip


def seconds(call, repeat: int) -> float:
    """Median of processor seconds."""
    call()
    found = []
    for _ in range(repeat):
        began = time.process_time()
        jax.block_until_ready(call())
        found.append(time.process_time() - began)
    return statistics.median(found)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shape", default="cable", choices=list(SECTIONS))
    parser.add_argument("--cells", type=int, default=100)
    parser.add_argument("--compartments", type=int, default=100)
    parser.add_argument("--repeat", type=int, default=7)
    said = parser.parse_args()
    pinned()
    case = Case(said.shape, said.cells, said.compartments)
    steps = case.steps(False)
    print(f"{case.name}, float32, {steps} steps, median of {said.repeat}")
    for name, (step, first) in pieces(case).items():
        run = jax.jit(lambda s, step=step: jax.lax.scan(lambda s, _: (step(*s), None), s, length=steps)[0])
        took = seconds(lambda run=run, first=first: run(first), said.repeat)
        cost = jax.jit(lambda s, step=step: step(*s)).lower(first).compile().cost_analysis()
        show(name, took / steps, cost[0] if isinstance(cost, list) else cost or {}, case)
    whole = forward(case, steps, DT)
    show("the whole step", seconds(whole.call, said.repeat) / steps, whole.cost(), case)


def show(name: str, took: float, cost: dict, case: Case) -> None:
    flops = cost.get("flops", np.nan) / case.size
    print(f"  {name:28} {took / case.size * 1e9:8.2f} ns per compartment and step, {flops:6.1f} flops")


if __name__ == "__main__":
    main()
