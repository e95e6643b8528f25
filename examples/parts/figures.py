"""What the examples of cells draw."""

import numpy as np
from matplotlib.figure import Figure
from parts.binding import FEATURES, PAIRS

INK, SOFT, LEARNED, OTHER = "#22252b", "#9aa0a8", "#1f6f8b", "#c8553d"


def fitting(losses, path, free, names, dt, every):
    """Loss and conductances along the recording, and what fitted and unfitted models answer to a new current.

    `losses [updates]`, `path [updates, names, cells]` over the true values, `free {"cell", "before", "after": [steps]}`.
    """
    figure = Figure(figsize=(9.0, 5.6), dpi=150, layout="constrained")
    top, below = figure.subfigures(2, 1, height_ratios=(1.1, 1.0))
    ms = np.arange(1, len(losses) + 1) * every * dt
    left, *rest = top.subplots(1, 1 + len(names))
    left.semilogy(ms, losses, color=SOFT, lw=0.6)
    smooth = np.convolve(losses, np.ones(20) / 20, "valid")
    left.semilogy(ms[19:], smooth, color=LEARNED, lw=1.6)
    left.set(title="loss", xlabel="recorded time (ms)")
    for axes, name, values in zip(rest, names, path.transpose(1, 0, 2)):
        axes.axhline(1.0, color=SOFT, lw=0.8)
        axes.plot(ms, values, color=LEARNED, lw=0.9)
        axes.set(title=f"{name} / true", xlabel="recorded time (ms)", ylim=(0.0, max(2.2, path.max() * 1.05)))
    for axes, which, colour in zip(
        below.subplots(2, 1, sharex=True, sharey=True), ("before", "after"), (OTHER, LEARNED)
    ):
        time = np.arange(len(free["cell"])) * dt
        axes.plot(time, free["cell"], color=INK, lw=1.6, label="cell")
        axes.plot(time, free[which], color=colour, lw=1.0, label=f"model {which}")
        axes.set(ylabel="mV", xlim=(0, time[-1]))
        axes.legend(frameon=False, loc="upper left", bbox_to_anchor=(1.0, 1.0))
    axes.set(xlabel="ms of a current that was not in the recording")
    for axes in figure.axes:
        axes.spines[["top", "right"]].set_visible(False)
    return figure


def binding(right, v, weights, tree, threshold, cell=0):
    """Learning curves; what one cell has learned, and how it answers each pair.

    `right {arm: [updates, cells]}`, `v [steps, 4, cells, compartments]`, `weights [features, cells, branches]`.
    """
    figure = Figure(figsize=(9.6, 5.8), dpi=150, layout="constrained")
    top, below = figure.subfigures(2, 1, height_ratios=(1.0, 1.25))
    left, middle, last = top.subplots(1, 3, width_ratios=(1.25, 0.9, 1.1))
    left.axhline(0.75, color=SOFT, lw=0.8, ls=":")
    for (name, share), colour, style in zip(right.items(), (LEARNED, INK, OTHER), ("-", ":", "-")):
        mean = np.cumsum(share.mean(1), 0)
        mean = (mean[5:] - mean[:-5]) / 5
        left.plot(np.arange(6, len(share) + 1), mean, color=colour, ls=style, lw=1.8, label=name)
    left.annotate("no point neuron can do more", (len(share), 0.69), ha="right", color=SOFT, fontsize=8)
    left.set(xlabel="batches of 8 trials", ylabel="right answers, all cells", ylim=(0.0, 1.03))
    left.yaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
    left.legend(frameon=False, loc="lower right", fontsize=8)
    table = weights[:, cell].T
    shown = middle.imshow(table, cmap="Blues", vmin=0.0)
    middle.set(xticks=range(4), yticks=range(len(table)), title=f"cell {cell}: weights (nS)", ylabel="branch")
    middle.set_xticklabels(FEATURES, rotation=35)
    top.colorbar(shown, ax=middle, shrink=0.8)
    names = [" ".join(FEATURES[f] for f in pair) for pair in PAIRS]
    last.axhline(threshold, color=SOFT, lw=0.8, ls=":")
    for trace, name, wanted in zip(v[:, :, cell, 0].T, names, (1, 1, 0, 0)):
        last.plot(np.arange(len(trace)) * 0.5, trace, color=LEARNED if wanted else OTHER, lw=1.2, label=name)
    last.set(xlabel="time (ms)", ylabel="soma (mV)", title="blue: to respond, red: not to")
    panels = below.subplots(1, 4)
    for axes, name, trace in zip(panels, names, v[:, :, cell].transpose(1, 0, 2)):
        drawn = _body(axes, tree, trace[60:].mean(0))
        axes.set_title(name, y=-0.08, fontsize=10)
    below.colorbar(drawn, ax=panels, shrink=0.7, label="mean voltage of 30-60 ms (mV)")
    for axes in (left, last):
        axes.spines[["top", "right"]].set_visible(False)
    return figure


def _body(axes, tree, v):
    """Compartments where they lie, in the colour of their voltage."""
    x, y = tree.middle[:, 0], tree.middle[:, 1]
    for span in list(tree.spans.values())[1:]:
        axes.plot(np.r_[x[0], x[span]], np.r_[y[0], y[span]], color=SOFT, lw=1.5, zorder=1)
    size = np.where(np.arange(tree.C) == 0, 420, 90)
    drawn = axes.scatter(x, y, c=v, s=size, vmin=-70, vmax=-20, cmap="magma", edgecolors=INK, linewidths=0.6)
    axes.set(aspect="equal", xticks=[], yticks=[])
    axes.margins(0.15)
    axes.spines[:].set_visible(False)
    return drawn
