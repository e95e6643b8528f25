"""Times the gradient of a whole sequence: our rules, BPTT and the peer in turns, once the gradients are right."""

import argparse
import json
import os
import sys
import time
from dataclasses import replace
from pathlib import Path

# one thread for everyone: on small machines more are slower, and differently so from run to run
os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false")
os.environ.setdefault("OMP_NUM_THREADS", "1")

import arms
import jax
import numpy as np
import reference
import tables
from cases import CASES, few, spikes, weights
from clock import clock, measure
from count import products
from networks import NETWORKS
from peer import PYTHON, Peer, Refused

CHUNKS = (16, 64)  # of the peer's chunked mode
TOLERANCE = 1e-4  # of the largest element, in float32
LONG = 1000  # steps from which the peer's slow rules are not asked


def difference(grads, wanted) -> float:
    """Largest difference of any parameter, relative to its largest element."""
    largest = max(float(np.abs(w).max()) for w in wanted.values())
    assert largest > 0, "a network without gradients compares nothing"
    size = {k: float(np.abs(w).max()) or largest for k, w in wanted.items()}
    return max(float(np.abs(np.asarray(grads[k]) - wanted[k]).max()) / size[k] for k in wanted)


def gate(case) -> bool:
    """Every rule of ours before its clock: one step is autodiff's, windows agree, and of LIF the loops by hand do."""
    short, one = few(case, 4, 24), replace(few(case, 4, 1), start=0.8)  # at rest one step makes no spike
    exact, right = jax.tree.map(np.asarray, arms.bptt(one)()), True
    for rule in arms.RULES:
        found = {"autodiff at one step": difference(arms.online(one, rule, None)(), exact)}
        slow = jax.tree.map(np.asarray, arms.online(short, rule, 1)())
        found["step by step"] = difference(arms.online(short, rule, "auto")(), slow)
        if case.network == "lif" and hasattr(reference, rule):
            params, decay = (
                weights(NETWORKS["lif"].params(short), short.seed),
                () if rule == "d_rtrl" else (short.decay,),
            )
            found["loops by hand"] = difference(slow, getattr(reference, rule)(params, *spikes(short), *decay))
        right &= max(found.values()) < TOLERANCE
        said = ", ".join(f"{name} {off:.0e}" for name, off in found.items())
        print(f"  {'right' if right else 'WRONG'}  {rule:10s} off {said}", flush=True)
    return right


def build(case, peer) -> dict[str, dict]:
    """Rows by arm: `call`, which gives seconds, and what is known before the clock; or why the peer refuses."""
    made = {"BPTT": arms.bptt(case)} | {f"vestige {rule}": arms.online(case, rule, "auto") for rule in arms.RULES}
    rows: dict[str, dict] = {}
    for name, arm in made.items():
        started = time.perf_counter()
        jax.block_until_ready(arm())
        first = time.perf_counter() - started
        flops, moved = products(arm.run, *arm.args)
        rows[name] = {
            "call": lambda arm=arm: clock(arm), "first": first, "scratch": arm.scratch(),
            "gflop": flops / 1e9, "gbyte": moved / 1e9,
        }  # fmt: skip
    asked = {f"braintrace {rule}": {"rule": rule} for rule in arms.RULES}
    asked |= {
        f"braintrace d_rtrl, chunks of {k}": {"rule": "d_rtrl", "chunk": k} for k in CHUNKS if case.steps % k == 0
    }
    for name, what in asked.items():
        if case.steps >= LONG and what["rule"] != "es_d_rtrl":
            rows[name] = {"refused": "not asked: hours"}
            continue
        try:
            first = peer.ask(do="prepare", key=name, case=case.name, **what)["seconds"]
            rows[name] = {
                "call": lambda name=name: peer.ask(do="time", key=name)["seconds"],
                "first": first, "scratch": peer.ask(do="scratch", key=name)["bytes"],
            }  # fmt: skip
        except Refused as why:
            rows[name] = {"refused": str(why)}
    return rows


def run(case, peer, repeats) -> dict:
    """One case: its arms with median seconds."""
    rows = build(case, peer)
    took = measure({name: row["call"] for name, row in rows.items() if "call" in row}, repeats)
    for name, row in rows.items():
        row.pop("call", None)
        if name in took:
            row |= {"ms": took[name] / case.steps * 1e3}
    return {"batch": case.batch, "steps": case.steps, "arms": rows}


def main() -> int:
    """Gate, then times, for the cases asked for; 1 when a gradient is wrong or a target is missed."""
    ask = argparse.ArgumentParser(description=__doc__)
    ask.add_argument("--case", action="append", choices=list(CASES), help="default: all")
    ask.add_argument("--peer", type=Path, default=PYTHON, help="python of the peer's environment")
    ask.add_argument("--repeats", type=int, default=7)
    ask.add_argument(
        "--out", type=Path, default=Path("runs/bench"), help="folder of the JSON and the plots (%(default)s)"
    )
    ask.add_argument("--again", action="store_true", help="measure cases anew that the folder already has")
    ask.add_argument("--results", type=Path, help="a page to be updated with the table, such as docs/results.md")
    args = ask.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    wrong = False
    with Peer(args.peer) as peer:
        for name in args.case or CASES:
            file = args.out / f"{name}.json"
            if file.exists() and not args.again:
                print(f"{name}: from {file}")
                continue
            case = CASES[name]
            print(f"{name}: batch {case.batch}, {case.steps} steps, float32", flush=True)
            if not gate(case):
                wrong = True
                continue
            found = run(case, peer, args.repeats)
            file.write_text(json.dumps(found, indent=2) + "\n")
            print(tables.text(found), flush=True)
            tables.draw(name, found, args.out / f"{name}.png")
    found = {name: json.loads(file.read_text()) for name in CASES if (file := args.out / f"{name}.json").exists()}
    told, met = tables.targets(found)
    print(told)
    if args.results is not None:
        tables.update(args.results, found)
        print(f"{args.results} updated")
    return int(wrong or not met)


if __name__ == "__main__":
    sys.exit(main())
