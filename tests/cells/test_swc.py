"""SWC files: sections, sizes and currents as NEURON's reader gives them; what is repaired is said, what cannot be refused."""

import json
from pathlib import Path

import brainstate
import jax.numpy as jnp
import numpy as np
import pytest
import saiunit as u

from vestige.cells import HH, Morphology, MultiCompartment, by_length_constant, tree
from vestige.cells.cut import cut

DATA = Path(__file__).parent / "data"
NEURON = json.loads((DATA / "swc.json").read_text())  # by `make neuron-record`
NSEG, LEAK = 3, 1e-4
SINGLE = 1e-6  # NEURON keeps points in single precision

close = lambda a, b, rtol=SINGLE: np.testing.assert_allclose(a, b, rtol=rtol)


@pytest.mark.parametrize("file", NEURON)
def test_as_neuron_reads_it(file):
    said, m = NEURON[file], Morphology.from_swc(DATA / "swc" / file, nseg=NSEG)
    assert set(m.sections) == set(said) and len(said) > 2
    for name, s in m.sections.items():
        c, n = cut(s), said[name]
        assert (s.parent, s.parent_loc) == (n["parent"], n["loc"]), name
        close(s.length.to_decimal(u.um), n["length"])
        close(c.area, n["area"])
        close(np.append(c.left[0], c.left[1:] + c.right[:-1]), n["ri"])  # 100 ohm cm
        m.set_nseg(by_length_constant(d_lambda=0.001), name)
        assert m.sections[name].nseg == 2 * np.floor((n["lambda"] / 0.001 + 0.9) / 2) + 1
    m.set_nseg(NSEG)
    t = tree(m)
    close(t.area.sum(), sum(sum(n["area"]) for n in said.values()))
    close([resistance(t)[t.find((name, 0.5))[0]] for name in said], [n["input"] for n in said.values()])


def resistance(t):
    """Of the leaky cell seen from each node, megaohm."""
    G, g = np.diag(np.append(0.01 * LEAK * t.area, np.zeros(t.N - t.C))), t.conductance()
    for i in np.flatnonzero(t.parent >= 0):
        G[np.ix_([i, t.parent[i]], [i, t.parent[i]])] += g[i] * np.array([[1, -1], [-1, 1]])
    return np.diag(np.linalg.inv(G))


@pytest.mark.slow
def test_it_spikes_as_in_neuron():
    """Spikes that reach every branch, at every half millisecond."""
    said = json.loads((DATA / "swc_spikes.json").read_text())
    m = Morphology.from_swc(DATA / "swc" / "one_point.swc", nseg=NSEG)
    cell = MultiCompartment(1, m)
    cell.insert(HH())
    brainstate.environ.set(dt=0.025 * u.ms)
    cell.init_state()
    root, middles = cell.tree.find(("soma[0]", 0.5)), cell.tree.find([(name, 0.5) for name in said])

    def step(k):
        cell(jnp.zeros((1, cell.n_compartments)).at[0, root].set(jnp.where(k >= 40, 0.5, 0.0)) * u.nA)
        return cell.V.value.to_decimal(u.mV)[0, middles]

    V = brainstate.transform.for_loop(step, jnp.arange(800))
    brainstate.environ.pop("dt")
    said = np.array(list(said.values())).T
    assert ((said[1:] > 0) & (said[:-1] <= 0)).sum(0).min() >= 2 and len(said) == 39
    np.testing.assert_allclose(V[19::20][:39], said, rtol=0, atol=1e-5)


def swc(tmp_path, *lines):
    path = tmp_path / "cell.swc"
    path.write_text("\n".join(lines))
    return Morphology.from_swc(path)


