"""What holds for every mechanism, from -200 to 150 mV."""

import re
from pathlib import Path

import brainstate
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import saiunit as u
from every_mechanism import ALL_MECHANISMS, DT, WITH_EQUATIONS, all_told, equations, gates, gradients, here, placed

from vestige import cells
from vestige.cells.mechanism import DENSITY

REVERSALS = [c.zero for c in WITH_EQUATIONS if c.reversal]
# where rates are 0 / 0 if written down naively, and a float away from there
SINGULAR = np.array([-40.0, -55.0, -56.2 + 13, -56.2 + 40, -56.2 + 15, -27.0])
H = 1e-4
GRID = np.concatenate([np.linspace(-200.0, 150.0, 176), SINGULAR, SINGULAR + 1e-6, SINGULAR - 3e-4, REVERSALS])
V = np.concatenate([GRID, GRID + H, GRID - H])
TOPS = {("KA", "a"): 1.0131}  # a fit of its authors, which passes 1
every = pytest.mark.parametrize("case", ALL_MECHANISMS, ids=lambda c: c.name)
with_equations = pytest.mark.parametrize("case", WITH_EQUATIONS, ids=lambda c: c.name)


@pytest.fixture(scope="module")
def told():
    def both(m, p, v):
        said = equations(m, p, v)
        return said | (gates(m, p, v, said["limit"]) if said["limit"] else {})

    return all_told(V, np.float64, both)


@pytest.fixture(scope="module")
def single():
    return all_told(V, np.float32, gradients)


@with_equations
def test_numbers_and_gradients_are_finite(case, told, single):
    # in single precision, whose range is the smaller
    assert all(np.isfinite(x).all() for x in jax.tree.leaves((told[case.name], single[case.name])))
    assert all((x > 0).all() for x in single[case.name][1]["tau"].values())


@with_equations
def test_single_precision_is_near_double(case, told, single):
    # voltages of the singular points are not the same in both
    near = np.abs(V - V.astype(np.float32)) < 1e-12
    for what, said in single[case.name][1].items():
        for a, b in zip(jax.tree.leaves(said), jax.tree.leaves(told[case.name][what]), strict=True):
            assert a.dtype in (np.float32, np.int32)
            np.testing.assert_allclose(a[near], b[near], rtol=1e-5, atol=1e-5 * np.abs(b).max())


@with_equations
def test_gates_stay_between_shut_and_open(case, told):
    said = told[case.name]
    for k, limit in said["limit"].items():
        top = TOPS.get((case.name, k), 1.0)
        assert np.ptp(limit) > 0.8 or case.make is cells.KCa
        for gate in (limit, said["from 0"][k], said["from 1"][k], said["end"][k]):
            assert (gate >= 0).all() and (gate <= top).all()


@with_equations
def test_rest_is_a_fixed_point(case, told):
    said = told[case.name]
    for k, limit in said["limit"].items():
        np.testing.assert_allclose(said["still"][k], limit, rtol=1e-14)
        np.testing.assert_array_equal(said["first"][k], limit)  # gates start there
        np.testing.assert_allclose(said["end"][k], limit, rtol=0, atol=1e-15)  # and end there
        left = np.exp(-DT / said["tau"][k])
        np.testing.assert_allclose(said["next"][k], limit + (0.5 - limit) * left, rtol=0, atol=1e-15)


@with_equations
def test_slope_is_that_of_finite_differences(case, told):
    _, up, down = np.split(told[case.name]["current"], 3)
    slope, want = np.split(told[case.name]["slope"], 3)[0], (up - down) / (2 * H)
    np.testing.assert_allclose(slope, want, rtol=1e-6, atol=1e-7 * np.abs(want).max())


@pytest.mark.parametrize("case", [c for c in WITH_EQUATIONS if c.reversal], ids=lambda c: c.name)
def test_no_current_at_the_reversal_potential(case, told):
    E, i = case.zero, told[case.name]["current"][:, 0]
    # in below it and out above it, where the channel is open at all
    assert (i * (V - E) >= -1e-14 * np.abs(i).max()).all() and (i * (V - E) > 0).any()
    assert (V == E).any() and np.abs(i[V == E]).max() <= 1e-14 * np.abs(i).max()


