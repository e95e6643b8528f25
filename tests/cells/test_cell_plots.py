"""Figures of a neuron: what is drawn lies where the cable does, as thick, and in the colours of the values."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import saiunit as u

from vestige.cells import Morphology, by_length_constant, dendrogram, shape_2d, shape_3d, tree
from vestige.cells.layout import unrolled

SWC = Path(__file__).parent / "data" / "swc"
close = lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-12)


@pytest.fixture
def cell():
    m = Morphology()
    for name, length, diam, nseg in (("soma", 20, 10, 1), ("trunk", 100, 4, 2), ("a", 50, 1, 2), ("b", 60, 2, 1)):
        m.add_cylinder_section(name, length * u.um, diam * u.um, nseg)
    m.connect("trunk", "soma")
    m.connect("a", "trunk")
    m.connect("b", "trunk")
    return m


def test_a_dendrogram(cell):
    figure = dendrogram(cell, np.arange(-70.0, -64.0) * u.mV, "V")
    axes, bar = figure.axes
    joints, lines = axes.collections
    close(
        [segment[:, 0] for segment in lines.get_segments()],
        [[0, 20], [20, 70], [70, 120], [120, 145], [145, 170], [120, 180]],
    )
    close([segment[:, 1] for segment in lines.get_segments()], np.repeat([-0.5, -0.5, -0.5, 0, 0, -1], 2).reshape(6, 2))
    close([segment[:, 0] for segment in joints.get_segments()], [[20, 20], [120, 120], [120, 120]])
    assert np.diff(lines.get_linewidths()).tolist() == pytest.approx(np.diff([10, 4, 4, 1, 1, 2]) * 1.02)
    close(lines.get_array(), np.arange(-70.0, -64.0))
    assert bar.get_ylabel() == "V (mV)" and axes.get_xlabel() == "way along the cable (um)"
    assert [text.get_text() for text in axes.texts] == list(cell.sections)


@pytest.mark.parametrize("file", sorted(SWC.glob("*.swc")), ids=lambda path: path.stem)
def test_no_two_branches_of_a_dendrogram_meet(file):
    m = Morphology.from_swc(file)
    lies = unrolled(m)
    rows = {}
    for name, points in lies.items():
        close(abs(points[:, 0] - points[0, 0]), m.sections[name].along)
        rows.setdefault(points[0, 1], []).append(sorted(points[[0, -1], 0]))
    assert sum(map(len, rows.values())) == len(m.sections)
    for row in rows.values():
        row.sort()
        assert all(one[1] <= next_one[0] + 1e-9 for one, next_one in pairwise(row))


def test_a_plane(cell):
    """Each piece is a rectangle as wide as its cylinder, around the middle of its compartment."""
    values = np.arange(6.0)
    wires, shapes = shape_2d(cell, values, "gate").axes[0].collections
    corners = np.stack([path.vertices[:4] for path in shapes.get_paths()])
    assert len(corners) == 6 and len(wires.get_segments()) == 3
    a, b = corners[:, 1] - corners[:, 0], corners[:, 3] - corners[:, 0]
    close(np.sort(abs(a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0])), [25, 25, 120, 200, 200, 200])
    t = tree(cell)
    nearest = np.linalg.norm(corners.mean(1)[:, None] - t.middle[None, :, :2], axis=-1).argmin(1)
    close(shapes.get_array(), values[nearest])
    close(corners.mean(1), t.middle[nearest, :2])


def test_space():
    m = Morphology.from_swc(SWC / "zigzag.swc", nseg=by_length_constant())
    t = tree(m)
    figure = shape_3d(m, t.distance() * u.um, "distance")
    axes = figure.axes[0]
    lines, wires = axes.collections
    segments = np.array(lines._segments3d)
    length = np.linalg.norm(segments[:, 1] - segments[:, 0], axis=1)
    close(length.sum(), t.length.sum())
    # each compartment's colour on as much cable as it has
    value, which = np.unique(t.distance(), return_inverse=True)
    drawn = np.array([length[lines.get_array() == v].sum() for v in value])
    close(drawn, np.bincount(which, t.length))
    close(np.diff(axes.get_xlim()), np.diff(axes.get_ylim()))
    close(np.diff(axes.get_xlim()), np.diff(axes.get_zlim()))
    assert figure.axes[1].get_ylabel() == "distance (um)" and len(wires._segments3d) == len(m.sections) - 1


def test_without_values_and_with_wrong_ones(cell):
    for draw in (dendrogram, shape_2d, shape_3d):
        assert len(draw(cell).axes) == 1
        with pytest.raises(ValueError, match=r"\(6,\)"):
            draw(cell, np.zeros((2, 6)) * u.mV)
    one = Morphology()
    one.add_cylinder_section("soma", 20 * u.um, 20 * u.um)
    for draw in (dendrogram, shape_2d, shape_3d):
        figure = draw(one, [1.0] * u.mV, "V")
        figure.canvas.draw()
        assert figure.axes[1].get_ylabel() == "V (mV)"


def test_another_side(cell):
    axes = shape_2d(cell, view=(0, 2)).axes[0]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("x (um)", "z (um)")
    corners = np.concatenate([path.vertices for path in axes.collections[1].get_paths()])
    close(abs(corners[:, 1]).max(), 5)