GOOD = ["1 1 0 0 0 5 -1", "2 3 5 0 0 1 1", "3 3 50 0 0 1 2", "4 3 80 9 0 1 3", "5 3 80 -9 0 1 3"]
ways = lambda m: {s.name: (s.parent, s.parent_loc) for s in m.sections.values()}
same = lambda a, b: (
    ways(a) == ways(b)
    and all(
        np.array_equal(a.sections[n].positions.mantissa, b.sections[n].positions.mantissa)
        and np.array_equal(a.sections[n].diams.mantissa, b.sections[n].diams.mantissa)
        for n in a.sections
    )
)


def test_a_good_file_is_left_alone(tmp_path):
    m = swc(tmp_path, *GOOD)
    assert m.report.repairs == {} and m.report.points == 5 and m.report.sections == {"soma": 1, "dend": 3}
    assert repr(m.report) == (
        "cell.swc: 5 points, sections: 1 soma, 3 dend; soma: a sphere\n  nothing had to be repaired"
    )
    grown = {
        "soma[0]": (None, None),
        "dend[0]": ("soma[0]", 0.5),
        "dend[1]": ("dend[0]", 1.0),
        "dend[2]": ("dend[0]", 1.0),
    }
    assert ways(m) == grown
    written = swc(tmp_path, "# soma", "", *(line.replace(" ", ", ") + " # a point" for line in GOOD), "  ")
    assert same(m, written) and written.report.repairs == {}
    assert MultiCompartment(2, m).varshape == (2, 4) and Morphology().report is None


def test_lines_in_any_order(tmp_path):
    good = swc(tmp_path, *GOOD)
    m = swc(tmp_path, *(GOOD[k] for k in (4, 2, 0, 3, 1)))
    assert same(m, good) and m.report.repairs == {"out of order; sorted by number, parents first": [1, 2, 4]}
    # a parent with a higher number than its child
    m = swc(tmp_path, "9 1 0 0 0 5 -1", "2 3 5 0 0 1 9", *GOOD[2:])
    assert same(m, good) and m.report.repairs == {}


REPAIRED = {
    "a line twice": ([*GOOD, GOOD[3]], "the same point again", [6]),
    "no parent": ([*GOOD, "7 2 -5 0 0 1 6", "8 2 -9 0 0 1 7"], "its parent is not in the file", [6]),
    "two trees": ([*GOOD, "7 2 -5 0 0 1 -1", "8 2 -9 0 0 1 7"], "joined to line 1, 5 um away", [6]),
    "no radius": ([*GOOD, "6 3 99 9 0 0 4", "7 3 120 9 0 0 6"], "radius 0; taken from the point before", [6, 7]),
    "a point twice": ([*GOOD, "6 3 80 9 0 2 4", "7 3 120 9 0 1 6"], "at the same place as the point before", [6]),
    "a section without length": ([*GOOD, "6 2 80 9 0 2 4"], "a section without a length", [6]),
    "a type without a name": ([*GOOD, "6 9 0 7 0 1 1", "7 9 0 9 0 1 6"], "type 9 is none of soma", [6, 7]),
}


@pytest.mark.parametrize("lines, says, where", REPAIRED.values(), ids=REPAIRED)
def test_what_is_repaired_is_said(tmp_path, lines, says, where):
    m = swc(tmp_path, *lines)
    told = {what: lines for what, lines in m.report.repairs.items() if says in what}
    assert list(told.values()) == [where]
    printed = f"line{'s' * (len(where) > 1)} {', '.join(map(str, where))}"
    assert next(iter(told)) in repr(m.report) and printed in repr(m.report)
    assert len(m.sections) == tree(m).C and np.isfinite(tree(m).conductance()).all()


