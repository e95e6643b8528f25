"""Peak memory of learning online over a thousand steps and over a hundred thousand, in fresh processes; beside it, back in time.

.venv/bin/python benchmarks/cells/memory.py
"""

import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
FEW, MANY = 1_000, 100_000
MOST = 1.05  # times the memory of FEW


def learn(rule: str, steps: int) -> None:
    """One gradient over so many steps; print its largest element, and this process's peak in MB."""
    import resource

    import jax
    import jax.numpy as jnp
    import saiunit as u
    from cases import DT, Case
    from ours import prepared

    import vestige as vg

    learner = getattr(vg, rule)(prepared(Case("cable", 2, 5), DT))
    learner.compile_graph(jnp.zeros(1))
    found = learner.gradients(
        jnp.zeros((steps, 1)), jnp.zeros((steps, 2)), loss=lambda v, to: ((v - to) ** 2).mean(),
        window=steps if rule == "BPTT" else 10,
    )  # fmt: skip
    largest = max(float(jnp.abs(u.get_mantissa(g)).max()) for g in jax.tree.leaves(found.grads))
    print(largest, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def measured(rule: str, steps: int) -> float:
    """The peak of a process of its own, MB. Raises RuntimeError if nothing was learned in it."""
    path = os.pathsep.join([str(HERE), str(HERE.parents[1] / "src")])
    env = {**os.environ, "PYTHONPATH": path, "JAX_PLATFORMS": "cpu"}
    asked = [sys.executable, str(HERE / "memory.py"), rule, str(steps)]
    out = subprocess.run(asked, env=env, stdout=subprocess.PIPE, text=True, check=True).stdout
    largest, peak = map(float, out.split())
    if not 0 < largest < float("inf"):
        raise RuntimeError(f"{rule}, {steps} steps: the largest gradient is {largest}, so its memory says nothing")
    return peak


def main() -> int:
    peaks = {}
    for rule, steps in (("D_RTRL", FEW), ("D_RTRL", MANY), ("BPTT", FEW), ("BPTT", MANY)):
        peaks[rule, steps] = measured(rule, steps)
        print(f"{rule:7} {steps:7} steps: {peaks[rule, steps]:7.1f} MB at most", flush=True)
    online, back = (peaks[rule, MANY] / peaks[rule, FEW] for rule in ("D_RTRL", "BPTT"))
    print(
        f"D_RTRL: ratio {online:.3f}, at most {MOST} asked for: {'flat' if online <= MOST else 'NOT FLAT'}; BPTT: {back:.3f}"
    )
    return int(online > MOST)


if __name__ == "__main__":
    sys.exit(learn(sys.argv[1], int(sys.argv[2])) if len(sys.argv) > 1 else main())
