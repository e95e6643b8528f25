"""The figure of a stream: how well each learner does as what comes changes. It returns a matplotlib figure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from ._look import INK, LEARNED, OTHER, SOFT, figure_of, levels

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def drift(
    arms: Mapping[str, np.ndarray], *, over: int, marks: Mapping[int, str] | None = None,
    references: Mapping[str, float] | None = None, title: str = "",
) -> Figure:  # fmt: skip
    """Accuracy over the last `over` items along a stream: hits `[runs, items]` of each arm (NaN: no label); thick: their mean.

    `marks`: what happened at an item. `references`: level lines with their names.
    """
    figure = figure_of(9.0, 3.8)
    axes = figure.subplots()
    for n, (name, hits) in enumerate(arms.items()):
        some = (
            np.cumsum(np.nan_to_num(np.atleast_2d(hits)), axis=1),
            np.cumsum(np.isfinite(np.atleast_2d(hits)), axis=1),
        )
        total, count = (a - _shifted(a, over) for a in some)
        late = np.where(count > 0.2 * over, total / np.maximum(count, 1), np.nan)
        colour, style = (LEARNED, OTHER, INK, SOFT)[n % 4], "-" if n < 2 else (0, (4, 2))
        for run in late if len(late) > 1 else ():
            axes.plot(run, color=colour, lw=0.6, alpha=0.4)
        axes.plot(late.mean(axis=0), color=colour, lw=2.2 if n < 2 else 1.3, ls=style, label=name)
    for item, what in ((i, w) for i, w in (marks or {}).items() if i < hits.shape[-1]):
        axes.axvline(item, color=SOFT, lw=1.0)
        axes.annotate(
            what, (item, 1.0), (3, -9), xycoords=("data", "axes fraction"), textcoords="offset points", fontsize=8
        )
    levels(axes, references or {})
    axes.set(xlabel="item", ylabel=f"accuracy of the last {over}", xlim=(0, hits.shape[-1]))
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
    figure.legend(frameon=False, fontsize=8, loc="outside lower center", ncols=4)
    axes.set_title(title, loc="left", fontsize=10)
    axes.spines[["top", "right"]].set_visible(False)
    return figure


def _shifted(a: np.ndarray, by: int) -> np.ndarray:
    """The same, `by` places later."""
    return np.pad(a, ((0, 0), (by, 0)))[:, : a.shape[1]]
