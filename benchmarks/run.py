"""Times the gradient of a whole sequence: our rules, BPTT and the peer in turns, once the gradients are right."""

import argparse
import os
import statistics
import sys
import time
from pathlib import Path

# one thread for everyone: on small machines more are slower, and differently so from run to run
os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false")
os.environ.setdefault("OMP_NUM_THREADS", "1")

import arms
import jax
import numpy as np
import reference
from cases import CASES, few, spikes, weights
from networks import NETWORKS
from peer import PYTHON, Peer

RULES = ("d_rtrl", "es_d_rtrl")
# of D-RTRL: at least so many times as fast as the peer, at most so many times the time of BPTT
BOUNDS = {"lif-128-512-20": {"peer": 20.0, "bptt": 2.0}}
TOLERANCE = 1e-4  # of the largest element, float32 against float64


def difference(grads, wanted) -> float:
    """Largest difference of any parameter, relative to its largest element."""
    return max(float(np.abs(np.asarray(grads[k]) - wanted[k]).max() / np.abs(wanted[k]).max()) for k in wanted)


def gate(case, windows, peer) -> bool:
    """Every online arm against the hand-written gradient, on four of the examples; the peer's is only reported."""
    case = few(case, 4)
    xs, labels = spikes(case)
    params = weights(NETWORKS[case.network].params(case), case.seed)
    right = True
    for rule in RULES:
        decay = () if rule == "d_rtrl" else (case.decay,)
        wanted = getattr(reference, rule)(params, xs, labels, *decay)
        ours = difference(arms.online(case, rule, windows[rule])(), wanted)
        peer.ask(do="prepare", key="gate", case=case.name, batch=case.batch, rule=rule)
        theirs = difference(peer.gradient("gate"), wanted)
        right &= ours < TOLERANCE
        verdict = "right" if ours < TOLERANCE else "WRONG"
        print(
            f"  {rule:10s} against the hand-written gradient: vestige {ours:.1e} ({verdict}), braintrace {theirs:.1e}"
        )
    return right


def clock(fun) -> float:
    """Seconds of one call."""
    started = time.perf_counter()
    jax.block_until_ready(fun())
    return time.perf_counter() - started


def build(case, windows, peer) -> tuple[dict, dict]:
    """The arms by name, each a call that gives seconds, and the seconds of each one's first call."""
    made = {"bptt": lambda: arms.bptt(case)}
    for rule in RULES:
        made[f"vestige {rule}"] = lambda rule=rule: arms.online(case, rule, windows[rule])
    timed, first = {}, {}
    for name, make in made.items():
        started = time.perf_counter()
        fun = make()
        jax.block_until_ready(fun())
        first[name] = time.perf_counter() - started
        timed[name] = lambda fun=fun: clock(fun)
    for rule in RULES:
        name = f"braintrace {rule}"
        first[name] = peer.ask(do="prepare", key=name, case=case.name, rule=rule)["seconds"]
        timed[name] = lambda name=name: peer.ask(do="time", key=name)["seconds"]
    return timed, first


def measure(timed, repeats) -> dict[str, float]:
    """Median seconds per arm; every repeat runs all arms once, so that a slow minute meets all of them."""
    seconds = {name: [] for name in timed}
    for _ in range(repeats):
        for name, once in timed.items():
            seconds[name].append(once())
    return {name: statistics.median(s) for name, s in seconds.items()}


def table(case, medians, first) -> bool:
    """Prints one case; are its bounds met?"""
    print(f"  {'arm':22s} {'ms/step':>9s} {'x BPTT':>8s} {'first call s':>13s}")
    for name, seconds in medians.items():
        ratio = seconds / medians["bptt"]
        print(f"  {name:22s} {seconds / case.steps * 1e3:9.3f} {ratio:8.2f} {first[name]:13.1f}")
    met = True
    faster = {rule: medians[f"braintrace {rule}"] / medians[f"vestige {rule}"] for rule in RULES}
    print("  faster than braintrace: " + ", ".join(f"{rule} {x:.2f} times" for rule, x in faster.items()))
    if bound := BOUNDS.get(case.name):
        ratio = medians["vestige d_rtrl"] / medians["bptt"]
        met = faster["d_rtrl"] >= bound["peer"] and ratio <= bound["bptt"]
        verdict = "met" if met else "MISSED"
        print(f"  D-RTRL, asked: {bound['peer']:g} times the peer, {bound['bptt']:g} x BPTT: {verdict}")
    return met


def main() -> int:
    """Gate, then times, for the cases asked for; 1 when a gradient is wrong or a bound is missed."""
    ask = argparse.ArgumentParser(description=__doc__)
    ask.add_argument("--case", action="append", choices=list(CASES), help="default: all")
    ask.add_argument("--peer", type=Path, default=PYTHON, help="python of the peer's environment")
    ask.add_argument("--repeats", type=int, default=7)
    ask.add_argument("--window", type=int, default=64, help="of D-RTRL")
    ask.add_argument("--es-window", type=int, default=5, help="of ES-D-RTRL")
    args = ask.parse_args()
    windows = {"d_rtrl": args.window, "es_d_rtrl": args.es_window}
    failed = False
    with Peer(args.peer) as peer:
        for case in (CASES[name] for name in args.case or CASES):
            print(f"{case.name}: batch {case.batch}, {case.steps} steps, float32, windows {windows}")
            if not gate(case, windows, peer):
                failed = True
                continue
            timed, first = build(case, windows, peer)
            failed |= not table(case, measure(timed, args.repeats), first)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
