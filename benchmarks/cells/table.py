"""How the speed bench shows its figures: a table per case, and a plot over compartments."""

from pathlib import Path

from cases import Case

SHARED = 1.15  # by the clock over of the processor: above it the core had other work


def show(case: Case, found: dict) -> None:
    """One case: milliseconds per step, how far from ours, and seconds before the first figure."""
    arms = found["arms"]
    print(
        f"\n{case.shape}, {case.cells} x {case.compartments} compartments; {case.steps(False)} steps, "
        f"{case.steps(True)} with gradient; half the step moves the voltage by {found['moved']:.2g} mV"
    )
    heads = ("ms/step", 10), ("processor", 10), ("ns/compartment", 15), ("x vestige", 10), ("apart", 9), ("make s", 7)
    print(f"  {'':16} " + " ".join(f"{head:>{width}}" for head, width in heads) + "  first s")
    for name, a in arms.items():
        base = arms.get("vestige BPTT" if "RTRL" in name or "BPTT" in name else "vestige", a)
        print(
            f"  {name:16} {a['clock']:10.4f} {a['processor']:10.4f} {a['clock'] * 1e6 / case.size:15.1f} "
            f"{a['clock'] / base['clock']:10.2f} {found['apart'][name]:9.1e} {a['made']:7.1f} {a['first']:8.1f}"
            + (f"  {a['flops']:.3g} flops, {a['bytes']:.3g} bytes" if "flops" in a else "")
        )
    for name, why in found["missing"].items():
        print(f"  {name:16} none: {why}")
    share = max((a["clock"] / max(a["processor"], 1e-12) for a in arms.values()), default=1.0)
    if share > SHARED:
        print(f"  the core was shared: up to {share:.1f} times as long by the clock as of the processor", flush=True)


def plot(known: dict, to: Path) -> None:
    """Milliseconds per step over compartments, a panel per number of cells; cables only."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    cables = {tuple(one["case"][1:]): one["arms"] for one in known.values() if one["case"][0] == "cable"}
    sizes = sorted({cells for cells, _ in cables})
    fig, axes = plt.subplots(1, max(len(sizes), 1), figsize=(4 * max(len(sizes), 1), 3.6), squeeze=False)
    names = list(dict.fromkeys(name for arms in cables.values() for name in arms))
    for ax, cells in zip(axes[0], sizes):
        for k, name in enumerate(names):
            points = sorted((c, arms[name]["clock"]) for (n, c), arms in cables.items() if n == cells and name in arms)
            style = "--" if "BPTT" in name or "RTRL" in name else "-"
            ax.plot(*zip(*points), style, color=f"C{k}", marker="o", ms=3, label=name) if points else None
        ax.set(xscale="log", yscale="log", title=f"{cells} cell{'s' * (cells > 1)}", xlabel="compartments")
    axes[0][0].set_ylabel("ms per step of 0.025 ms")
    axes[0][-1].legend(fontsize=7)
    fig.tight_layout()
    fig.savefig(to, dpi=120)
    print(f"\n{to}")