@every
def test_parameters_of_wrong_units_are_refused(case):
    names = list(case.make().units)
    for name in names:
        with pytest.raises(u.UnitMismatchError, match=rf"{case.name}: {name} has the unit"):
            case.make(**{name: 1.0 * u.kelvin})
        with pytest.raises(u.UnitMismatchError, match=rf"{case.name}: {name} has the unit"):
            case.make(**{name: brainstate.ParamState(1.0)})
    assert names or case.make is cells.Clamp


@every
def test_parameters_may_be_states_or_differ_by_cell_and_place(case):
    for name, unit in case.make().units.items():
        value = getattr(case.make(), name)
        _, p = placed(case.make(**{name: brainstate.ParamState(jnp.full((3, 2), 1.0) * value)}), (3,), 2)
        assert getattr(p, name).shape == (3, 2)
        for shape in ((2,), (3, 1), (3, 2)):
            _, p = placed(case.make(**{name: np.ones(shape) * value}), (3,), 2)
            np.testing.assert_allclose(getattr(p, name), np.full(shape, value.to_decimal(unit)))
        for shape in ((3,), (2, 3), (4, 3, 2)):
            with pytest.raises(ValueError, match="does not fit the population"):
                placed(case.make(**{name: np.ones(shape) * value}), (3,), 2)


def test_a_mechanism_sits_in_one_cell():
    m, _ = placed(cells.Leak(), (1,))
    with pytest.raises(ValueError, match="is in a cell already"):
        placed(m, (1,))


ROW = re.compile(r"^\| `(\w+)` \|([^|]*)\|([^|]*)\|([^|]*)\|([^|]*)\|([^|]*)\|$", re.M)
PAGE = Path(__file__).resolve().parents[2] / "docs" / "cells-channels.md"


@every
def test_the_table_of_the_documentation_is_true(case):
    rows = {name: [cell.strip(" `") for cell in cells_] for name, *cells_ in ROW.findall(PAGE.read_text())}
    assert rows.keys() == {c.name for c in ALL_MECHANISMS}
    _, states, parameters, ion, _ = rows[case.name]
    m, p = placed(case.make(), (1,))
    first = jax.eval_shape(lambda v: m.first(p, v, here(v)), jnp.zeros((1, 1)))
    assert sorted(states.split()) == sorted(first)
    assert {k: float(x) for k, x in (pair.split("=") for pair in parameters.split())} == {
        k: pytest.approx(float(x)) for k, x in vars(p).items()
    }
    assert ion == (m.ION or m.POOL or "")


@pytest.mark.parametrize(
    "make, words",
    [
        (lambda: cells.Leak(g_L=-1e-3 * DENSITY), "Leak: g_L must be finite and not negative"),
        (lambda: cells.HH(g_Na=jnp.array([0.1, -0.1]) * DENSITY), "HH: g_Na must be finite and not negative"),
        (lambda: cells.KM(g_M=brainstate.ParamState(-1.0 * DENSITY)), "KM: g_M must be"),
        (lambda: cells.KM(tau_max=0 * u.ms), "KM: tau_max must be finite and above zero"),
        (lambda: cells.ExpSyn(tau=0 * u.ms), "ExpSyn: tau must be finite and above zero"),
        (lambda: cells.Exp2Syn(tau_rise=-1 * u.ms), "Exp2Syn: tau_rise must be"),
        (lambda: cells.NMDA(Mg=-1 * u.mmolar), "NMDA: Mg must be finite and not negative"),
        (lambda: cells.CaPool(tau=0 * u.ms), "CaPool: tau must be"),
        (lambda: cells.CaPool(depth=0 * u.um), "CaPool: depth must be"),
    ],
)
def test_what_no_membrane_has_is_refused(make, words):
    with pytest.raises(ValueError, match=words):
        make()
    cells.Leak(g_L=0 * DENSITY)  # a patch without leak
