"""Figures of a run: learning curve, spike raster, confusion matrix, audit. Each function returns a matplotlib figure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from ._look import INK, LEARNED, OTHER, SOFT, figure_of, levels
from .nest.plots import traces as traces
from .plots_learner import eligibility as eligibility
from .plots_learner import weights as weights
from .plots_stream import drift as drift
from .plots_tasks import stream_course as stream_course
from .plots_tasks import task_examples as task_examples
from .plots_tasks import trial_examples as trial_examples

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from .learn import Audit


def learning_curve(
    loss: np.ndarray, accuracy: np.ndarray, test: np.ndarray | None = None, *,
    references: Mapping[str, float] | None = None,
) -> Figure:  # fmt: skip
    """Loss and accuracy by epoch: arrays `[runs, epochs]`, thin lines for runs and a thick one for their mean.

    `references` are accuracies to compare with, drawn as level lines with their names.
    """
    figure = figure_of(9.0, 3.6)
    left, right = figure.subplots(1, 2)
    _runs(left, loss, LEARNED, "training")
    left.set(xlabel="epoch", ylabel="loss (cross entropy)", ylim=(0, None))
    _runs(right, accuracy, LEARNED, "training")
    if test is not None:
        _runs(right, test, OTHER, "test")
    right.set(xlabel="epoch", ylabel="accuracy", ylim=(0, 1))
    right.yaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
    levels(right, references or {})
    right.legend(frameon=False, loc="lower right", bbox_to_anchor=(1.0, 0.18))
    for axes in (left, right):
        axes.xaxis.get_major_locator().set_params(integer=True)
    return figure


def raster(
    inputs: np.ndarray, spikes: np.ndarray, scores: np.ndarray, classes: Sequence[str], *, dt: float = 1.0,
    unit: str = "steps", truth: int | None = None,
) -> Figure:  # fmt: skip
    """One sequence from input to decision: `inputs` [T, I] and `spikes` [T, N] as dots, `scores` [T, C] as odds."""
    figure = figure_of(9.0, 6.6)
    top, middle, bottom = figure.subplots(3, 1, sharex=True, height_ratios=(1.0, 1.6, 1.0))
    time = np.arange(len(spikes)) * dt
    for axes, events, what in ((top, inputs, "input unit"), (middle, spikes, "neuron")):
        step, unit_number = np.nonzero(events)
        axes.scatter(time[step], unit_number, s=700 / events.shape[1], marker="|", linewidths=0.9, color=INK)
        axes.set(ylabel=what, ylim=(-1, events.shape[1]))
        axes.spines[["top", "right"]].set_visible(False)
    middle.set_title(f"{100 * spikes.mean():.1f} spikes per neuron in 100 steps", loc="right", fontsize=9, color=SOFT)
    odds = np.exp(scores - scores.max(axis=1, keepdims=True))
    odds /= odds.sum(axis=1, keepdims=True)
    leading = int(odds[-1].argmax())
    for c, name in enumerate(classes):
        colour = LEARNED if c == truth else OTHER if c == leading else SOFT
        bottom.plot(time, odds[:, c], color=colour, lw=2.0 if c in (truth, leading) else 0.8)
        if c in (truth, leading):
            label = f"{name} ({'true' if c == truth else 'said'})"
            at = (time[-1], odds[-1, c])
            bottom.annotate(label, at, (5, 0), textcoords="offset points", color=colour, va="center")
    bottom.spines[["top", "right"]].set_visible(False)
    bottom.set(xlabel=f"time ({unit})", ylabel="probability", ylim=(0, 1), xlim=(-0.6 * dt, time[-1] + 0.6 * dt))
    return figure


def confusion(truth: np.ndarray, said: np.ndarray, classes: Sequence[str]) -> Figure:
    """How often each class [rows] is taken for each [columns], in parts of the row, with counts of sequences."""
    count = np.zeros((len(classes), len(classes)), int)
    np.add.at(count, (truth, said), 1)
    part = count / np.maximum(count.sum(axis=1, keepdims=True), 1)
    size = 1.8 + 0.55 * len(classes)
    figure = figure_of(size, size - 0.3)
    axes = figure.subplots()
    axes.imshow(part, cmap="Blues", vmin=0, vmax=1)
    for (row, column), number in np.ndenumerate(count):
        if number:
            colour = "white" if part[row, column] > 0.55 else INK
            axes.text(column, row, number, ha="center", va="center", color=colour, fontsize=9)
    ticks = range(len(classes))
    axes.set_xticks(ticks, classes, rotation=0 if max(map(len, classes)) < 5 else 45)
    axes.set_yticks(ticks, classes)
    axes.set(xlabel="said", ylabel="true")
    axes.set_title(f"{np.trace(count) / count.sum():.1%} of {count.sum()} right", loc="left", fontsize=10)
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)
    return figure


def comparison(
    names: Sequence[str], scores: Sequence[Sequence[float]], cosines: Sequence[float | None],
    own: Sequence[float | None] | None = None, *, chance: float, baselines: int = 0, title: str = "",
) -> Figure:  # fmt: skip
    """Score and gradient cosine of each arm side by side: neither stands for the other.

    Args:
        names: of the arms, from top to bottom; the first `baselines` of them are set apart.
        scores: of each arm's seeds, in [0, 1]; the bar is their mean, a dot each seed; none: not trained.
        cosines: to BPTT's gradient at the same weights for all; None where there is none.
        own: the same at the weights of each arm's own training, as rings.
        chance: a level line among the scores.
    """
    figure = figure_of(9.0, 1.3 + 0.27 * len(names))
    left, right = figure.subplots(1, 2, sharey=True)
    at = np.arange(len(names)) + 0.6 * (np.arange(len(names)) >= baselines)
    colours = [SOFT if n < baselines else LEARNED for n in range(len(names))]
    left.barh(at, [np.mean(s) if len(s) else 0.0 for s in scores], height=0.7, color=colours, alpha=0.85)
    for y, some in zip(at, scores):
        if not len(some):
            left.annotate("not trained", (0.02, y), va="center", fontsize=8, color=INK)
        left.scatter(some, np.full(len(some), y), s=9, color=INK, linewidths=0, zorder=3)
    left.axvline(chance, color=OTHER, lw=1.0, ls=(0, (4, 3)))
    right.barh(at, [np.nan if c is None else c for c in cosines], height=0.7, color=colours, alpha=0.85)
    rings = [np.nan if c is None else c for c in own or [None] * len(names)]
    right.scatter(rings, at, s=22, facecolor="white", edgecolor=OTHER, linewidths=1.2, zorder=3)
    for y, c in zip(at, cosines):
        said, place = ("no gradient", 0.02) if c is None else (f"{c:.2f}", 1.06)
        right.annotate(said, (place, y), va="center", fontsize=8, color=INK)
    left.set(xlabel="score (bar: mean; dots: seeds; line: chance)", xlim=(0, 1))
    left.xaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
    low = min([0.0, *(c for c in (*cosines, *rings) if c is not None and not np.isnan(c))])
    right.set(
        xlabel="cosine to BPTT's gradient" + (" (ring: own weights)" if own else ""), xlim=(1.1 * low - 0.02, 1.2)
    )
    right.axvline(0, color=INK, lw=0.8)
    right.set_xticks([t for t in (-1, -0.5, 0, 0.5, 1) if t > 1.1 * low - 0.02])
    left.set_yticks(at, names, fontsize=8.5)
    left.set_ylim(at[-1] + 0.7, -0.7)
    for axes in (left, right):
        axes.spines[["top", "right"]].set_visible(False)
        axes.tick_params(axis="y", length=0)
    right.spines["left"].set_visible(False)
    figure.suptitle(title, x=0.01, ha="left", fontsize=11)
    return figure


def audit_bars(found: Audit) -> Figure:
    """Cosine, norm ratio and sign agreement of each parameter as bars, beside the ideal 1 (dashed); and what is missing of its
    true gradient: the share that each dropped path carries (numbered, written out below), that all of them carry together,
    and what the rule itself gets wrong.
    """
    rows, paths = found.rows, found.paths
    height, legend = 1.2 + 0.3 * len(rows), 0.08 + 0.22 * len(paths)
    columns = len(paths) + 2 if paths else 1
    figure = figure_of(10.5, height + legend)
    top, below = figure.subfigures(2, 1, height_ratios=(height, legend))
    cosine, ratio, sign, missing = top.subplots(1, 4, sharey=True, width_ratios=(1, 1, 1, max(1.1, 0.37 * columns)))
    _bars(cosine, [r.cosine for r in rows], "cosine")
    _bars(ratio, [r.ratio for r in rows], "|online| / |true|")
    _bars(sign, [r.sign for r in rows], "same sign")
    cosine.set_yticks(range(len(rows)), [r.name for r in rows], fontsize=8.5)
    cosine.invert_yaxis()
    together = [[r.dropped, r.own] if paths else [r.own] for r in rows]
    _table(
        missing, np.array([[*(p.shares[r.name] for p in paths), *some] for r, some in zip(rows, together)]), len(paths)
    )
    top.suptitle(f"online gradient against {found.method}", x=0.01, ha="left", fontsize=10)
    for n, p in enumerate(paths):
        at = 1 - (n + 0.5) / len(paths)
        below.text(0.024, at, f"{n + 1}", color=OTHER, fontsize=8, va="center", ha="right", weight="bold")
        below.text(0.032, at, p.line, color=INK, fontsize=8, va="center")
    return figure


def _runs(axes, values: np.ndarray, colour: str, label: str) -> None:
    values = np.atleast_2d(values)
    epochs = np.arange(1, values.shape[1] + 1)
    for run in values if len(values) > 1 else ():
        axes.plot(epochs, run, color=colour, lw=0.8, alpha=0.45)
    label = label if len(values) == 1 else f"{label}, mean of {len(values)}"
    axes.plot(epochs, values.mean(axis=0), color=colour, lw=2.2, label=label)
    axes.set_xlim(1, max(2, len(epochs)))
    axes.spines[["top", "right"]].set_visible(False)


def _bars(axes, values: list[float], title: str) -> None:
    """Bars from zero to 2 at most, and their numbers, which are not cut."""
    at, low = np.arange(len(values)), min([0.0, *(v for v in values if np.isfinite(v))])
    axes.barh(at, np.clip(np.nan_to_num(values), None, 2.0), height=0.62, color=LEARNED, alpha=0.85)
    end = max(1.0, *np.clip(np.nan_to_num(values), None, 2.0)) if values else 1.0
    for y, v in zip(at, values):
        said = f"{v:.2f}" if np.isfinite(v) else "none"
        axes.text(1.0, y, said, ha="right", va="center", fontsize=8, color=INK, transform=axes.get_yaxis_transform())
    axes.axvline(1.0, color=SOFT, lw=1.0, ls=(0, (4, 3)), zorder=0)
    axes.set(xlim=(low, end + 0.36 * (end - low)), xticks=sorted({*([-1.0] if low < -0.5 else []), 0.0, 1.0}))
    axes.set_title(title, fontsize=9, loc="left")
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(axis="y", length=0)


def _table(axes, shares: np.ndarray, paths: int) -> None:
    """Shares as shaded cells: a column a path, all paths, and the rule's own."""
    colours = np.clip(np.nan_to_num(shares, posinf=1.0), 0, 1)
    axes.imshow(colours, cmap="Oranges", vmin=0, vmax=1.2, aspect="auto")
    for (row, column), v in np.ndenumerate(shares):
        said = "0" if v < 5e-3 else f"{v:.2f}" if np.isfinite(v) else "inf"
        ink = SOFT if v < 5e-3 else "white" if v > 0.75 else INK
        axes.text(column, row, said, ha="center", va="center", fontsize=8, color=ink)
    last = ["all", "rule's\nown"] if paths else ["rule's own"]
    axes.set_xticks(range(shares.shape[1]), [*map(str, range(1, paths + 1)), *last], fontsize=8)
    for label in axes.get_xticklabels()[:paths]:
        label.set(color=OTHER, weight="bold")
    for between in range(1, shares.shape[1]):
        axes.axvline(between - 0.5, color=INK if between >= paths else "white", lw=1.0)
    axes.set_title("share missing", fontsize=9, loc="left")
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)
