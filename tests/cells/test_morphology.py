"""Morphologies: the printed form of the tutorial, the tree, and what is refused."""

import jax.numpy as jnp
import numpy as np
import pytest
import saiunit as u

from vestige.cells import Morphology, MultiCompartment, by_length_constant
from vestige.nn import ETraceGroupState

PRINTED = """\
Morphology(
  sections={
    'soma': Section<name='soma', nseg=1, points=2, Ra=100.0 * ohm * cmetre, cm=1.0 * ufarad / cmeter2, parent=None, parent_loc=None>,
    'axon': Section<name='axon', nseg=2, points=2, Ra=100.0 * ohm * cmetre, cm=1.0 * ufarad / cmeter2, parent='soma', parent_loc=1.0>,
    'dendrite': Section<name='dendrite', nseg=3, points=3, Ra=100.0 * ohm * cmetre, cm=1.0 * ufarad / cmeter2, parent='soma', parent_loc=1.0>
  }
)"""  # noqa: E501


@pytest.fixture
def morphology():
    m = Morphology()
    m.add_cylinder_section("soma", length=20 * u.um, diam=10 * u.um, nseg=1)
    m.add_cylinder_section("axon", length=100 * u.um, diam=1 * u.um, nseg=2)
    points = [[0, 0, 0], [100, 0, 0], [200, 0, 0]] * u.um
    m.add_point_section("dendrite", positions=points, diams=[2, 3, 2] * u.um, nseg=3)
    m.connect("axon", "soma", parent_loc=1.0)
    m.connect("dendrite", "soma", parent_loc=1.0)
    return m


def test_it_prints_as_in_the_tutorial(morphology):
    assert repr(morphology) == PRINTED


def test_sections_and_units(morphology):
    assert morphology.n_compartments == 6 and morphology.roots == ["soma"]
    m = Morphology()
    m.add_cylinder_section("soma", 0.02 * u.mmeter, 10 * u.um, Ra=1.0 * u.ohm * u.meter, cm=0.01 * u.farad / u.meter2)
    soma = m.sections["soma"]
    np.testing.assert_allclose(soma.positions.to_decimal(u.um)[1], [20, 0, 0], rtol=1e-6)
    assert "Ra=100.0 * ohm * cmetre, cm=1.0 * ufarad / cmeter2" in repr(soma)


def length_in_constants(d, length, Ra=100.0, cm=1.0, f=100.0):
    """`L / sqrt(d / (4 pi f Ra cm))` in SI."""
    return length * 1e-6 / np.sqrt(d * 1e-6 / (4 * np.pi * f * Ra * 1e-2 * cm * 1e-2))


@pytest.mark.parametrize("length, expected", [(20, 1), (100, 5), (1000, 37)])
def test_nseg_by_length_constant(length, expected):
    """Odd, no compartment longer than the part that is asked for but by a tenth of one, and no more than needed."""
    m = Morphology()
    m.add_cylinder_section("a", length * u.um, 1 * u.um, nseg=by_length_constant())
    n, whole = m.sections["a"].nseg, length_in_constants(1, length) / 0.1
    assert n == expected == 2 * np.floor((whole + 0.9) / 2) + 1
    assert n > whole - 0.1 - 1e-9 and (n == 1 or n - 2 <= whole - 0.1 + 1e-9)
    m.set_nseg(by_length_constant(d_lambda=0.05, frequency=0.2 * u.kHz), "a")
    assert m.sections["a"].nseg == 2 * np.floor((2 * np.sqrt(2) * whole + 0.9) / 2) + 1


def test_a_length_in_length_constants_is_that_of_its_pieces():
    m = Morphology()
    points, Ra, cm = (
        [[0, 0, 0], [300, 0, 0], [300, 400, 0]] * u.um,
        250.0 * u.ohm * u.cmetre,
        2.0 * u.ufarad / u.cmeter2,
    )
    m.add_point_section("a", points, [1, 3, 9] * u.um, by_length_constant(), Ra=Ra, cm=cm)
    whole = (length_in_constants(2, 300, 250, 2) + length_in_constants(6, 400, 250, 2)) / 0.1
    assert m.sections["a"].nseg == 2 * np.floor((whole + 0.9) / 2) + 1 == 31


def test_nseg_again(morphology):
    cell = MultiCompartment(1, morphology)
    morphology.set_nseg(4, "axon")
    assert [s.nseg for s in morphology.sections.values()] == [1, 4, 3] and morphology.sections["axon"].parent == "soma"
    morphology.set_nseg(lambda section: 1 + 2 * int(section.length / (50 * u.um)))
    assert [s.nseg for s in morphology.sections.values()] == [1, 5, 9]
    assert cell.n_compartments == 6


def test_a_population(morphology):
    class Three(MultiCompartment):
        def init_state(self, *args, **kwargs):
            self.V = ETraceGroupState(jnp.zeros(self.varshape) * u.mV)

    neurons = Three(10, morphology=morphology)
    neurons.init_state()
    assert neurons.pop_size == (10,) and neurons.varshape == (10, 6) and neurons.n_compartments == 6
    assert (neurons.V.num_state, neurons.V.varshape) == (6, (10,))
    assert MultiCompartment((2, 3), morphology).varshape == (2, 3, 6)


