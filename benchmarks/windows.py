"""How good is `window="auto"`: every case and rule with windows chosen by hand and by the library, arms in turns."""

import argparse
import os
import sys

os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false")
os.environ.setdefault("OMP_NUM_THREADS", "1")

import arms
import jax
from cases import CASES
from clock import clock, measure

BY_HAND = (1, 2, 5, 10, 25, 64, 128, None)
WANTED = 0.9  # of the best hand choice's speed


def row(case, rule, repeats) -> float:
    """One line; speed of the automatic choice over that of the best one by hand."""
    windows = [k for k in BY_HAND if k is None or k < case.steps]
    made = {k: arms.online(case, rule, k) for k in (*windows, "auto")}
    for arm in made.values():
        jax.block_until_ready(arm())
    took = measure({k: lambda arm=arm: clock(arm) for k, arm in made.items()}, repeats)
    best = min(windows, key=took.get)
    told = "  ".join(f"{k or 'all'}: {took[k] / case.steps * 1e3:.3f}" for k in (*windows, "auto"))
    share = took[best] / took["auto"]
    print(f"{case.name:20s} {rule:10s} {share:5.0%} of the best ({best or 'all'})   ms/step {told}", flush=True)
    return share


def main() -> int:
    """All cases asked for; 1 if a choice is worse than wanted."""
    ask = argparse.ArgumentParser(description=__doc__)
    ask.add_argument("--case", action="append", choices=list(CASES), help="default: all")
    ask.add_argument("--rule", action="append", choices=list(arms.RULES), help="default: d_rtrl and es_d_rtrl")
    ask.add_argument("--repeats", type=int, default=7)
    args = ask.parse_args()
    asked = [CASES[name] for name in args.case or CASES]
    shares = [row(case, rule, args.repeats) for case in asked for rule in args.rule or ("d_rtrl", "es_d_rtrl")]
    print(f"{sum(s >= WANTED for s in shares)} of {len(shares)} within {WANTED:.0%}; the worst {min(shares):.0%}")
    return int(min(shares) < WANTED)


if __name__ == "__main__":
    sys.exit(main())
