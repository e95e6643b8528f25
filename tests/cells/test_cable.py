"""The cable equation where its solution is known: a cable's steady state, its input resistance, and one compartment's decay."""

from functools import lru_cache

import brainstate
import numpy as np
import pytest
import saiunit as u

from vestige import cells

LENGTH, DIAM, RA, G, E = 800.0, 2.0, 150.0, 2e-4, -65.0  # um, um, ohm cm, S/cm2, mV
LAMBDA = 1e4 * np.sqrt(DIAM * 1e-4 / (4 * RA * G))  # um
R_INF = 1e-6 * 4 * RA * LAMBDA / (np.pi * DIAM**2 * 1e-4)  # megaohm: 2 / pi sqrt(Ra / g) d^(-3/2)
AMP = 0.02  # nA


def passive(nseg: int, length: float = LENGTH, pieces: int = 1) -> cells.MultiCompartment:
    """A cable, as one section or as several in a row."""
    m = cells.Morphology()
    for k in range(pieces):
        m.add_cylinder_section(f"c{k}", length / pieces * u.um, DIAM * u.um, nseg // pieces, Ra=RA * u.ohm * u.cmeter)
        if k:
            m.connect(f"c{k}", f"c{k - 1}", 1.0)
    cell = cells.MultiCompartment(1, m, E * u.mV)
    cell.insert(cells.Leak(G * cells.DENSITY, E * u.mV))
    return cell


def stepped(cell: cells.MultiCompartment, x: np.ndarray, dt: float, steps: int = 1) -> np.ndarray:
    """Voltage above rest after each step, `[steps, C]`; implicit, so one long step ends in the steady state."""

    def step(_):
        cell.update(x * u.nA)
        return cell.V.value.to_decimal(u.mV)[0] - E

    with brainstate.environ.context(dt=dt * u.ms, precision=64):
        brainstate.nn.init_all_states(cell)
        return np.asarray(brainstate.transform.jit(lambda k: brainstate.transform.for_loop(step, k))(np.arange(steps)))


@lru_cache
def steady(nseg: int, pieces: int = 1) -> np.ndarray:
    """With a current into the first compartment."""
    x = np.zeros((1, nseg))
    x[0, 0] = AMP
    return stepped(passive(nseg, pieces=pieces), x, dt=1e12)[0]


def error(nseg: int) -> np.ndarray:
    """Against `V(x) = I R_inf cosh(a / lambda) cosh((l - x) / lambda) / sinh(l / lambda)`, `a` where the current enters."""
    x = LENGTH * (np.arange(nseg) + 0.5) / nseg
    exact = AMP * R_INF * np.cosh(x[0] / LAMBDA) * np.cosh((LENGTH - x) / LAMBDA) / np.sinh(LENGTH / LAMBDA)
    return np.abs(steady(nseg) / exact - 1.0).max()


def test_the_steady_state_of_a_cable_is_a_cosh():
    coarse, fine = error(10), error(20)
    assert fine < 2e-3
    # compartments at their middles: the error is of second order
    assert coarse / fine == pytest.approx(4.0, rel=0.05)


def test_the_input_resistance_is_that_of_the_chain_it_is_made_of():
    # a chain of g_axial, g_membrane: cosh(q) = 1 + g_m / (2 g_a); its ends are closed half a compartment further out
    n = 20
    h = LENGTH / n
    g_m = 1e-2 * G * np.pi * DIAM * h
    g_a = 100.0 * np.pi * DIAM**2 / (4 * RA * h)
    q = np.arccosh(1 + g_m / (2 * g_a))
    chain = np.cosh((n - np.arange(n) - 0.5) * q) / (g_a * (np.cosh((n + 0.5) * q) - np.cosh((n - 0.5) * q)))
    v = steady(n)
    np.testing.assert_allclose(v / AMP, chain, rtol=1e-11)
    # what flows in flows out through the membrane
    assert g_m * v.sum() == pytest.approx(AMP, rel=1e-11)


def test_a_cable_may_be_written_as_sections_in_a_row():
    np.testing.assert_allclose(steady(20, pieces=4), steady(20), rtol=1e-11)


def test_one_compartment_decays_with_its_time_constant():
    dt, tau, steps = 0.025, 1e-3 / G, 400
    cell = passive(1, length=20.0)
    R = 1.0 / (1e-2 * G * np.pi * DIAM * 20.0)
    v = stepped(cell, np.full((1, 1), AMP), dt, steps)[:, 0]
    k = np.arange(1, steps + 1)
    np.testing.assert_allclose(v, AMP * R * (1 - (1 + dt / tau) ** -k), rtol=1e-11)
    # and the step's error is of first order in dt / tau
    assert np.abs(v / (AMP * R) - (1 - np.exp(-k * dt / tau))).max() < dt / tau
