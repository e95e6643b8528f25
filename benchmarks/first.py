"""The first call of a fresh process, until gradients are there: graph, compilation and run, ours beside the peer's."""

import argparse
import os
import statistics
import subprocess
import sys
from pathlib import Path

os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false")
os.environ.setdefault("OMP_NUM_THREADS", "1")

from cases import CASES
from peer import PYTHON, Peer

WANTED = 2.0  # times as quick as the peer
OURS = """
import sys, time
import arms, jax, numpy
from cases import CASES
case = CASES[sys.argv[1]]
jax.block_until_ready(jax.numpy.zeros(1))
started = time.perf_counter()
arm = arms.bptt(case) if sys.argv[2] == "bptt" else arms.online(case, sys.argv[2], "auto")
jax.block_until_ready(arm())
print(time.perf_counter() - started)
"""


def ours(case: str, rule: str) -> float:
    """Seconds in a process that has imported everything and done nothing."""
    run = [sys.executable, "-W", "ignore", "-c", OURS, case, rule]
    return float(subprocess.run(run, cwd=Path(__file__).parent, check=True, capture_output=True, text=True).stdout)


def theirs(python: Path, case: str, rule: str) -> float:
    """The same of the peer."""
    with Peer(python) as peer:
        return peer.ask(do="prepare", key="first", case=case, rule=rule)["seconds"]


def main() -> int:
    """1 when D-RTRL is not twice as quick in some case."""
    ask = argparse.ArgumentParser(description=__doc__)
    ask.add_argument("--case", action="append", choices=list(CASES), help="default: LIF, GRU, LSTM")
    ask.add_argument("--peer", type=Path, default=PYTHON, help="python of the peer's environment")
    ask.add_argument("--repeats", type=int, default=3)
    args = ask.parse_args()
    met = True
    for case in args.case or ["lif-50-128-10", "lif-128-512-20", "gru-64-256", "lstm-64-256"]:
        for rule in ("d_rtrl", "es_d_rtrl"):
            pairs = [(ours(case, rule), theirs(args.peer, case, rule), ours(case, "bptt")) for _ in range(args.repeats)]
            us, peer, plain = map(statistics.median, zip(*pairs))
            verdict = f", asked {WANTED:g}: {'met' if peer / us >= WANTED else 'MISSED'}" if rule == "d_rtrl" else ""
            met &= rule != "d_rtrl" or peer / us >= WANTED
            print(
                f"  {case:16s} {rule:10s} vestige {us:5.2f} s, braintrace {peer:5.2f} s, BPTT {plain:5.2f} s: "
                f"{peer / us:.2f} times{verdict}", flush=True,
            )  # fmt: skip
    return int(not met)


if __name__ == "__main__":
    sys.exit(main())
