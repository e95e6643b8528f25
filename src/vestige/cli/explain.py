"""`vestige explain`: which weight reaches which state, exactly or not; what traces cost; a picture."""

import json
from argparse import Namespace
from pathlib import Path
from typing import Any

import jax
import numpy as np

from ..graph import Graph
from ..learn.core import check_rule
from .laws import LAWS, applies, trace_bytes
from .model import arguments, load
from .options import Commands, command

EXAMPLES = """
  vestige explain model.py:Net --input 12
  vestige explain model.py:make_net                 the file says `example = jax.numpy.zeros(12)`
  vestige explain model.py:Net --input 3,28,28 --out graph.png
  vestige explain model.py:Net --input 12 --json
"""


def add(commands: Commands) -> None:
    made = command(
        commands, "explain", "say which weight of a model reaches which state, and what each rule drops", EXAMPLES,
        "The model is analysed as a learner would; nothing is trained.",
    )  # fmt: skip
    arguments(made)
    made.add_argument("--out", type=Path, metavar="PICTURE", help="draw the graph into this file (.png, .pdf, .svg)")


def run(args: Namespace) -> None:
    """Report, trace bytes by rule, picture."""
    subject = load(args.model, args.input, args.dt)
    graph, params, _, _ = subject.core()
    rows, costs = weights(graph, params), costs_of(graph, params)
    if args.out is not None:
        from ..plots_graph import graph_picture

        args.out.parent.mkdir(parents=True, exist_ok=True)
        graph_picture(graph, subject.name).savefig(args.out)
    if args.json:
        told = {"model": subject.name, "populations": populations(graph), "weights": rows, "rules": costs}
        print(json.dumps({**told, "dropped": list(graph.report.dropped), "notes": list(graph.report.notes)}))
        return
    print(graph.report)
    print("\n".join(["", *table(rows), "", *priced(costs)]))
    if args.out is not None:
        print(f"\n{args.out}")


def populations(graph: Graph) -> list[dict[str, Any]]:
    return [{"states": list(g.names), "positions": g.P, "block": g.S, "pushed": g.pushed} for g in graph.groups]


def weights(graph: Graph, params: Any) -> list[dict[str, Any]]:
    """For each parameter the states it reaches with a trace, and how D-RTRL treats it."""
    report, rows = graph.report, []
    for name, leaf in zip(graph.param_names, jax.tree.leaves(params)):
        reaches = [
            n for e in graph.edges if e.name == name and e.group is not None for n in graph.groups[e.group].names
        ]
        dropped = [str(p) for p in report.paths if p.weight == name]
        if name in report.unread:
            how = "never read: gradient zero"
        elif dropped:
            how = "drops some" if reaches else "own step only"
        elif reaches:
            how = "exact" if name in report.exact or not report.paths else "traced"
        else:
            how = next((line.split(": ", 1)[1] for line in report.own_step if line.split(": ")[0] == name), "")
        rows.append({"name": name, "shape": list(np.shape(leaf)), "reaches": reaches, "how": how, "dropped": dropped})
    return rows


def costs_of(graph: Graph, params: Any) -> list[dict[str, Any]]:
    """Trace bytes of one example by rule; why a rule does not apply."""
    found = []
    for name, make in LAWS.items():
        rule = make()
        size, why = applies(lambda rule=rule: check_rule(graph, rule) or trace_bytes(graph, rule, params))
        found.append({"rule": name, "trace_bytes": size, "refused": why})
    return found


def table(rows: list[dict[str, Any]]) -> list[str]:
    width = max([6, *(len(r["name"]) for r in rows)])
    shape = lambda r: "x".join(map(str, r["shape"])) or "1"
    lines = [f"{r['name']:{width}}  {shape(r):>12}  {', '.join(r['reaches']) or '-':<24}  {r['how']}" for r in rows]
    return [f"{'weight':{width}}  {'shape':>12}  {'reaches':<24}  under D-RTRL", *lines]


def priced(costs: list[dict[str, Any]]) -> list[str]:
    lines = [f"{c['rule']:<12}{c['trace_bytes']:>14,}" if not c["refused"] else f"{c['rule']:<12}{'-':>14}  {c['refused']}"
             for c in costs]  # fmt: skip
    return ["rule           trace bytes of one example", *lines]
