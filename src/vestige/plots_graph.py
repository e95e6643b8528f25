"""A picture of a graph: weights, the populations they reach, and the credit that is dropped on the way."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from ._look import INK, LEARNED, OTHER, SOFT, figure_of
from .graph import Graph

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.patches import Patch
    from matplotlib.text import Text

LEFT, MIDDLE, RIGHT, GAP = 0.0, 0.7, 1.7, 0.03


def graph_picture(graph: Graph, title: str = "") -> Figure:
    """Weights on the left, populations in the middle, the output on the right.

    Solid arrows: weights with a trace, dark where D-RTRL is exact for them. Dotted: weights that reach no state, whose gradient
    is their step's. Dashed and red, from a population back to a weight: credit that local rules drop there. A population leads
    on to those that it drives, the last ones to the output.
    """
    report = graph.report
    names = [n for n in graph.param_names if n not in report.unread]
    reached = {n: {e.group for e in graph.edges if e.name == n and e.group is not None} for n in names}
    # weights beside what they reach, those of the output last
    names.sort(key=lambda n: min(reached[n], default=len(graph.groups)))
    rows = max(len(names), 2 * len(graph.groups), 2)
    figure = figure_of(9, 1.3 + 0.42 * rows)
    axes = figure.subplots()
    place = _spread(len(names), rows)
    at = dict(zip(names, place))
    own = [[at[n] for n in names if k in reached[n]] for k in range(len(graph.groups))]
    groups = _apart([sum(ys) / len(ys) if ys else rows / 2 for ys in own])
    end = sum(groups) / len(groups) if groups else rows / 2
    boxes = [_box(axes, MIDDLE, y, f"{_short(', '.join(g.names))}\n{g.P} positions x {g.S}", INK, "left")
             for g, y in zip(graph.groups, groups)]  # fmt: skip
    for name in names:
        lost = any(p.weight == name for p in report.paths)
        _box(axes, LEFT, at[name], name, LEARNED if reached[name] else SOFT, "right")
        for k in reached[name]:
            _arrow(axes, (LEFT + GAP, at[name]), (MIDDLE - GAP, groups[k]), OTHER if lost else LEARNED, "-")
        if not reached[name]:
            _arrow(axes, (LEFT + GAP, at[name]), (RIGHT - GAP, end), SOFT, ":")
    of = lambda names: {k for k, g in enumerate(graph.groups) if set(g.names) & set(names)}
    onward = {(k, m) for p in report.paths if p.kind == "carried" for k in of(p.source) for m in of(p.into) if k != m}
    for k, (y, box) in enumerate(zip(groups, boxes)):
        frame = box.get_bbox_patch()
        for m in [m for j, m in sorted(onward) if j == k]:
            to = groups[m] + (0.75 if y > groups[m] else -0.75)
            _arrow(axes, (MIDDLE + 5 * GAP, y), (MIDDLE + 5 * GAP, to), INK, "-", within=frame)
        if all(j != k for j, _ in onward):
            _arrow(axes, (MIDDLE + GAP, y), (RIGHT - GAP, end), INK, "-", within=frame)
    _box(axes, RIGHT, end, "output", INK, "left")
    for path in report.paths:
        for k in of(path.source) if path.weight in at else ():
            _arrow(axes, (MIDDLE - GAP, groups[k]), (LEFT + GAP, at[path.weight]), OTHER, "--", 0.25)
    axes.set(xlim=(-0.6, 1.9), ylim=(rows - 0.3, -0.9))
    axes.axis("off")
    figure.suptitle(title, x=0.01, ha="left", fontsize=11)
    _legend(axes)
    return figure


def _spread(count: int, rows: int) -> list[float]:
    """So many places, evenly over the rows."""
    return [(n + 0.5) * rows / count - 0.5 for n in range(count)]


def _apart(places: list[float]) -> list[float]:
    """The same order with room for a box of two lines each."""
    order, out = sorted(range(len(places)), key=places.__getitem__), list(places)
    for before, now in pairwise(order):
        out[now] = max(out[now], out[before] + 1.6)
    return out


def _short(text: str, most: int = 34) -> str:
    return text if len(text) <= most else f"{text[: most - 2]} .."


def _box(axes: Axes, x: float, y: float, text: str, colour: str, side: str) -> Text:
    """A text in a frame that begins (`left`) or ends (`right`) at x."""
    style = {"boxstyle": "round,pad=0.35", "fc": "white", "ec": colour, "lw": 1.1}
    return axes.text(x, y, _short(text, 60), ha=side, va="center", fontsize=7.5, color=INK, bbox=style, zorder=5)


def _arrow(
    axes: Axes, start: tuple[float, float], end: tuple[float, float], colour: str, line: str, bend: float = 0.0,
    within: Patch | None = None,
) -> None:  # fmt: skip
    """`within`: the frame in which it starts, and which it leaves at the edge."""
    how = {"arrowstyle": "-|>", "color": colour, "lw": 1.1, "ls": line, "connectionstyle": f"arc3,rad={bend}"}
    axes.annotate("", end, start, arrowprops={**how, "patchA": within, "shrinkA": 0, "shrinkB": 0})


def _legend(axes: Axes) -> None:
    told = [(LEARNED, "-", "traced, nothing dropped"), (OTHER, "-", "traced, some credit dropped"),
            (OTHER, "--", "credit that is dropped"), (SOFT, ":", "no trace: its step alone")]  # fmt: skip
    for colour, line, text in told:
        axes.plot([], [], color=colour, ls=line, lw=1.3, label=text)
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, 0.0), ncols=4, frameon=False, fontsize=7.5)
