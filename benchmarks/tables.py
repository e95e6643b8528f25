"""What the benchmark says: a table and a plot a case, targets met or missed, and the section of the results page."""

from pathlib import Path

LIF, SYNAPSE, GRU = "lif-128-512-20", "synapse-64-256", "gru-64-256"
SMALL = "lif-50-128-10"
OTHERS = ("conv-12x12-2-8", "conv-12x12-16-32", "sparse-64-1024", "lora-64-256")
D, ES, E = "d_rtrl", "es_d_rtrl", "e_prop"
# (what, cases, ours, theirs, at least so many times as fast)
TARGETS = (
    ("D-RTRL beside the peer's default", (LIF, SYNAPSE), f"vestige {D}", f"braintrace {D}", 40.0),
    ("D-RTRL beside the peer's best chunks", (SYNAPSE, GRU), f"vestige {D}", f"braintrace {D}, chunks", 3.0),
    ("D-RTRL beside BPTT", (SMALL, LIF, SYNAPSE, GRU), f"vestige {D}", "BPTT", 0.5),
    ("e-prop beside the peer's", (LIF, SYNAPSE), f"vestige {E}", f"braintrace {E}", 30.0),
    ("conv, sparse, LoRA beside the peer's", OTHERS, f"vestige {D}", f"braintrace {D}", 10.0),
    ("ES-D-RTRL beside the peer's", (SMALL, LIF, SYNAPSE, GRU), f"vestige {ES}", f"braintrace {ES}", 1.3),
)
COLOURS, OUTSIDER = {"BPTT": "#777777", "vestige": "#1f6fb4", "braintrace": "#d08030"}, "#7a5aa6"
START, END = "<!-- begin: benchmarks/run.py -->", "<!-- end: benchmarks/run.py -->"


def text(found: dict) -> str:
    """One case as a table for the screen."""
    base = found["arms"]["BPTT"]["ms"]
    lines = [
        f"  {'arm':32s} {'ms/step':>9s} {'x BPTT':>8s} {'first call s':>13s} {'scratch MB':>11s} {'Gflop':>8s} {'GB':>8s}"
    ]
    for name, row in found["arms"].items():
        if "refused" in row:
            lines.append(f"  {name:32s} refused: {row['refused'][:100]}")
            continue
        lines.append(f"  {name:32s} {row['ms']:9.4f} {row['ms'] / base:8.2f} {row['first']:13.1f} " + _counts(row))
    return "\n".join(lines)


def _counts(row: dict) -> str:
    """Scratch memory, where a compiler can say; products, which only our own arms count."""
    scratch = f"{row['scratch'] / 1e6:11.2f}" if "scratch" in row else f"{'-':>11s}"
    counted = f"{row['gflop']:8.2f} {row['gbyte']:8.2f}" if "gflop" in row else f"{'-':>8s} {'-':>8s}"
    return f"{scratch} {counted}"


def ratio(found: dict, ours: str, theirs: str) -> float | None:
    """How many times as long the quickest of `theirs` takes; None where it refuses or was not asked."""
    others = [row["ms"] for name, row in found["arms"].items() if name.startswith(theirs) and "ms" in row]
    exact = found["arms"].get(theirs, {}).get("ms")
    best = exact if exact is not None else min(others, default=None)
    return best / found["arms"][ours]["ms"] if best is not None and "ms" in found["arms"].get(ours, {}) else None


def targets(found: dict[str, dict]) -> tuple[str, bool]:
    """Each target with what was measured; are all met?"""
    lines, met = [], True
    for what, cases, ours, theirs, asked in TARGETS:
        for case in cases:
            got = ratio(found[case], ours, theirs) if case in found else None
            if got is not None:
                met &= got >= asked
                lines.append(
                    f"  {what:48s} {case:20s} {got:7.2f} times, asked {asked:g}: {'met' if got >= asked else 'MISSED'}"
                )
    return "\n".join(lines), met


def draw(name: str, found: dict, path: Path) -> None:
    """Bars of ms per step, logarithmic."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    rows = {arm: row["ms"] for arm, row in found["arms"].items() if "ms" in row}
    fig, ax = plt.subplots(figsize=(7, 0.4 * len(rows) + 1.2), layout="constrained")
    bars = ax.barh(list(rows), list(rows.values()), color=[COLOURS.get(arm.split()[0], OUTSIDER) for arm in rows])
    ax.bar_label(bars, [f"{ms:.3g}" for ms in rows.values()], padding=3)
    ax.set(xscale="log", xlabel="ms per step (gradient of the whole sequence)")
    ax.set_title(f"{name}, batch {found['batch']}, {found['steps']} steps")
    ax.set_xlim(min(rows.values()) / 2, max(rows.values()) * 4)
    ax.invert_yaxis()
    ax.spines[["top", "right"]].set_visible(False)
    fig.savefig(path, dpi=120)
    plt.close(fig)


def update(page: Path, found: dict[str, dict]) -> None:
    """Put all tables between the page's two marks."""
    before, rest = page.read_text().split(START)
    after = rest.split(END)[1]
    tables = [f"{name}: batch {one['batch']}, {one['steps']} steps\n{text(one)}" for name, one in found.items()]
    body = "\n\n".join(tables) + "\n\n" + targets(found)[0]
    page.write_text(f"{before}{START}\n\n```text\n{body}\n```\n\n{END}{after}")
