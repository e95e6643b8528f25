"""Milliseconds per step beside jaxley and braincell: arms take turns on one core; no figure before voltages and gradients agree.

.venv/bin/python benchmarks/cells/speed.py --shapes cable --cells 1 100 --compartments 10 100
"""

import argparse
import json
import statistics
import sys
from dataclasses import astuple
from pathlib import Path

HERE = Path(__file__).parent
sys.path += [str(HERE), str(HERE / "peers")]

import numpy as np  # noqa: E402
from cases import DT, SECTIONS, Case  # noqa: E402
from process import Process, Refused, pinned  # noqa: E402
from table import plot, show  # noqa: E402

PYTHON = HERE.parents[1] / ".venv-cells" / "bin" / "python"  # made by `make cells-bench`
RUNS = HERE.parents[1] / "runs"
# name, simulator, arm, whether it has a gradient
ARMS = (
    ("vestige", "ours", "forward", False),
    ("jaxley", "with_jaxley", "forward", False),
    ("braincell", "with_braincell", "forward", False),
    ("vestige BPTT", "ours", "gradient", True),
    ("vestige D-RTRL", "ours", "online", True),
    ("jaxley BPTT", "with_jaxley", "gradient", True),
    ("braincell BPTT", "with_braincell", "gradient", True),
)
ROUNDING = {32: 5e-3, 64: 1e-6}  # mV
NEAR = {
    "vestige D-RTRL": 2e-3
}  # of the gradient back in time; peers move in steps of another order, and may differ by more
FAR = 0.1


class Bench:
    """Processes of all simulators, and what was too long for them."""

    def __init__(self, said: argparse.Namespace):
        self.said, RUNS_LOG = said, said.json.with_suffix(".log")
        pythons = {"ours": said.ours, "with_jaxley": said.peers, "with_braincell": said.peers}
        self.processes = {m: Process(python, m, said.bits, RUNS_LOG) for m, python in pythons.items()}
        self.refused: dict[str, list[Case]] = {}
        self.halved: dict[tuple[str, int], tuple[np.ndarray, np.ndarray]] = {}

    def built(self, name: str, module: str, arm: str, case: Case, steps: int, dt: float = DT) -> dict:
        """Seconds before the first figure. Raises Refused where a smaller case was too long already."""
        for smaller in self.refused.get(name, []):
            if smaller.cells <= case.cells and smaller.compartments <= case.compartments:
                raise Refused(f"as for {smaller.name}")
        try:
            asked = dict(case=astuple(case), arm=arm, steps=steps, dt=dt)
            return self.processes[module].ask(self.said.limit, do="build", **asked)
        except Refused:
            self.refused.setdefault(name, []).append(case)
            raise

    def moved(self, case: Case, steps: int) -> float:
        """By how much half the step moves our own voltage in so many steps, mV: the error of all these schemes."""
        key = case.shape, case.compartments
        if key not in self.halved:
            one, ours = Case(case.shape, 1, case.compartments), self.processes["ours"]
            found = []
            for dt, n in ((DT, 2000), (DT / 2, 4000)):
                ours.ask(120.0, do="build", case=astuple(one), arm="forward", steps=n, dt=dt)
                found.append(ours.values("forward"))
            self.halved[key] = found[0], found[1][1::2]
        return float(np.abs(self.halved[key][0] - self.halved[key][1])[:steps].max())

    def case(self, case: Case) -> dict:
        """Build, compare, and time every arm of a case."""
        out = {"case": astuple(case), "bits": self.said.bits, "arms": {}, "missing": {}}
        out["moved"] = self.moved(case, case.steps(False))
        arms = [a for a in ARMS if not a[3] or case.size <= self.said.most]
        ready: list[tuple] = []
        # what is lost with an arm that took too long is built again, once that one is known
        for _ in range(2):
            lost = [a for a in arms if a not in ready]
            for name, module, arm, gradient in lost:
                try:
                    out["arms"][name] = self.built(name, module, arm, case, case.steps(gradient))
                except Refused as reason:
                    out["missing"][name] = str(reason)
            ready = [a for a in arms if a[0] in out["arms"] and self.alive(a, out)]
        self.agree(case, ready, out)
        self.time(case, ready, out)
        for process in self.processes.values():
            if process.process:
                process.ask(60.0, do="drop")
        return out

    def alive(self, arm: tuple, out: dict) -> bool:
        """Keep what an arm's first call gave; it is lost with its process, where a later one of the same took too long."""
        name, module, kind, _ = arm
        try:
            out["arms"][name]["values"] = self.processes[module].values(kind)
            out["missing"].pop(name, None)
            return True
        except Refused as reason:
            out["missing"].setdefault(name, str(reason))
            del out["arms"][name]
            return False

    def agree(self, case: Case, ready: list[tuple], out: dict) -> None:
        """Stop unless voltages are as near as the scheme is exact, and gradients like those back in time."""
        values = {name: out["arms"][name].pop("values") for name, *_ in ready}
        out["apart"] = {}
        for name, _, _, gradient in ready:
            wanted = values.get("vestige BPTT" if gradient else "vestige")
            if wanted is None:
                sys.exit(f"{case.name}: nothing to compare {name} with, {out['missing']}; a larger --limit may help")
            scale = np.abs(wanted).max() if gradient else 1.0
            apart = float(np.abs(values[name] - wanted).max() / scale)
            most = NEAR.get(name, FAR) if gradient else out["moved"] + ROUNDING[self.said.bits]
            out["apart"][name] = apart
            if not apart <= most or not np.abs(wanted).max() > 0:
                sys.exit(f"{case.name}: {name} is {apart:.3g} from vestige, {most:.3g} at most; no figures")

    def time(self, case: Case, ready: list[tuple], out: dict) -> None:
        """Medians of ms per step, by the clock and of the processor; every repeat runs all arms once."""
        runs = {name: [] for name, *_ in ready}
        for _ in range(self.said.repeat):
            for name, module, arm, _ in ready:
                runs[name].append(self.processes[module].ask(300.0, do="run", arm=arm))
        for name, module, arm, gradient in ready:
            here, steps = out["arms"][name], case.steps(gradient)
            here |= {k: statistics.median(r[k] for r in runs[name]) / steps * 1e3 for k in ("clock", "processor")}
            here["all"] = [r["clock"] / steps * 1e3 for r in runs[name]]
            if self.said.cost:
                here |= self.processes[module].ask(300.0, do="cost", arm=arm)


