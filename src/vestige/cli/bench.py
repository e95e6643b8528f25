"""`vestige bench`: time and memory of a step under several rules, on a user's model or on a default one."""

import json
import platform
import sys
import time
from argparse import Namespace
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from ..graph import Graph, trace_graph
from ..learn import gradients, init
from .audit import square
from .laws import LAWS, WHOLE, applies, trace_bytes
from .model import arguments, load
from .network import Network
from .options import Commands, command, positive

EXAMPLES = """
  vestige bench                                     50 inputs, 128 recurrent LIF and ALIF neurons, 10 outputs
  vestige bench model.py:Net --input 12 --rules bptt d_rtrl es_d_rtrl
  vestige bench --batch 1 --steps 1000 --json
"""
DEFAULT = ("bptt", "d_rtrl", "es_d_rtrl", "hybrid", "e_prop")


class Case(NamedTuple):
    """A model and data for it."""

    title: str
    graph: Graph
    params: Any
    state: Any
    xs: Any
    targets: Any


class Entry(NamedTuple):
    """A compiled gradient, with its inputs bound, and the bytes that it needs."""

    rule: str
    window: int | None
    call: Any
    bytes: int | None


def add(commands: Commands) -> None:
    made = command(
        commands, "bench", "time a step of several rules beside BPTT", EXAMPLES,
        "Gradients of a batch of sequences, in windows of one step (online) and as trained; rules take turns, medians count.",
    )  # fmt: skip
    arguments(made, required=False)
    made.add_argument(
        "--rules",
        nargs="+",
        choices=list(LAWS),
        metavar="RULE",
        default=list(DEFAULT),
        help=f"of {', '.join(LAWS)} ({' '.join(DEFAULT)})",
    )
    made.add_argument("--steps", type=positive, default=100, help="steps of a sequence (%(default)s)")
    made.add_argument("--batch", type=positive, default=32, help="sequences at a time (%(default)s)")
    made.add_argument("--window", type=positive, default=64, help="steps per window, beside 1 (%(default)s)")
    made.add_argument("--turns", type=positive, default=9, help="how often each is timed (%(default)s)")


def run(args: Namespace) -> None:
    """Compile all, then time them in turns."""
    case = default(args) if args.model is None else of_user(args)
    rows, entries = {}, []
    for name in dict.fromkeys(args.rules):
        made, why = applies(lambda name=name: entries_of(case, name, args.window, args.batch))
        rows[name] = {"rule": name, "refused": why}
        if made is not None:
            rows[name]["trace_bytes"], found = made
            entries += found
        print(f"  {name} {'compiled' if made else 'does not apply'}", file=sys.stderr, flush=True)
    for entry, ms in zip(entries, timed(entries, args.turns, args.steps)):
        kind = "online" if entry.window == 1 else "window"
        rows[entry.rule] |= {f"{kind}_ms": ms, f"{kind}_bytes": entry.bytes}
    told = {
        "model": case.title,
        "steps": args.steps,
        "batch": args.batch,
        "window": args.window,
        "rows": list(rows.values()),
    }
    machine = {"jax": jax.__version__, "device": jax.devices()[0].device_kind, "python": platform.python_version()}
    print(json.dumps({**told, **machine}) if args.json else text(told, machine))


def default(args: Namespace) -> Case:
    net = Network(50, 128, 10, 1.0)
    params, state, draw = net.params(0), net.state(), np.random.default_rng(0)
    xs = jnp.asarray(draw.random((args.steps, args.batch, 50)) < 0.1, float)
    targets = [jnp.asarray(draw.normal(size=(args.steps, args.batch, 10)))]
    graph = trace_graph(net.step(), params, state, xs[0, 0])
    return Case("50-128-10, recurrent LIF and ALIF", graph, params, state, xs, targets)


def of_user(args: Namespace) -> Case:
    subject = load(args.model, args.input, args.dt)
    graph, params, state, inputs = subject.core()
    draw, lead = np.random.default_rng(0), (args.steps, args.batch)
    float_like = lambda a: jnp.asarray(draw.normal(size=(*lead, *jnp.shape(a))), jnp.result_type(a))
    xs = jax.tree.map(float_like, inputs)
    outputs = jax.tree.unflatten(graph.out_tree, graph.program.outs)[1]
    targets = [jnp.zeros((*lead, *v.shape), v.dtype) for v in jax.tree.leaves(outputs)]
    return Case(subject.name, graph, params, state, xs, targets)


def entries_of(case: Case, name: str, window: int, batch: int) -> tuple[int, list[Entry]]:
    """(trace bytes of an example, what is to be timed)."""
    rule = LAWS[name]()
    carry = init(case.graph, rule, case.params, case.state, batch)
    whole = name in WHOLE
    found = []
    for K in dict.fromkeys([None] if whole else [1, window]):
        grad = jax.jit(partial(_gradient, case.graph, rule, K))
        call = grad.lower(case.params, carry, case.xs, case.targets).compile()
        size = getattr(call.memory_analysis(), "temp_size_in_bytes", None)
        found.append(Entry(name, K, partial(call, case.params, carry, case.xs, case.targets), size))
    return trace_bytes(case.graph, rule, case.params), found


def _gradient(graph: Graph, rule: Any, window: int | None, params: Any, carry: Any, xs: Any, targets: Any) -> Any:
    return gradients(graph, rule, params, carry, xs, targets, square, window, first=True, last=True).grads


def timed(entries: list[Entry], turns: int, steps: int) -> list[float]:
    """Median ms of a step of each; they take turns, so that a busy machine is busy for all."""
    spans = [[] for _ in entries]
    for turn in range(turns + 1):
        for entry, span in zip(entries, spans):
            began = time.perf_counter()
            jax.block_until_ready(entry.call())
            if turn:  # the first one warms up
                span.append(time.perf_counter() - began)
    return [1000 * float(np.median(span)) / steps for span in spans]


def text(told: dict[str, Any], machine: dict[str, Any]) -> str:
    head = f"{told['model']}: {told['steps']} steps, batch {told['batch']}, {machine['device']}, jax {machine['jax']}"
    lines = [f"{'':<12}{'online ms':>11}{'window ms':>11}{'trace kB':>11}{'online MB':>11}{'window MB':>11}"]
    for row in told["rows"]:
        if row["refused"]:
            lines.append(f"{row['rule']:<12}  does not apply: {row['refused']}")
            continue
        number = lambda key, by, form, row=row: format(row[key] / by, form) if row.get(key) is not None else "-"
        cells = [number("online_ms", 1, ".4f"), number("window_ms", 1, ".4f"), number("trace_bytes", 1e3, ".1f"),
                 number("online_bytes", 1e6, ".2f"), number("window_bytes", 1e6, ".2f")]  # fmt: skip
        lines.append(f"{row['rule']:<12}" + "".join(f"{c:>11}" for c in cells))
    notes = (
        f"ms of a step of the batch, median; online: windows of 1; window: of {told['window']}, BPTT the whole sequence"
    )
    return "\n".join([head, *lines, notes, "trace: carried by one example; MB: intermediate results of the program"])