def test_how_it_is_repaired(tmp_path):
    um = lambda value: np.asarray(value.to_decimal(u.um))
    m = swc(tmp_path, *REPAIRED["two trees"][0])
    axon = m.sections["axon[0]"]
    assert (axon.parent, axon.parent_loc) == ("soma[0]", 0.5)
    close(um(axon.positions), [[-5, 0, 0], [-9, 0, 0]])
    # far from the soma, and to a point inside a dendrite: no cable over the gap
    m = swc(tmp_path, *GOOD, "7 2 50 30 0 1 -1", "8 2 50 40 0 1 7")
    assert ways(m)["axon[0]"] == ("dend[0]", 1.0)
    close(um(m.sections["axon[0]"].positions), [[50, 30, 0], [50, 40, 0]])
    m = swc(tmp_path, *REPAIRED["no radius"][0])
    close(um(m.sections["dend[1]"].diams), [2, 2, 2, 2])
    assert same(swc(tmp_path, GOOD[0], "2 3 5 0 0 0 1", *GOOD[2:]), swc(tmp_path, GOOD[0], "2 3 5 0 0 5 1", *GOOD[2:]))
    # of two at one place the later one stands
    m = swc(tmp_path, *REPAIRED["a point twice"][0])
    close(um(m.sections["dend[1]"].positions), [[50, 0, 0], [80, 9, 0], [120, 9, 0]])
    close(um(m.sections["dend[1]"].diams), [2, 4, 2])
    # what grows on a section without a length grows on what that grew on
    m = swc(tmp_path, *GOOD, "6 2 80 9 0 2 4", "7 4 90 9 0 2 6", "8 4 90 30 0 2 7")
    assert "axon[0]" not in m.sections and ways(m)["apic[0]"] == ("dend[1]", 1.0)


def test_many_repairs_print_short(tmp_path):
    m = swc(tmp_path, *GOOD, *(f"{k} 3 {80 + k} 9 0 0 {k - 1 if k > 6 else 4}" for k in range(6, 40)))
    assert repr(m.report).endswith("lines 6, 7, 8, 9, 10, 11, 12, 13 and 26 more")


@pytest.mark.parametrize(
    "lines, says",
    [
        ([], "no point"),
        (["# nothing"], "no point"),
        ([*GOOD, "6 3 1 1 1 1"], "line 6"),
        ([*GOOD, "6 3 1 1 x 1 5"], "line 6"),
        ([*GOOD, "6 3.5 1 1 1 1 5"], "whole numbers"),
        ([*GOOD, "6 3 1 1 nan 1 5"], "line 6"),
        ([*GOOD, "nan 3 1 1 1 1 5"], "line 6: number, type and parent are whole numbers"),
        ([*GOOD, "inf 3 1 1 1 1 5"], "line 6: number, type and parent are whole numbers"),
        ([GOOD[0], GOOD[1][:-4]], "line 2"),
        (["\x00\x01\x02\x7f\x80"], "line 1"),
        ([*GOOD, "6 3 1 1 1 -1 5"], "line 6"),
        ([*GOOD, "5 3 1 1 1 1 4"], "lines 5 and 6"),
        ([*GOOD, "6 3 1 1 1 1 6"], "ring"),
        ([*GOOD, "6 3 1 1 1 1 7", "7 3 2 2 2 2 6"], r"lines \[6, 7\]"),
        ([line.replace(" 5 -1", " 0 -1").replace(" 1 ", " 0 ") for line in GOOD[:1]], "no point has a radius"),
    ],
)
def test_what_cannot_be_repaired_is_refused(tmp_path, lines, says):
    with pytest.raises(ValueError, match=says):
        swc(tmp_path, *lines)


def test_what_is_asked_of_all_sections_is_checked(tmp_path):
    path = DATA / "swc" / "one_point.swc"
    m = Morphology.from_swc(path, nseg=by_length_constant(), Ra=200 * u.ohm * u.cmetre, cm=2 * u.ufarad / u.cmeter2)
    t = tree(m)
    assert (t.Ra == 200).all() and (t.cm == 2).all() and {s.nseg for s in m.sections.values()} > {1, 3}
    with pytest.raises(ValueError, match="nseg"):
        Morphology.from_swc(path, nseg=0)
    with pytest.raises(u.UnitMismatchError, match="Ra"):
        Morphology.from_swc(path, Ra=1 * u.ohm)
    with pytest.raises(FileNotFoundError):
        Morphology.from_swc(tmp_path / "none.swc")