def cases(said: argparse.Namespace) -> list[Case]:
    """Small ones first; a tree's compartments are the next multiple of its sections."""
    found = {}
    for shape in said.shapes:
        for cells in said.cells:
            for compartments in said.compartments:
                whole = -(-compartments // SECTIONS[shape]) * SECTIONS[shape]
                case = Case(shape, cells, whole)
                if case.size <= said.largest and (shape == "cable" or compartments >= said.least_tree):
                    found[case.name] = case
    return sorted(found.values(), key=lambda c: (c.shape, c.cells, c.compartments))


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shapes", nargs="+", default=list(SECTIONS), choices=list(SECTIONS))
    parser.add_argument("--cells", nargs="+", type=int, default=[1, 100, 10_000])
    parser.add_argument("--compartments", nargs="+", type=int, default=[1, 10, 100, 400])
    parser.add_argument("--largest", type=int, default=1_000_000, help="most compartments of all cells")
    parser.add_argument("--most", type=int, default=100_000, help="most of them with gradients")
    parser.add_argument("--least-tree", type=int, default=100, help="fewest compartments of a tree")
    parser.add_argument("--repeat", type=int, default=7)
    parser.add_argument("--bits", type=int, default=32, choices=[32, 64])
    parser.add_argument("--limit", type=float, default=25.0, help="seconds until an arm's first call is back")
    parser.add_argument("--cost", action="store_true", help="operations and bytes too; compiles again")
    parser.add_argument("--again", action="store_true", help="also what the JSON file has already")
    parser.add_argument("--json", type=Path, default=RUNS / "cells-speed.json", help="measurements, to go on from")
    parser.add_argument("--ours", type=Path, default=Path(sys.executable), help="a Python that has what vestige needs")
    parser.add_argument("--peers", type=Path, default=PYTHON, help="a Python that has the peers")
    return parser.parse_args()


def main(said: argparse.Namespace) -> None:
    if not said.peers.exists():
        sys.exit(f"no peers at {said.peers}. `make cells-bench` installs them, or say --peers PYTHON")
    pinned()
    said.json.parent.mkdir(parents=True, exist_ok=True)
    known = json.loads(said.json.read_text()) if said.json.exists() else {}
    bench = Bench(said)
    print(
        f"ms per step of {DT} ms, float{said.bits}, one core, median of {said.repeat}; a gradient is by g_Na of each cell"
    )
    for case in cases(said):
        key = f"{case.name} float{said.bits}"
        if key not in known or said.again:
            known[key] = bench.case(case)
            said.json.write_text(json.dumps(known, indent=1) + "\n")
        show(case, known[key])
    for process in bench.processes.values():
        process.end()
    plot(known, said.json.with_suffix(".png"))


if __name__ == "__main__":
    main(arguments())
