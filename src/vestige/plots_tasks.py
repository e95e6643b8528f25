"""Figures of tasks: what is shown, and what is to be answered. Each function returns a matplotlib figure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ._look import INK, LEARNED, OTHER, SOFT, figure_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from .tasks import Stream, Task, Trials


def task_examples(task: Task, count: int = 8) -> Figure:
    """The first training sequence of each of `count` classes, as dots: steps to the right, input units upwards."""
    shown = list(range(min(count, len(task.classes))))
    rows = -(-len(shown) // 4)
    figure = figure_of(9.0, 0.4 + 1.9 * rows)
    grid = figure.subplots(rows, min(4, len(shown)), sharex=True, sharey=True, squeeze=False)
    for axes in grid.flat[len(shown) :]:
        axes.axis("off")
    for axes, label in zip(grid.flat, shown):
        _dots(axes, task.train.x[np.argmax(task.train.y == label)])
        axes.set_title(task.classes[label], fontsize=9)
    figure.supxlabel("step", fontsize=9)
    figure.supylabel("input unit", fontsize=9)
    return figure


def trial_examples(trials: Trials, count: int = 3, seed: int = 0) -> Figure:
    """Some drawn sequences: inputs as dots, targets below; steps that count are shaded."""
    drawn = trials.draw(np.random.default_rng(seed), count)
    figure = figure_of(9.0, 4.4)
    grid = figure.subplots(2, count, sharex=True, sharey="row", height_ratios=(2, 1), squeeze=False)
    time = np.arange(trials.steps) * trials.dt
    for n, (top, below) in enumerate(grid.T):
        _dots(top, drawn.x[n], trials.dt)
        y = drawn.y[n].reshape(trials.steps, -1).astype(float)
        counts = drawn.mask[n] > 0
        for column, colour in zip(y.T, (LEARNED, OTHER, SOFT, INK)):
            few = "." if counts.sum() < 3 else None  # one step alone would be a line without length
            below.plot(time, np.where(counts, column, np.nan), drawstyle="steps-post", marker=few, color=colour)
        for start in time[counts]:
            below.axvspan(start, start + trials.dt, color=SOFT, alpha=0.15, lw=0)
        below.set(xlabel="time, ms")
        below.spines[["top", "right"]].set_visible(False)
    grid[0, 0].set_ylabel("input unit")
    grid[1, 0].set_ylabel("target")
    figure.suptitle(f"{trials.name}: {trials.about}", fontsize=10)
    return figure


def stream_course(stream: Stream, width: int = 365) -> Figure:
    """How often each class but the first comes, and how features go, in running means of `width` items."""
    width = max(1, min(width, len(stream)))
    mean = lambda a: np.convolve(a, np.full(width, 1 / width), mode="valid")
    at = np.arange(len(stream) - width + 1) + width / 2
    figure = figure_of(9.0, 4.6)
    top, below = figure.subplots(2, 1, sharex=True, height_ratios=(1.6, 1))
    for column, name in zip(stream.features.T, stream.names):
        top.plot(at, mean(column), lw=0.9, label=name)
    for label, colour in zip(range(1, len(stream.classes)), (LEARNED, OTHER, INK, SOFT)):
        below.plot(at, mean(stream.y == label), color=colour, label=stream.classes[label])
    for axes, what in ((top, "features"), (below, "share of items")):
        axes.set(ylabel=what)
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(frameon=False, fontsize=8, loc="center left", bbox_to_anchor=(1, 0.5))
        if stream.drift is not None:
            axes.axvline(stream.drift, color=OTHER, ls="--", lw=0.9)
    below.set(xlabel="item")
    figure.suptitle(f"{stream.name}: {stream.about}", fontsize=10)
    return figure


def _dots(axes, x: np.ndarray, dt: float = 1.0) -> None:
    step, unit = np.nonzero(x)
    axes.scatter(step * dt, unit, s=max(3.0, 260 / x.shape[1]), marker="|", linewidths=0.8, color=INK)
    axes.set(ylim=(-1, x.shape[1]), xlim=(-dt, len(x) * dt))
    axes.spines[["top", "right"]].set_visible(False)