cylinder = lambda m, **kw: m.add_cylinder_section("new", **{"length": 1 * u.um, "diam": 1 * u.um, **kw})
points = lambda m, p, d, **kw: m.add_point_section("new", p * u.um, d * u.um, **kw)


@pytest.mark.parametrize(
    "change, error, says",
    [
        (lambda m: cylinder(m, diam=0 * u.um), ValueError, "above zero"),
        (lambda m: cylinder(m, length=-1 * u.um), ValueError, "above zero"),
        (lambda m: cylinder(m, length=float("nan") * u.um), ValueError, "not finite"),
        (lambda m: cylinder(m, length=1 * u.ms), u.UnitMismatchError, "length"),
        (lambda m: cylinder(m, diam=1.0), u.UnitMismatchError, "diam"),
        (lambda m: cylinder(m, Ra=1 * u.ohm), u.UnitMismatchError, "Ra"),
        (lambda m: cylinder(m, cm=-1 * u.ufarad / u.cmeter2), ValueError, "cm"),
        (lambda m: cylinder(m, nseg=0), ValueError, "nseg"),
        (lambda m: cylinder(m, nseg=1.5), ValueError, "nseg"),
        (lambda m: cylinder(m, nseg=True), ValueError, "nseg"),
        (lambda m: cylinder(m, nseg=lambda section: 0), ValueError, "nseg"),
        (lambda m: m.set_nseg(0), ValueError, "nseg"),
        (lambda m: m.set_nseg(lambda section: 3 if section.name == "soma" else 2.5), ValueError, "nseg"),
        (lambda m: m.set_nseg(3, "soma", "tail"), KeyError, "tail"),
        (lambda m: cylinder(m, nseg=by_length_constant(frequency=1 * u.ms)), u.UnitMismatchError, "frequency"),
        (lambda m: cylinder(m, nseg=by_length_constant(d_lambda=0.0)), ValueError, "above zero"),
        (lambda m: cylinder(m, Ra=[100.0, 100.0] * u.ohm * u.cmetre), ValueError, "Ra is one number"),
        (lambda m: m.add_point_section("new", [[0, 0, 0], [1, 0, 0]], [1, 1] * u.um), u.UnitMismatchError, "positions"),
        (lambda m: m.add_point_section("new", [[0, 0, 0]] * u.um, [1] * u.mV), u.UnitMismatchError, "diams"),
        (lambda m: cylinder(m, diam=[1, 2] * u.um), ValueError, "one number"),
        (lambda m: m.add_cylinder_section("soma", 1 * u.um, 1 * u.um), ValueError, "already"),
        (lambda m: points(m, [[0, 0, 0]], [1]), ValueError, "two points"),
        (lambda m: points(m, [[0, 0, 0], [1, 0, 0]], [1, 1, 1]), ValueError, "should be"),
        (lambda m: points(m, [[0, 0], [1, 0]], [1, 1]), ValueError, "should be"),
        (lambda m: points(m, [[0, 0, 0], [0, 0, 0]], [1, 1]), ValueError, "the same"),
        (lambda m: points(m, [[0, 0, 0], [1, 0, 0]], [1, 0]), ValueError, "above zero"),
        (lambda m: m.connect("axon", "soma"), ValueError, "already"),
        (lambda m: m.connect("tail", "soma"), KeyError, "tail"),
        (lambda m: m.connect("axon", "head"), KeyError, "head"),
        (lambda m: m.connect("soma", "axon"), ValueError, "ring"),
        (lambda m: m.connect("soma", "soma"), ValueError, "ring"),
        (lambda m: m.connect("soma", "axon", parent_loc=1.5), ValueError, "parent_loc"),
        (lambda m: m.connect("soma", "axon", parent_loc=float("nan")), ValueError, "parent_loc"),
        (lambda m: m.connect("soma", "axon", parent_loc="end"), ValueError, "parent_loc is 'end'"),
        (lambda m: m.add_cylinder_section(3, 1 * u.um, 1 * u.um), TypeError, "a section's name"),
        (lambda m: points(m, [[0, 0, 0], [float("nan"), 0, 0]], [1, 1]), ValueError, "positions is not finite"),
        (lambda m: cylinder(m, diam=float("inf") * u.um), ValueError, "diam is not finite"),
        (lambda m: cylinder(m, nseg=-1), ValueError, "nseg is -1"),
    ],
)
def test_what_is_no_neuron_is_refused_and_changes_nothing(morphology, change, error, says):
    with pytest.raises(error, match=says):
        change(morphology)
    assert repr(morphology) == PRINTED


def test_a_population_needs_one_connected_neuron(morphology):
    with pytest.raises(ValueError, match="one section"):
        MultiCompartment(3, Morphology())
    morphology.add_cylinder_section("stray", 1 * u.um, 1 * u.um)
    with pytest.raises(ValueError, match="stray"):
        MultiCompartment(3, morphology)
    with pytest.raises(TypeError, match="Morphology"):
        MultiCompartment(3, "soma")
