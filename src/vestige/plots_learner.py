"""Figures of what a learner holds: eligibility traces as heat maps, weights as histograms."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import saiunit as u

from ._look import LEARNED, SOFT, figure_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from .learn import EligibilityTrace

COLUMNS = 4


def eligibility(traces: Mapping[Any, EligibilityTrace | np.ndarray]) -> Figure:
    """What each weight's past has left: a map for each variable of the block, inputs downwards and neurons to the right.

    Red raises the variable, blue lowers it; each map has its own scale, symmetric about zero.

    Args:
        traces: of one example, by weight: `learner.etrace_bwg`, `learner.etrace_dfs`, or arrays `[*inputs, neurons, S]`. For the
            product that ES-D-RTRL stands for give `numpy.einsum("i,os->ios", ex, ef)`.

    Raises:
        ValueError: a trace has fewer than two axes.
    """
    maps = [pair for key, trace in traces.items() for pair in _maps(key, trace)]
    grid = _grid(len(maps), 2.6)
    for axes, (name, values) in zip(grid, maps):
        top = float(np.abs(values).max(initial=0.0)) or 1.0
        shown = axes.imshow(values, cmap="RdBu_r", vmin=-top, vmax=top, aspect="auto", interpolation="nearest")
        axes.figure.colorbar(shown, ax=axes, pad=0.02)
        axes.set_title(name, fontsize=8, loc="left")
        axes.set(xlabel="neuron", ylabel="input" if len(values) > 1 else "")
        if len(values) == 1:
            axes.set_yticks([])
        axes.spines[:].set_visible(False)
    return grid[0].figure


def weights(now: Mapping[Any, Any], before: Mapping[Any, Any] | None = None, bins: int = 40) -> Figure:
    """How the elements of each parameter are distributed; in grey how they were before.

    Args:
        now, before: parameters by name, with or without units: arrays, or dicts of them (`states.to_dict_values()`).

    Raises:
        ValueError: `before` has other parameters.
    """
    after, old = _leaves(now), _leaves(before or {})
    if before is not None and set(old) != set(after):
        raise ValueError(f"`before` has the parameters {sorted(old)}, `now` has {sorted(after)}; give the same ones")
    grid = _grid(len(after), 2.3)
    for axes, (name, value) in zip(grid, after.items()):
        unit, values = u.get_unit(value), np.ravel(u.get_mantissa(value))
        was = (
            np.ravel(old[name].to_decimal(unit) if isinstance(old[name], u.Quantity) else old[name]) if old else values
        )
        edges = np.histogram_bin_edges(np.concatenate([values, was]), bins)
        if old:
            axes.hist(was, edges, color=SOFT, alpha=0.6, label="before")
        axes.hist(values, edges, color=LEARNED, histtype="stepfilled", alpha=0.75, label="now")
        axes.set(xlabel=f"{values.size} elements" + ("" if unit.is_unitless else f", {unit}"), yticks=[])
        axes.set_title(name, fontsize=8, loc="left")
        axes.spines[["top", "right", "left"]].set_visible(False)
    if old:
        grid[0].legend(frameon=False, fontsize=8)
    return grid[0].figure


def _maps(key: Any, trace: Any) -> list[tuple[str, np.ndarray]]:
    """A title and a map `[inputs, neurons]` for each variable of the block."""
    weight, block = key if isinstance(key, tuple) else (key, "")
    values = np.asarray(u.get_mantissa(getattr(trace, "value", trace)), float)
    if values.ndim < 2:
        raise ValueError(f"the trace of {weight} has shape {values.shape}; it should be [*inputs, neurons, S]")
    count, names = values.shape[-1], block.split(", ") if block else []
    names = names if len(names) == count else [f"{block} [{s}]".strip() for s in range(count)]
    return [
        (f"{weight}\n{name}", m)
        for name, m in zip(names, np.moveaxis(values, -1, 0).reshape(count, -1, values.shape[-2]))
    ]


def _leaves(tree: Mapping[Any, Any]) -> dict[str, Any]:
    return {
        ".".join(filter(None, [".".join(map(str, key)) if isinstance(key, tuple) else str(key), part])): leaf
        for key, value in tree.items()
        for part, leaf in (_leaves(value).items() if isinstance(value, Mapping) else [("", value)])
    }


def _grid(count: int, height: float) -> list[Any]:
    columns, rows = min(COLUMNS, max(count, 1)), -(-max(count, 1) // COLUMNS)
    figure = figure_of(max(3.4, 2.4 * columns), 0.3 + height * rows)
    every = list(figure.subplots(rows, columns, squeeze=False).flat)
    for axes in every[count:]:
        axes.axis("off")
    return every
