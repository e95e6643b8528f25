"""How near the device's own limits D-RTRL comes: of its bandwidth at every step, of its matrix products in windows.

    python benchmarks/roofline.py                    # on the device that jax sees; sizes by its memory
    python benchmarks/roofline.py --widths 512 2048 --batch 16

The limits are measured first: bandwidth by one pass over large arrays that are written where they are read, products by one of
two large squares. Then, of a recurrent network with two states a neuron:

* K = 1: the step that learns (forward, gradient, trace). Bytes that must move are the old trace and the new one, the weights
  and their gradient, once each; share = bytes / time / bandwidth. What runs besides counts against it.
* K = 64 and more: windows of a longer sequence. Floating-point operations of its matrix products, counted in the program;
  share = operations / time / peak, the peak in the precision in which the program runs.

On a GPU 60 % of the bandwidth and half of the products' peak are asked; elsewhere the shares are printed and nothing is judged.
"""

import argparse
import json
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import arms
import jax
import jax.numpy as jnp
from cases import Case
from clock import clock, measure
from count import products
from networks import NETWORKS, cross_entropy

import vestige as vg

TARGETS = {"bandwidth": 0.6, "products": 0.5}
CASE = Case("roofline", "synapse", 0, 0, 16, batch=1, steps=1)
WIDTHS = (256, 512, 1024, 2048, 4096, 8192, 16384)
PER_SAMPLE = 0.02  # seconds of calls behind one sample, so that no clock is too coarse
ELSEWHERE = 1 << 31  # bytes taken for the memory of a device that does not tell


def memory() -> int:
    """Bytes of the device."""
    told = jax.devices()[0].memory_stats() or {}
    return told.get("bytes_limit", ELSEWHERE)


def seconds(call: Callable[[], Any], repeats: int) -> float:
    """Median seconds of one call, several behind each sample."""
    jax.block_until_ready(call())
    once = clock(call)
    many = max(1, round(PER_SAMPLE / max(once, 1e-7)))

    def some() -> Any:
        for _ in range(many):
            last = call()
        return last

    return measure({None: lambda: clock(some)}, repeats)[None] / many


