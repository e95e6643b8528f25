"""Live parity with NEURON: the tests' cases and random cells, played by the simulator and by vestige, in float64.

.venv/bin/python benchmarks/cells/neuron/parity.py --draws 50 --seed 1
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
sys.path += [str(HERE), str(ROOT / "tests" / "cells")]
os.environ.setdefault("JAX_PLATFORMS", "cpu")

import brainstate  # noqa: E402
import jax  # noqa: E402
import numpy as np  # noqa: E402
from draws import draws  # noqa: E402
from neuron_cases import CASES, Case, near  # noqa: E402
from neuron_replay import Played, groups, play  # noqa: E402

from vestige.cells import falling  # noqa: E402

PYTHON = ROOT / ".venv-neuron" / "bin" / "python"  # made by `make neuron-parity`


@dataclass
class Found:
    """One case: the voltage that is farthest off and its bound (mV), when and where; spikes, and those at other steps.

    `limited`: how far it is off with our limit on falling slopes, if it holds only without.
    """

    name: str
    C: int
    dt: float
    off: float
    near: float
    when: float
    where: str
    spikes: int
    astray: int
    limited: float = 0.0

    @property
    def holds(self) -> bool:
        return self.off <= self.near and not self.astray


def simulated(cases: dict[str, Case], python: Path) -> dict[str, np.ndarray]:
    """What NEURON makes of these cases, and its seconds."""
    with tempfile.TemporaryDirectory() as folder:
        said, out = Path(folder) / "cases.json", Path(folder) / "recordings.npz"
        said.write_text(json.dumps(cases))
        done = subprocess.run(
            [str(python), str(HERE / "simulate.py"), str(said), str(out)], capture_output=True, text=True
        )
        if done.returncode:
            sys.exit(f"the simulator failed:\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}")
        with np.load(out) as data:
            return dict(data)


def compare(name: str, case: Case, mine: Played, theirs: dict[str, np.ndarray]) -> Found:
    """Every step at every recorded place; a voltage that is no number is infinitely far."""
    off = np.abs(mine.v - theirs[f"{name}/v"])
    off = np.where(np.isnan(off), np.inf, off)
    step, n = np.unravel_index(off.argmax(), off.shape)
    steps = lambda times: set(np.rint(np.asarray(times) / case["dt"]).astype(int).tolist())
    there = [steps(theirs[f"{name}/spikes/{k}"]) for k in range(off.shape[1])]
    astray = sum(len(steps(a) ^ b) for a, b in zip(mine.crossings, there, strict=True)) + len(
        steps(mine.spikes) ^ there[0]
    )
    where = "{}({:.2g})".format(*case["record"][n])
    C = sum(said["nseg"] for said in case["sections"].values())
    spikes, when = sum(map(len, there)), float((step + 1) * case["dt"])
    return Found(name, C, case["dt"], float(off.max()), near(case, spikes > 0), when, where, spikes, astray)


def parity(cases: dict[str, Case], python: Path) -> list[Found]:
    began = time.perf_counter()
    theirs = simulated(cases, python)
    took, began = time.perf_counter() - began, time.perf_counter()
    found = {}
    for group in groups(cases):
        found |= {name: compare(name, cases[name], mine, theirs) for name, mine in play(group).items()}
        jax.clear_caches()
    for name in [name for name, f in found.items() if not f.holds]:
        found[name] = without_limit(found[name], cases[name], theirs)
    print(f"NEURON {took:.0f} s, vestige {time.perf_counter() - began:.0f} s (with compiling)")
    return [found[name] for name in cases]


def without_limit(found: Found, case: Case, theirs: dict[str, np.ndarray]) -> Found:
    """Played again as NEURON does it, with the slopes of currents that grow of themselves whatever they are."""
    usual, falling.LEAST = falling.LEAST, -1e9
    again = compare(found.name, case, play({found.name: case})[found.name], theirs)
    falling.LEAST = usual
    again.limited = found.off
    return again if again.holds else found


def show(found: list[Found]) -> None:
    for f in found:
        print(
            f"  {f.name:<32} {f.C:3d} compartments  dt {f.dt:<5g}  worst {f.off:7.1e} mV at {f.when:6.2f} ms, {f.where:<12}"
            f"  {f.spikes:3d} spikes, {f.astray} at other steps"
            + f"; {f.limited:.1e} mV with slopes limited"
            * bool(f.limited)
        )


def summary(title: str, found: list[Found]) -> None:
    if found:
        half, most, worst = np.quantile([f.off for f in found], [0.5, 0.9, 1.0])
        who = max(found, key=lambda f: f.off).name
        print(f"{title}: {len(found)}; voltage half {half:.1e}, 90 % {most:.1e}, worst {worst:.1e} mV ({who})")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--draws", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--all", action="store_true", help="a line for every draw, not only for those that are off")
    parser.add_argument("--json", type=Path, help="write every case's result here as well")
    parser.add_argument("--neuron", type=Path, default=PYTHON, help="a Python that has the simulator")
    return parser.parse_args()


if __name__ == "__main__":
    said = arguments()
    if not said.neuron.exists():
        sys.exit(f"no simulator at {said.neuron}. `make neuron-parity` installs it, or say --neuron PYTHON")
    brainstate.environ.set(precision=64)
    print("the tests' cases")
    known = parity(CASES, said.neuron)
    show(known)
    print(f"random cells, seed {said.seed}")
    drawn = parity(draws(said.draws, said.seed), said.neuron)
    show(drawn if said.all else [f for f in drawn if not f.holds or f.limited])
    for bound in sorted({f.near for f in drawn}):
        summary(f"bound {bound:g} mV", [f for f in drawn if f.near == bound])
    print(
        f"{sum(f.spikes for f in drawn)} spikes, {sum(f.astray for f in drawn)} at other steps; "
        f"{min(f.C for f in drawn)} to {max(f.C for f in drawn)} compartments"
    )
    if said.json:
        said.json.write_text(json.dumps([asdict(f) | {"holds": f.holds} for f in known + drawn], indent=1) + "\n")
    failed = [f.name for f in known + drawn if not f.holds]
    print(
        f"{len(known + drawn) - len(failed)} of {len(known + drawn)} hold"
        + (f"; not: {', '.join(failed)}" if failed else "")
    )
    sys.exit(bool(failed))
