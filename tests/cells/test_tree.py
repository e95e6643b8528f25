"""Areas, lengths, resistances and the tree of compartments, against closed forms and a dense network of resistors."""

import numpy as np
import pytest
import saiunit as u

from vestige.cells import Morphology, tree
from vestige.cells.cut import cut


def assert_close(a, b, rtol=1e-13):
    np.testing.assert_allclose(a, b, rtol=rtol, atol=1e-300)


def cylinders(**sizes):
    """A morphology of cylinders, `name=(length, diam, nseg)` in um."""
    m = Morphology()
    for name, (length, diam, nseg) in sizes.items():
        m.add_cylinder_section(name, length * u.um, diam * u.um, nseg)
    return m


def frustum(nseg, d=4.0, e=1.0, length=90.0):
    m = Morphology()
    m.add_point_section("a", [[1, 2, 3], [1, 2 + length, 3]] * u.um, [d, e] * u.um, nseg)
    return m


def test_a_cylinder():
    t, c = tree(cylinders(a=(90.0, 2.0, 3))), cut(cylinders(a=(90.0, 2.0, 3)).sections["a"])
    assert_close(t.area, 3 * [60 * np.pi])
    assert_close([t.length, t.diam], [3 * [30.0], 3 * [2.0]])
    assert_close([c.left, c.right], 2 * [3 * [15 / np.pi]])
    # 100 ohm cm along 30 um of 1 um radius: 0.01 * 100 * 30 / pi = 9.549 megaohm
    assert_close(t.conductance()[1:], 2 * [np.pi / 30])
    assert_close(t.conductance(Ra=np.full(3, 200.0))[1:], 2 * [np.pi / 60])
    # one number, and those of a population of two
    assert_close(t.conductance(Ra=200.0)[1:], 2 * [np.pi / 60])
    assert_close(t.conductance(Ra=np.array([[100.0, 100, 100], [50, 150, 50]]))[:, 1:], 2 * [2 * [np.pi / 30]])
    assert t.parent.tolist() == [-1, 0, 1] and t.conductance()[0] == 0
    assert_close(t.middle[:, 0], [15, 45, 75])


@pytest.mark.parametrize("nseg", [1, 2, 7])
def test_a_frustum(nseg):
    """Each compartment is a frustum itself: lateral area, and `int 4 dx / (pi d^2) = 4 h / (pi d e)`."""
    c = cut(frustum(nseg).sections["a"])
    d = np.linspace(4.0, 1.0, 2 * nseg + 1)
    assert_close(c.area, np.pi * (d[:-2:2] + d[2::2]) / 2 * np.hypot(90 / nseg, (d[:-2:2] - d[2::2]) / 2))
    h = 45 / nseg
    assert_close(c.left, 4 * h / (np.pi * d[:-2:2] * d[1:-1:2]))
    assert_close(c.right, 4 * h / (np.pi * d[1:-1:2] * d[2::2]))
    assert_close(c.middle[:, 1], 2 + 90 * (np.arange(nseg) + 0.5) / nseg)


def test_a_compartment_over_several_frusta():
    """Two frusta and a cylinder in one compartment, whose middle lies inside the second piece."""
    m = Morphology()
    m.add_point_section("a", [[0, 0, 0], [3, 0, 0], [3, 4, 0], [3, 4, 1]] * u.um, [2, 4, 4, 1] * u.um)
    c = cut(m.sections["a"])
    first, last = np.pi * 3 * np.hypot(3, 1), np.pi * 2.5 * np.hypot(1, 1.5)
    assert_close(c.area, [first + np.pi * 4 * 4 + last])
    assert_close(c.length, [8.0])
    assert_close(c.left, [4 / np.pi * (3 / 8 + 1 / 16)])
    assert_close(c.right, [4 / np.pi * (3 / 16 + 1 / 4)])
    assert_close(c.middle, [[3, 1, 0]])


def test_what_is_whole_does_not_depend_on_nseg():
    zigzag = np.random.default_rng(0).normal(size=(9, 3)) * 20
    for nseg in (1, 2, 3, 10, 97):
        m = Morphology()
        m.add_point_section("a", zigzag * u.um, np.arange(1.0, 10.0) * u.um, nseg)
        c = cut(m.sections["a"])
        whole = (c.area.sum(), c.length.sum(), (c.left + c.right).sum())
        if nseg == 1:
            one = whole
        assert_close(whole, one, 1e-12)