def limits(room: int, repeats: int) -> dict[str, float]:
    """Bytes a second of one pass over a large array, and operations a second of large products by precision."""
    held = [jnp.ones(room // 16, jnp.float32)]
    touch = jax.jit(lambda a: 0.5 * a + 1.0, donate_argnums=0)

    def axpy() -> Any:
        held[0] = touch(held[0])
        return held[0]

    found = {"bandwidth": 2 * held[0].nbytes / seconds(axpy, repeats)}
    held.clear()
    n = min(8192, 1 << int((room / 48) ** 0.5).bit_length() - 1)
    for name, dtype, precision in (
        ("float32", jnp.float32, "highest"), ("default", jnp.float32, "default"), ("bfloat16", jnp.bfloat16, "default"),
    ):  # fmt: skip
        a = jnp.ones((n, n), dtype)
        product = jax.jit(partial(jnp.matmul, precision=precision))
        found[name] = 2 * n**3 / seconds(lambda product=product, a=a: product(a, a), repeats)
    return found


def network(n: int, batch: int, steps: int) -> tuple[Any, Any, tuple[Any, Any, Any]]:
    """Graph, a carry that has a past, and (parameters, inputs, labels)."""
    case = replace(CASE, n_in=n, n_rec=n, batch=batch, steps=steps)
    params, xs, labels = arms.data(case)
    step = lambda p, s, x: NETWORKS[case.network].step(p, s, x, arms.OPS)
    graph = vg.trace_graph(step, params, *jax.eval_shape(lambda: (arms.rest(case), xs[0, 0])))
    rule = vg.rules.d_rtrl()
    carry = vg.init(graph, rule, params, arms.rest(case), batch_size=batch)
    carry = jax.tree.map(jnp.array, carry)  # each array its own, and no longer fresh
    run = lambda window, params, carry, xs, labels: vg.gradients(
        graph, rule, params, carry, xs, labels, cross_entropy, window
    )
    return run, carry, (params, xs, labels)


def at_every_step(n: int, batch: int, repeats: int) -> tuple[float, float]:
    """(bytes that must move, seconds) of one step, its trace written into a buffer that is there."""
    run, carry, (params, xs, labels) = network(n, batch, 1)

    @partial(jax.jit, donate_argnums=0, keep_unused=True)
    def step(spare: Any, params: Any, carry: Any, xs: Any, labels: Any) -> Any:
        out = run(1, params, carry, xs, labels)
        return out.grads, out.carry

    held = {"carry": carry, "spare": jax.tree.map(jnp.zeros_like, carry.trace)}

    def call() -> Any:
        grads, new = step(held["spare"], params, held["carry"], xs, labels)
        held.update(carry=new, spare=held["carry"].trace)
        return grads

    size = lambda tree: sum(a.nbytes for a in jax.tree.leaves(tree))
    return 2.0 * (size(carry.trace) + size(params)), seconds(call, repeats)


def in_windows(n: int, batch: int, window: int, repeats: int) -> tuple[float, float]:
    """(operations of its products, seconds) of four windows that begin with a trace and leave one."""
    run, carry, (params, xs, labels) = network(n, batch, 4 * window)

    def whole(params: Any, carry: Any, xs: Any, labels: Any) -> Any:
        out = run(window, params, carry, xs, labels)
        return out.grads, out.carry

    args = params, carry, xs, labels
    fast = jax.jit(whole)
    return float(products(whole, *args)[0]), seconds(lambda: fast(*args), repeats)


def fits(n: int, batch: int, window: int, room: int) -> bool:
    """Do two traces of two states, and what a window keeps, stay within the room?"""
    trace = 2 * batch * 2 * n * n * 4  # two states, weights [2 n, n]
    return 3 * trace + 40 * batch * window * n * 4 < room


def row(kind: str, n: int, batch: int, window: int, done: float, took: float, most: float, judged: bool) -> dict:
    share = done / took / most
    verdict = ("met" if share >= TARGETS[kind] else "MISSED") if judged else "not judged"
    return {
        "of": kind, "width": n, "batch": batch, "window": window, "ms": took * 1e3, "done": done, "limit": most,
        "share": share, "asked": TARGETS[kind], "said": verdict,
    }  # fmt: skip


def told(r: dict) -> str:
    unit, scale = ("GB/s", 1e9) if r["of"] == "bandwidth" else ("Gflop/s", 1e9)
    return (
        f"  {r['of']:10s} n {r['width']:6d}  B {r['batch']:4d}  K {r['window']:4d}  {r['ms']:10.3f} ms  "
        f"{r['done'] / r['ms'] / 1e-3 / scale:10.1f} of {r['limit'] / scale:.1f} {unit}  {r['share']:6.1%}"
        f"  asked {r['asked']:.0%}: {r['said']}"
    )


def main(argv: list[str] | None = None) -> int:
    """Limits, then rows; 1 when a GPU misses a target."""
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("--widths", type=int, nargs="+", help="neurons, and as many inputs (by memory)")
    ask.add_argument("--batch", type=int, default=8)
    ask.add_argument("--windows", type=int, nargs="+", default=[64, 128])
    ask.add_argument("--memory", type=int, help="bytes to be used at most (a quarter of the device's)")
    ask.add_argument("--repeats", type=int, default=7)
    ask.add_argument("--out", type=Path, default=Path("runs/roofline.json"), help="(%(default)s)")
    args = ask.parse_args(argv)
    room = args.memory or memory() // 4
    device, judged = jax.devices()[0], jax.default_backend() == "gpu"
    found = limits(room, args.repeats)
    print(f"{device.device_kind} ({jax.default_backend()}), within {room / 1e9:.1f} GB; medians of {args.repeats}")
    print(f"  bandwidth {found['bandwidth'] / 1e9:.1f} GB/s; products in Gflop/s: " + ", ".join(
        f"{k} {found[k] / 1e9:.0f}" for k in ("float32", "default", "bfloat16")
    ))  # fmt: skip
    rows = []
    for window in (1, *args.windows):
        able = [n for n in WIDTHS if fits(n, args.batch, window, room)][-4:]
        for n in args.widths or able:
            if window == 1:
                made = row("bandwidth", n, args.batch, 1, *at_every_step(n, args.batch, args.repeats),
                           found["bandwidth"], judged)  # fmt: skip
            else:
                made = row("products", n, args.batch, window, *in_windows(n, args.batch, window, args.repeats),
                           found["default"], judged)  # fmt: skip
            rows.append(made)
            print(told(made), flush=True)
    args.out.parent.mkdir(parents=True, exist_ok=True)
    told_all = {"device": device.device_kind, "backend": jax.default_backend(), "jax": jax.__version__, "limits": found}
    args.out.write_text(json.dumps({**told_all, "rows": rows}, indent=2) + "\n")
    return int(judged and any(r["said"] == "MISSED" for r in rows))


if __name__ == "__main__":
    sys.exit(main())
