"""Steps per second beside NEST, in one run: arms take turns, one thread each; no figure before the spikes agree.

.venv/bin/python benchmarks/nest/speed.py --models iaf_psc_exp --sizes 1 100 --ports 10 --repeat 3
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from collections import Counter
from pathlib import Path

HERE = Path(__file__).parent
sys.path.append(str(HERE))
os.environ.setdefault("JAX_PLATFORMS", "cpu")
# XLA calls the pieces of a loop's step one by one, unless all that the loop touches is below this many bytes (1 kB as it
# comes): then the loop is one function, and a step of few neurons several times faster
SMALL = "--xla_backend_extra_options=xla_cpu_small_while_loop_byte_threshold=1000000"
os.environ["XLA_FLAGS"] = f"{SMALL} {os.environ.get('XLA_FLAGS', '')}"

import numpy as np  # noqa: E402
from arms import Arm, Sources  # noqa: E402
from networks import TOTAL, Case  # noqa: E402

PYTHON = HERE.parents[1] / ".venv-nest" / "bin" / "python"  # made by `make nest-bench`
EXACT = "iaf_bw_2001_exact"
# times the simulator's speed, by size and ports
TARGET = {
    (EXACT, 1, 1): 1.0,
    (EXACT, 1, 10): 1.0,
    (EXACT, 1, 100): 1.0,
    (EXACT, 100, 100): 7.0,
    (EXACT, 1000, 100): 7.0,
}
COLUMNS = {k: k for k in ("NEST 1", "NEST 2", "f32", "f64", "sources", "D-RTRL")} | {"f32": "float32", "f64": "float64"}


class Simulator:
    """A process of the simulator with so many threads."""

    def __init__(self, python: Path, threads: int):
        self.threads = threads
        # threads that wait for each other on a busy machine are slow beyond measure
        self.share = 1 if threads == 1 else 10
        self.process = subprocess.Popen(
            [str(python), str(HERE / "simulate.py")], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, text=True, env={**os.environ, "OMP_NUM_THREADS": str(threads)},
        )  # fmt: skip

    def ask(self, **what):
        self.process.stdin.write(json.dumps(what) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            sys.exit(f"the simulator's process ended during {what}")
        reply = json.loads(line)
        if "error" in reply:
            sys.exit(f"the simulator refused {what}: {reply['error']}")
        return reply

    def close(self):
        self.process.stdin.close()
        self.process.wait(timeout=60)


def measured(case: Case, simulators: list[Simulator], repeat: int, gradient: bool, processor: bool) -> dict:
    """Medians of steps per second by arm, and the seconds before the first; arms take turns."""
    clock, seconds = (time.process_time, "processor") if processor else (time.perf_counter, "seconds")
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "network.npz"
        drawn = case.write(file, repeat + 2)
        build = {
            f"NEST {s.threads}": s.ask(do="build", path=str(file), threads=s.threads)["seconds"] for s in simulators
        }
    ours = {"f32": Arm(case, drawn), "f64": Arm(case, drawn, bits=64)}
    if case.model == "iaf_bw_2001_exact":
        ours["sources"] = Arm(case, drawn, make=Sources)
    agree(case, ours, simulators)
    if gradient:
        # slower, and so shorter; it has no spikes to hand back
        ours["D-RTRL"] = Arm(case, drawn, online=True, share=8)
        ours["D-RTRL"].begin()
    rates = {k: [] for k in (*build, *ours)}
    for _ in range(repeat):
        for simulator in simulators:
            steps = case.steps // simulator.share
            rates[f"NEST {simulator.threads}"].append(steps / simulator.ask(do="run", steps=steps)[seconds])
        for name, arm in ours.items():
            rates[name].append(arm.rate(clock))
    compile_ = {name: sum(arm.seconds.values()) for name, arm in ours.items()}
    return {"rates": {k: statistics.median(v) for k, v in rates.items()}, "before": build | compile_, "all": rates}


def agree(case: Case, ours: dict[str, Arm], simulators: list[Simulator]) -> None:
    """Stop unless every spike of the first steps is the simulator's in float64; in float32 each neuron's number, to one."""
    until = case.steps - 20
    for simulator in simulators:
        simulator.ask(do="run", steps=case.steps // simulator.share)
    wanted = {tuple(s) for s in simulators[0].ask(do="spikes", until=until)["spikes"]}
    for name, arm in ours.items():
        out = np.asarray(arm.begin())[:until]
        found = {(int(n), int(k)) for k, n in np.argwhere(out)}
        # in float32 a spike may be a step off, and then all later ones of its neuron are: their number is compared
        many = [Counter(n for n, _ in spikes) for spikes in (found, wanted)]
        gone = max((abs(many[0][n] - many[1][n]) for n in {*many[0], *many[1]}), default=0)
        wrong = len(found ^ wanted) if arm.bits == 64 else gone if gone > 1 else 0
        if not wanted or wrong:
            sys.exit(
                f"{case}: {name} has {len(found)} spikes, {wrong} of them not among NEST's {len(wanted)}; no figures"
            )


def row(case: Case, found: dict) -> str:
    """A line of the table."""
    rates, target = found["rates"], TARGET.get((case.model, case.size, case.ports))
    ratio = {k: rates[k] / rates["NEST 1"] for k in ("f32", "sources") if k in rates}
    if target is None:
        verdict = ""
    elif ratio["f32"] >= target:
        verdict = f"{target:g}x met"
    else:
        verdict = f"{target:g}x met by sources" if ratio["sources"] >= target else f"{target:g}x NOT MET"
    cells = (f"{rates[k]:11.0f}" if k in rates else f"{'':11}" for k in COLUMNS)
    shown = (f"{ratio[k]:8.2f}" if k in ratio else f"{'':8}" for k in ("f32", "sources"))
    return " ".join([f"{case.size:5} {case.ports:5} {case.steps:6}", *cells, *shown, f" {verdict}"])


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--models", nargs="+", default=list(TOTAL), choices=list(TOTAL))
    parser.add_argument("--sizes", nargs="+", type=int, default=[1, 100, 1000])
    parser.add_argument("--ports", nargs="+", type=int, default=[1, 10, 100])
    parser.add_argument("--repeat", type=int, default=7)
    parser.add_argument("--steps", type=int, default=Case.most, help="most steps of a measurement")
    parser.add_argument("--processor", action="store_true", help="seconds of the processor: on a busy machine")
    parser.add_argument("--forward", action="store_true", help="without the online gradient")
    parser.add_argument("--json", type=Path, help="write every measurement here as well")
    parser.add_argument("--nest", type=Path, default=PYTHON, help="a Python that has the simulator")
    return parser.parse_args()


def main(said: argparse.Namespace) -> None:
    if not said.nest.exists():
        sys.exit(f"no simulator at {said.nest}. `make nest-bench` installs it, or say --nest PYTHON")
    two = Simulator(said.nest, 2)
    # one core for us and for the simulator's single thread, from here on
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    # a window without a spike teaches nothing, and is as fast
    warnings.filterwarnings("ignore", message=".*is silent")
    simulators, results = [Simulator(said.nest, 1), two], []
    what = "processor second" if said.processor else "second"
    print(f"steps of 0.1 ms per {what}, median of {said.repeat}; NEST with 1 and with 2 threads, ours with one")
    for model in said.models:
        heads = " ".join(f"{head:>11}" for head in COLUMNS.values())
        print(f"\n{model}\n{'N':>5} {'ports':>5} {'steps':>6} {heads} {'ratio':>8} {'sources':>8}  target")
        for case in (Case(model, size, ports, said.steps) for size in said.sizes for ports in said.ports):
            found = measured(case, simulators, said.repeat, not said.forward, said.processor)
            results.append({"model": model, "size": case.size, "ports": case.ports, "steps": case.steps, **found})
            print(row(case, found), flush=True)
    print("\nratio: float32 over NEST 1; sources: sources over NEST 1. Seconds before the first measurement,")
    print("building for NEST, building and compiling for ours:")
    for one in results:
        print(
            f"{one['model']} {one['size']} x {one['ports']}: "
            + ", ".join(f"{k} {v:.2f}" for k, v in one["before"].items())
        )
    for simulator in simulators:
        simulator.close()
    if said.json:
        said.json.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main(arguments())
