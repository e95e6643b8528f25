"""Figures of one neuron, coloured by any state of its compartments. Each function returns a matplotlib figure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import saiunit as u

from .._look import INK, SOFT, figure_of
from ..neurons.integrate import Value
from .layout import layout, place, unrolled
from .morphology import Morphology

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.collections import Collection
    from matplotlib.figure import Figure

NAMED = 16  # sections up to which a dendrogram writes their names
THIN, THICK = 0.8, 11.0  # lines, in points


def dendrogram(morphology: Morphology, values: Value | None = None, label: str = "", cmap: str = "viridis") -> Figure:
    """The tree of sections: across, the way along the cable; thickness by diameter.

    Args:
        morphology: its sections; all connected, or each root below the one before.
        values: of each compartment, with or without a unit, `[n_compartments]`, in the order of `tree(morphology)`.
        label: what they are, beside the colour bar. cmap: matplotlib's name of the colours.

    Raises:
        ValueError: values are not one for each compartment. ModuleNotFoundError: matplotlib is not installed.
    """
    sections, lies = morphology.sections, unrolled(morphology)
    rows = 1 - min(points[0, 1] for points in lies.values())
    height = float(np.clip(0.8 + 0.36 * rows, 2.4, 9.0))
    thick = float(np.clip(0.7 * 72 * height / rows, 2.0, THICK))
    figure = figure_of(8.0, height)
    axes = figure.subplots()
    ways, ends, which = _pieces(morphology, lies)
    from matplotlib.collections import LineCollection

    diam = ends.mean(1)
    lines = LineCollection(ways[:, :, :2], linewidths=THIN + (thick - THIN) * diam / diam.max(), antialiased=False)
    joints = [
        [(lies[s.name][0, 0], lies[s.parent][0, 1]), lies[s.name][0, :2]] for s in sections.values() if s.parent is not None
    ]  # fmt: skip
    axes.add_collection(LineCollection(joints, colors=SOFT, linewidths=THIN, zorder=1))
    axes.add_collection(lines)
    _colour(figure, axes, lines, morphology, which, values, label, cmap)
    for name, points in lies.items() if len(lies) <= NAMED else ():
        axes.annotate(
            name, (points[:, 0].mean(), points[0, 1]), (0, 7), textcoords="offset points", ha="center", fontsize=7, color=INK
        )  # fmt: skip
    axes.autoscale_view()
    axes.margins(0.03, 0.06)
    axes.set(xlabel="way along the cable (um)", yticks=[])
    axes.spines[["top", "right", "left"]].set_visible(False)
    return figure


def shape_2d(
    morphology: Morphology, values: Value | None = None, label: str = "", cmap: str = "viridis",
    view: tuple[int, int] = (0, 1),
) -> Figure:  # fmt: skip
    """The neuron in a plane, as thick as it is.

    Cylinders have no place in space and are fanned out, as `tree(morphology).middle` has them.

    Args:
        view: coordinates across and upwards; 0 is x, 1 is y, 2 is z. The others: as for `dendrogram`.

    Raises:
        ValueError, ModuleNotFoundError: as for `dendrogram`.
    """
    lies = layout(morphology)
    ways, ends, which = _pieces(morphology, lies)
    width, height = np.ptp(ways[:, :, list(view)].reshape(-1, 2), axis=0) + ends.max()
    figure = figure_of(6.6, float(np.clip(5.0 * height / width + 0.8, 2.2, 7.0)))
    axes = figure.subplots()
    from matplotlib.collections import LineCollection, PolyCollection

    # what is nearer is drawn later
    order = np.argsort(ways[:, :, 3 - sum(view)].mean(1), kind="stable")
    ways, ends, which = ways[order][:, :, list(view)], ends[order], which[order]
    along = ways[:, 1] - ways[:, 0]
    side = np.stack([-along[:, 1], along[:, 0]], -1) / np.maximum(np.linalg.norm(along, axis=1), 1e-9)[:, None]
    a, b = side * ends[:, :1] / 2, side * ends[:, 1:] / 2
    frusta = np.stack([ways[:, 0] + a, ways[:, 1] + b, ways[:, 1] - b, ways[:, 0] - a], 1)
    shapes = PolyCollection(frusta, linewidths=THIN, joinstyle="round", edgecolors="face")
    axes.add_collection(
        LineCollection(_wires(morphology, lies)[:, :, list(view)], colors=SOFT, linewidths=THIN, zorder=1)
    )
    axes.add_collection(shapes)
    _colour(figure, axes, shapes, morphology, which, values, label, cmap)
    axes.autoscale_view()
    axes.set(xlabel=f"{'xyz'[view[0]]} (um)", ylabel=f"{'xyz'[view[1]]} (um)", aspect="equal")
    axes.spines[["top", "right"]].set_visible(False)
    return figure


def shape_3d(morphology: Morphology, values: Value | None = None, label: str = "", cmap: str = "viridis") -> Figure:
    """The neuron in space; as thick as it is, seen from the front.

    Args:
        morphology, values, label, cmap: as for `dendrogram`.

    Raises:
        ValueError, ModuleNotFoundError: as for `dendrogram`.
    """
    lies = layout(morphology)
    figure = figure_of(6.6, 5.6)
    axes = figure.add_subplot(projection="3d")
    ways, ends, which = _pieces(morphology, lies)
    from mpl_toolkits.mplot3d.art3d import Line3DCollection

    points = ways.reshape(-1, 3)
    low, high = points.min(0), points.max(0)
    reach = (high - low).max() / 2
    # lines have a thickness in points: the longest side of the box is about 3.4 inches
    widths = np.maximum(ends.mean(1) * 3.4 * 72 / (2 * reach), THIN)
    lines = Line3DCollection(ways, linewidths=widths, capstyle="butt")
    axes.add_collection3d(lines)
    if len(wires := _wires(morphology, lies)):
        axes.add_collection3d(Line3DCollection(wires, colors=SOFT, linewidths=THIN))
    _colour(figure, axes, lines, morphology, which, values, label, cmap)
    for middle, name in zip((low + high) / 2, "xyz"):
        axes.set(**{f"{name}lim": (middle - reach, middle + reach), f"{name}label": f"{name} (um)"})
    return figure


def _colour(
    figure: Figure, axes: Axes, drawn: Collection, morphology: Morphology, which: np.ndarray, values: Value | None,
    label: str, cmap: str,
) -> None:  # fmt: skip
    """Colours of compartments `which`, and what they mean."""
    if values is None:
        drawn.set_color(INK)
        return
    unit, plain = u.get_unit(values), np.asarray(u.get_mantissa(values), float)
    if plain.shape != (morphology.n_compartments,):
        raise ValueError(
            f"values {plain.shape} should be one for each compartment, ({morphology.n_compartments},): "
            "of one neuron at one time, for instance `cell.V.value[0]`"
        )
    drawn.set_array(plain[which])
    drawn.set_cmap(cmap)
    told = label if unit.is_unitless else f"{label} ({unit})".strip()
    figure.colorbar(
        drawn, ax=axes, label=told, shrink=0.8 if axes.name != "3d" else 0.6, pad=0.02 if axes.name != "3d" else 0.1
    )


def _pieces(morphology: Morphology, lies: dict[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Frusta cut at compartments: from where to where `[n, 2, 3]`, their two diameters `[n, 2]`, their compartment."""
    ways, ends, which, start = [], [], [], 0
    for name, s in morphology.sections.items():
        borders = np.linspace(0.0, s.along[-1], s.nseg + 1)
        at = np.union1d(s.along, borders)
        points = np.stack([np.interp(at, s.along, lies[name][:, k]) for k in range(3)], -1)
        diams = np.interp(at, s.along, np.asarray(s.diams.to_decimal(u.um)))
        ways.append(np.stack([points[:-1], points[1:]], 1))
        ends.append(np.stack([diams[:-1], diams[1:]], -1))
        which.append(start + np.clip(np.searchsorted(borders, (at[1:] + at[:-1]) / 2) - 1, 0, s.nseg - 1))
        start += s.nseg
    return np.concatenate(ways), np.concatenate(ends), np.concatenate(which)


def _wires(morphology: Morphology, lies: dict[str, np.ndarray]) -> np.ndarray:
    """From where sections grow to their first points, `[n, 2, 3]`."""
    sections = morphology.sections
    grown = [s for s in sections.values() if s.parent is not None]
    return np.array(
        [[place(sections[s.parent], lies[s.parent], s.parent_loc), lies[s.name][0]] for s in grown]
    ).reshape(-1, 2, 3)
