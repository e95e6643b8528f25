"""Figures of networks: a raster with rates, and traces. Each function returns a matplotlib figure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import saiunit as u

from .._look import INK, LEARNED, OTHER, SOFT, figure_of
from ..neurons.integrate import Value

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLOURS = (LEARNED, OTHER, INK, SOFT)


def raster(events: Mapping[str, Mapping[str, Value]], rates: Mapping[str, tuple[Value, Value]] | None = None) -> Figure:
    """Spikes as dots, population above population, and rates below.

    Args:
        events: by population, what `spike_recorder` gives.
        rates: by population, times and rates `[n]` in Hz.
    """
    figure = figure_of(9.0, 6.2 if rates else 4.4)
    top, *below = np.atleast_1d(
        figure.subplots(2 if rates else 1, 1, sharex=True, height_ratios=(2, 1) if rates else None)
    )
    floor = 0
    for (name, found), colour in zip(events.items(), _endless()):
        times, senders = _ms(found["times"]), np.unique(np.asarray(found["senders"]), return_inverse=True)[1]
        top.scatter(times, floor + senders, s=1.5, color=colour, linewidths=0, rasterized=True)
        high = int(senders.max(initial=0)) + 1
        top.annotate(name, (1.005, floor + high / 2), xycoords=("axes fraction", "data"), color=colour, va="center")
        floor += high + 2
    top.set(ylabel="neurons that spike", ylim=(-1, floor), yticks=[])
    for (name, (times, hertz)), colour in zip((rates or {}).items(), _endless()):
        below[0].plot(_ms(times), u.Quantity(hertz).to_decimal(u.Hz), color=colour, lw=1.4, label=name)
    if rates:
        below[0].set(ylabel="rate (Hz)", ylim=(0, None))
        below[0].legend(frameon=False, loc="upper left", ncols=len(rates))
    last = below[-1] if below else top
    last.set(xlabel="time (ms)", xlim=(0, None))
    for axes in (top, *below):
        axes.spines[["top", "right"]].set_visible(False)
    return figure


def traces(times: Value, values: Mapping[str, Value], neurons: int = 5) -> Figure:
    """Recordables over time, one below the other: what a `multimeter` gave, `{name: [steps, n]}`, of the first neurons."""
    figure = figure_of(9.0, 0.8 + 1.7 * len(values))
    for axes, (name, value) in zip(np.atleast_1d(figure.subplots(len(values), 1, sharex=True)), values.items()):
        unit, plain = u.get_unit(value), np.asarray(u.get_mantissa(value))
        for trace, colour in zip(plain.reshape(len(plain), -1).T[:neurons], _endless()):
            axes.plot(_ms(times), trace, color=colour, lw=1.0)
        axes.set(ylabel=name if unit.is_unitless else f"{name} ({unit})")
        axes.spines[["top", "right"]].set_visible(False)
        axes.margins(x=0)
    axes.set(xlabel="time (ms)")
    return figure


def psychometric(levels: np.ndarray, shares: Mapping[str, np.ndarray], loss: np.ndarray | None = None) -> Figure:
    """How often one side was chosen by level of the evidence, `[levels]` for each curve, and a loss by update beside it."""
    figure = figure_of(9.0 if loss is not None else 4.6, 3.6)
    left, *right = np.atleast_1d(figure.subplots(1, 2 if loss is not None else 1))
    for (name, share), colour in zip(shares.items(), (SOFT, *COLOURS)):
        left.plot(levels, share, "o-", color=colour, label=name)
    left.axhline(0.5, color=SOFT, lw=0.8, ls=(0, (4, 3)), zorder=0)
    left.set(xlabel="evidence (%)", ylabel="chosen", ylim=(-0.03, 1.03))
    left.yaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
    left.legend(frameon=False, loc="upper left")
    if right:
        right[0].plot(loss, color=LEARNED)
        right[0].set(xlabel="update", ylabel="loss (cross entropy)", ylim=(0, None))
    for axes in (left, *right):
        axes.spines[["top", "right"]].set_visible(False)
    return figure


def _ms(times: Value) -> np.ndarray:
    return np.asarray(u.Quantity(times).to_decimal(u.ms))


def _endless():
    while True:
        yield from COLOURS
