"""Times the gradient of a whole sequence: our rules, BPTT, the peer and outsiders in turns, once the gradients are right."""

import argparse
import json
import os
import sys
import time
from contextlib import nullcontext
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
from peer import OUTSIDE, PYTHON, Peer, Refused

PEER_RULES = ("d_rtrl", "es_d_rtrl", "e_prop")
CHUNKS = (16, 64)  # of the peer's chunked mode
TOLERANCE = 1e-4  # of the largest element, in float32
SHORT = 4, 24  # examples and steps of the gate
LONG = 1000  # steps from which the peer's slow rules are not asked


def difference(grads, wanted) -> float:
    """Largest difference of any parameter, relative to its largest element."""
    largest = max(float(np.abs(w).max()) for w in wanted.values())
    assert largest > 0, "a network without gradients compares nothing"
    size = {k: float(np.abs(w).max()) or largest for k, w in wanted.items()}
    return max(float(np.abs(np.asarray(grads[k]) - wanted[k]).max()) / size[k] for k in wanted)


def gate(case, rules) -> bool:
    """Every rule of ours before its clock: one step is autodiff's, windows agree, and of LIF the loops by hand do."""
    short, one = few(case, *SHORT), replace(few(case, 4, 1), start=0.8)  # at rest one step makes no spike
    exact, right = jax.tree.map(np.asarray, arms.bptt(one)()), True
    for rule in rules:
        found = {"autodiff at one step": difference(arms.online(one, rule, None)(), exact)}
        slow = jax.tree.map(np.asarray, arms.online(short, rule, 1)())
        found["step by step"] = difference(arms.online(short, rule, "auto")(), slow)
        if case.network == "lif" and hasattr(reference, rule):
            params, decay = (
                weights(NETWORKS["lif"].params(short), short.seed),
                () if rule == "d_rtrl" else (short.decay,),
            )
            found["loops by hand"] = difference(slow, getattr(reference, rule)(params, *spikes(short), *decay))
        said = ", ".join(f"{name} {off:.0e}" for name, off in found.items())
        right &= verdict(max(found.values()), f"{rule:10s} off {said}")
    return right


def verdict(off, said) -> bool:
    """One line of the gate; is it near enough?"""
    print(f"  {'right' if off < TOLERANCE else 'WRONG'}  {said}", flush=True)
    return off < TOLERANCE


def offers(case, outsider) -> dict[str, str]:
    """Arms that the outsiders have for a case, each with the arm of ours whose gradient it must give."""
    return {} if outsider is None else outsider.ask(do="offers", network=case.network)["arms"]


def prepare_outside(case, outsider, arm, **how) -> float:
    """Seconds of an outsider's first call, on weights of our shapes."""
    shapes = NETWORKS[case.network].params(case)
    return outsider.ask(do="prepare", key=arm, case=case.name, arm=arm, shapes=shapes, **how)["seconds"]


def gate_outside(case, outsider) -> bool:
    """Every arm of the outsiders before its clock: its gradient is ours."""
    short, right = few(case, *SHORT), True
    for name, like in offers(case, outsider).items():
        prepare_outside(case, outsider, name, batch=short.batch, steps=short.steps)
        ours = arms.bptt(short) if like == "bptt" else arms.online(short, like, "auto")
        off = difference(outsider.gradient(name), jax.tree.map(np.asarray, ours()))
        right &= verdict(off, f"{name} off our {like} {off:.0e}")
    return right


def build(case, rules) -> dict[str, dict]:
    """Our own rows by arm: `call`, which gives seconds, and what is known before the clock."""
    made = {"BPTT": arms.bptt(case)} | {f"vestige {rule}": arms.online(case, rule, "auto") for rule in rules}
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
    return rows


def build_peer(case, peer) -> dict[str, dict]:
    """The peer's rows, or why it refuses."""
    asked, rows = {f"braintrace {rule}": {"rule": rule} for rule in PEER_RULES}, {}
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


def build_outside(case, outsider) -> dict[str, dict]:
    """The outsiders' rows."""
    return {
        name: {
            "first": prepare_outside(case, outsider, name),
            "call": lambda name=name: outsider.ask(do="time", key=name)["seconds"],
        }
        for name in offers(case, outsider)
    }


def run(case, rules, peer, outsider, repeats) -> dict:
    """One case: its arms with median seconds."""
    rows = build(case, rules) | build_peer(case, peer) | build_outside(case, outsider)
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
    there = OUTSIDE if OUTSIDE.exists() else None
    ask.add_argument("--outsider", type=Path, default=there, help="python of the outsiders' (default: %(default)s)")
    ask.add_argument("--repeats", type=int, default=7)
    ask.add_argument(
        "--out", type=Path, default=Path("runs/bench"), help="folder of the JSON and the plots (%(default)s)"
    )
    ask.add_argument("--again", action="store_true", help="measure cases anew that the folder already has")
    ask.add_argument("--results", type=Path, help="a page to be updated with the table, such as docs/results.md")
    args = ask.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    wrong = False
    elsewhere = nullcontext() if args.outsider is None else Peer(args.outsider, "outsiders/serve.py")
    with Peer(args.peer) as peer, elsewhere as outsider:
        for name in args.case or CASES:
            file = args.out / f"{name}.json"
            if file.exists() and not args.again:
                print(f"{name}: from {file}")
                continue
            case = CASES[name]
            print(f"{name}: batch {case.batch}, {case.steps} steps, float32", flush=True)
            more = {like for like in offers(case, outsider).values() if like in arms.RULES}
            rules = (*PEER_RULES, *sorted(more - {*PEER_RULES}))
            if not (gate(case, rules) and gate_outside(case, outsider)):
                wrong = True
                continue
            found = run(case, rules, peer, outsider, args.repeats)
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