def dense(m):
    """Conductances between compartments, `[C, C]`: resistors from border to middle to border, borders then left out.

    Borders that touch are one node; resistances by Gauss's rule on `0.01 Ra 4 / (pi d(x)^2)` between kinks.
    """
    points, weights = np.polynomial.legendre.leggauss(40)
    node, ends, resistors = {}, {}, []
    number = lambda key: node.setdefault(key, len(node))
    for name, s in m.sections.items():
        for k in range(s.nseg):
            number((name, k, "middle"))
    for name, s in m.sections.items():  # parents come first in these tests
        if s.parent is None:
            ends[name, 0.0] = (name, 0, "border")
        else:
            at = min(int(s.parent_loc * m.sections[s.parent].nseg), m.sections[s.parent].nseg - 1)
            ends[name, 0.0] = ends.get((s.parent, s.parent_loc), (s.parent, at, "middle"))
        ends[name, 1.0] = (name, s.nseg, "border")
        diams, Ra = np.asarray(s.diams.to_decimal(u.um)), float(s.Ra.to_decimal(u.ohm * u.cmetre))
        half = float(s.length.to_decimal(u.um)) / s.nseg / 2
        for j in range(2 * s.nseg):
            kinks = np.unique(np.clip(s.along, half * j, half * (j + 1)))
            x, h = kinks[:-1, None] + np.diff(kinks)[:, None] * (points + 1) / 2, np.diff(kinks)[:, None] / 2
            ohm = 0.01 * Ra * (h * weights * 4 / (np.pi * np.interp(x, s.along, diams) ** 2)).sum()
            sides = (name, j // 2, "border"), (name, j // 2 + 1, "border")
            border = ends[name, 0.0] if sides[0][1] == 0 else sides[0]
            resistors.append((border if j % 2 == 0 else sides[1], (name, j // 2, "middle"), ohm))
    G = np.zeros((2 * len(node) + len(m.sections) + 1,) * 2)
    for a, b, ohm in resistors:
        a, b = number(a), number(b)
        G[[a, b, a, b], [a, b, b, a]] += np.array([1, 1, -1, -1]) / ohm
    C, N = m.n_compartments, len(node)
    G = G[:N, :N]
    return G[:C, :C] - G[:C, C:] @ np.linalg.solve(G[C:, C:], G[C:, :C])


def of_tree(t):
    """The same from the tree: `parent` and `conductance`, branch points left out."""
    G, g = np.zeros((t.N, t.N)), t.conductance()
    for i in np.flatnonzero(t.parent >= 0):
        G[np.ix_([i, t.parent[i]], [i, t.parent[i]])] += g[i] * np.array([[1, -1], [-1, 1]])
    if t.N == t.C:
        return G
    a, b, c = G[: t.C, : t.C], G[: t.C, t.C :], G[t.C :, t.C :]
    return a - b @ np.linalg.solve(c, b.T)


TREES = {
    "one after another": [("b", "a", 1.0), ("c", "b", 1.0)],
    "fork": [("b", "a", 1.0), ("c", "a", 1.0)],
    "both ends of the root": [("b", "a", 0.0), ("c", "a", 1.0)],
    "two at the root's start": [("b", "a", 0.0), ("c", "a", 0.0), ("d", "a", 1.0)],
    "inside": [("b", "a", 0.5), ("c", "a", 0.3), ("d", "a", 0.5)],
    "inside, and ends": [("b", "a", 0.7), ("c", "a", 1.0), ("d", "a", 0.0), ("e", "c", 1.0), ("f", "c", 1.0)],
    "from a child's start": [("b", "a", 1.0), ("c", "b", 0.0), ("d", "c", 0.0), ("e", "d", 1.0)],
    "from the start of one inside": [("b", "a", 0.5), ("c", "b", 0.0), ("d", "c", 1.0), ("e", "c", 1.0)],
    "four at a point": [("b", "a", 1.0), ("c", "a", 1.0), ("d", "a", 1.0), ("e", "a", 1.0)],
}


@pytest.mark.parametrize("nseg", [1, 2, 3])
@pytest.mark.parametrize("links", TREES.values(), ids=TREES)
def test_the_network_is_that_of_its_resistors(links, nseg):
    rng, m = np.random.default_rng(len(links)), Morphology()
    for name in ["a", *(child for child, *_ in links)]:
        where = rng.normal(size=(4, 3)) * 30
        Ra = rng.uniform(50, 200) * u.ohm * u.cmetre
        m.add_point_section(name, where * u.um, rng.uniform(1, 3, 4) * u.um, nseg + (name == "b"), Ra=Ra)
    for link in links:
        m.connect(*link)
    t, G = tree(m), dense(m)
    np.testing.assert_allclose(of_tree(t), G, rtol=0, atol=1e-12 * abs(G).max())
    assert (t.parent < 0).sum() == 1 and m.n_compartments == t.C
    assert_close(of_tree(t) @ np.ones(t.C) / abs(G).max() + 1, np.ones(t.C))


def test_branch_points_are_nodes_without_membrane():
    m = cylinders(a=(10, 2, 1), b=(20, 2, 1), c=(30, 2, 1), d=(40, 2, 2))
    m.connect("b", "a")
    m.connect("c", "a")
    m.connect("d", "b")
    t = tree(m)
    assert (t.C, t.N, len(t.area)) == (5, 6, 5)
    assert t.parent.tolist() == [-1, 5, 5, 1, 3, 0]
    assert_close(t.near[[1, 2, 3, 5]], [10 / np.pi, 15 / np.pi, 10 / np.pi, 0.0])
    assert_close(t.far[[1, 2, 3, 5]], [0.0, 0.0, 10 / np.pi, 5 / np.pi])


def test_order_of_sections_does_not_matter():
    """Children may be added before their parents; the root need not come first."""
    sizes = {"a": (10, 3, 1), "b": (20, 2, 2), "c": (30, 1, 3)}
    G = []
    for order in ("abc", "cba", "bca"):
        m = cylinders(**{name: sizes[name] for name in order})
        m.connect("c", "b")
        m.connect("b", "a", 0.0)
        t = tree(m)
        at = t.find(["a", "b", "c"])
        G.append(of_tree(t)[np.ix_(at, at)])
        assert t.root == t.find("a")[0]
    assert_close(G[1], G[0], 1e-12)
    assert_close(G[2], G[0], 1e-12)


def test_distance_runs_along_the_cable():
    m = cylinders(soma=(20, 20, 1), a=(100, 2, 5), b=(30, 1, 3), c=(40, 1, 2), d=(10, 1, 1), back=(50, 1, 1))
    m.connect("a", "soma")
    m.connect("b", "a")
    m.connect("c", "a")
    m.connect("d", "a", 0.5)
    m.connect("back", "soma", 0.0)
    t = tree(m)
    away = t.distance()
    assert_close(away[t.find("soma")], [0.0])
    assert_close(away[t.find("a")], [20, 40, 60, 80, 100])
    assert_close(away[t.find("b")], [115, 125, 135])
    assert_close(away[t.find("c")], [120, 140])
    assert_close(away[t.find("d")], [65])  # from the middle of the compartment on which it grows
    assert_close(away[t.find("back")], [35])
    every = np.stack([t.distance(i) for i in range(t.C)])
    assert_close(every, every.T)
    assert_close(t.distance(("b", 0.9))[t.find("c")], [25 + 10, 25 + 30])
    with pytest.raises(ValueError, match="one compartment"):
        t.distance("a")


def test_places():
    t = tree(cylinders(a=(90.0, 2.0, 3)))
    assert t.find(None).tolist() == t.find("a").tolist() == [0, 1, 2]
    assert t.find([("a", 0.0), ("a", 0.34), ("a", 1.0), 1]).tolist() == [0, 1, 2, 1]
    for where, error in ((("a", 1.1), ValueError), ("b", KeyError), (3, ValueError), (-1, ValueError)):
        with pytest.raises(error):
            t.find(where)


def test_it_prints_what_it_is():
    m = cylinders(soma=(20, 10, 1), a=(100, 1, 5), b=(100, 1, 5))
    m.connect("a", "soma")
    m.connect("b", "soma")
    assert (
        repr(tree(m))
        == """\
Tree of 3 sections: 11 compartments, 1 branch point, 220.00 um of cable, 1256.64 um2 of membrane
                             length     diam        area      away        to
  section           nseg         um       um         um2        um        um   grows from
  soma                 1      20.00    10.00      628.32       0.0       0.0   -
  a                    5     100.00     1.00      314.16      20.0     100.0   soma
  b                    5     100.00     1.00      314.16      20.0     100.0   soma"""
    )


def test_cylinders_fan_out_and_points_stay():
    m = cylinders(soma=(20, 10, 1), a=(100, 1, 2), b=(100, 1, 2))
    m.connect("a", "soma")
    m.connect("b", "soma")
    m.add_point_section("on", [[5, 5, 5], [5, 5, 25]] * u.um, [1, 1] * u.um)
    m.connect("on", "a")
    t = tree(m)
    assert_close(np.linalg.norm(t.middle[t.find("a")] - [20, 0, 0], axis=1), [25, 75])
    gap = t.middle[t.find(("a", 1.0))] - t.middle[t.find(("b", 1.0))]
    assert np.linalg.norm(gap) > 20
    a = t.middle[t.find("a")]
    assert_close(t.middle[t.find("on")][0], 1.5 * a[1] - 0.5 * a[0] + [0, 0, 10])
    m = Morphology()
    m.add_point_section("a", [[0, 0, 0], [10, 0, 0]] * u.um, [1, 1] * u.um)
    m.add_point_section("b", [[12, 0, 0], [12, 8, 0]] * u.um, [1, 1] * u.um)
    m.connect("b", "a")
    assert_close(tree(m).middle, [[5, 0, 0], [12, 4, 0]])
