"""Channels against their sources' formulas, all of them in one membrane against an ODE solver, and what each is known for."""

import brainstate
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import saiunit as u
from every_mechanism import placed
from scipy.integrate import solve_ivp
from written_out import WRITTEN, at_rest, one_compartment

from vestige import cells
from vestige.cells.calcium import nernst
from vestige.cells.mechanism import Numbers

S = cells.DENSITY
AREA = np.pi * 50.0**2 * 1e-8  # cm2


# on none of the points where the sources' formulas are 0 / 0
VOLTAGE, CALCIUM, CELSIUS = np.linspace(-119.7, 79.9, 40), np.geomspace(1e-5, 0.5, 40), 30.0


@pytest.fixture(scope="module")
def ours():
    around = Numbers(ca=jnp.asarray(CALCIUM), celsius=CELSIUS)
    made = {name: placed(getattr(cells, name)(), (40,)) for name in WRITTEN}
    return jax.jit(lambda v: {name: m.rates(p, v, around) for name, (m, p) in made.items()})(VOLTAGE)


@pytest.mark.parametrize("name", WRITTEN)
def test_rates_are_those_of_the_source(name, ours):
    want = WRITTEN[name](VOLTAGE, CALCIUM, CELSIUS)
    assert ours[name].keys() == want.keys()
    for gate, (limit, tau) in want.items():
        np.testing.assert_allclose(ours[name][gate][0], limit, rtol=1e-11)
        np.testing.assert_allclose(ours[name][gate][1], tau, rtol=1e-11)


def test_calcium_in_its_units():
    # what comes into a shell of 0.2 um through a membrane of any size, and decays: by units, not by a factor of ours
    m, p = placed(cells.CaPool(depth=0.2 * u.um, tau=7.0 * u.ms, rest=1e-4 * u.mmolar), (1,))
    i = np.array([[-0.03], [0.03]])  # mA/cm2, in and out
    faraday = 96485.33212 * u.coulomb / u.mole
    inflow = (0.03 * u.mA / u.cmeter2 / (2 * faraday * 0.2 * u.um)).to_decimal(u.mole / u.meter**3 / u.ms)
    ca = jnp.full((2, 1), 2e-3)
    for n in range(1, 4):
        ca = m.advance(p, Numbers(ca=ca), ca, None, jnp.asarray(i), 2.5)["ca"]
        limit = np.array([[1e-4 + 7.0 * inflow], [1e-4]])  # nothing is taken by a current that leaves
        np.testing.assert_allclose(ca, limit + (2e-3 - limit) * np.exp(-2.5 * n / 7.0), rtol=1e-12)


def test_nernst_potential():
    # what its source says 2.4e-4 mM inside are good for
    assert abs(float(nernst(jnp.asarray(2.4e-4), 2.0, 2, 36.0)) - 120.0) < 0.5
    v = (
        8.314462618 * u.joule / u.mole / u.kelvin * 309.15 * u.kelvin / (2 * 96485.33212 * u.coulomb / u.mole)
    ).to_decimal(u.mV)
    np.testing.assert_allclose(nernst(jnp.asarray(2.0 / np.e), 2.0, 2, 36.0), v, rtol=1e-12)


def soma(pop, celsius, V=-70.0):
    m = cells.Morphology()
    m.add_cylinder_section("soma", 50 * u.um, 50 * u.um, 1)
    return cells.MultiCompartment(pop, m, V_init=V * u.mV, celsius=celsius)


def run(cell, amp, T, dt):
    """Voltages `[steps, cells]` after each step, spikes, and calcium, under `amp(t)` nA."""
    with brainstate.environ.context(dt=dt * u.ms):
        brainstate.nn.init_all_states(cell)

        def step(n):
            s = cell(amp(n * dt)[:, None] * u.nA)
            return cell.V.value[:, 0] / u.mV, s, cell.capool.ca.value[:, 0]

        loop = lambda: brainstate.transform.for_loop(step, jnp.arange(round(T / dt)))
        return [np.asarray(x) for x in brainstate.transform.jit(loop)()]


ALL = {
    "Leak": 1e-4, "NaTraub": 0.05, "KTraub": 0.005, "KA": 0.002, "KM": 7e-5, "KCa": 0.01, "CaL": 3e-4, "CaT": 5e-4,
    "Ih": 2e-5,
}  # fmt: skip


def with_all(pop, g, **kca):
    c = soma(pop, 36.0)
    made = {
        "Leak": cells.Leak(g_L=g["Leak"] * S), "NaTraub": cells.NaTraub(g_Na=g["NaTraub"] * S),
        "KTraub": cells.KTraub(g_K=g["KTraub"] * S), "KA": cells.KA(g_A=g["KA"] * S), "KM": cells.KM(g_M=g["KM"] * S),
        "KCa": cells.KCa(g_KCa=g["KCa"] * S, **kca), "CaL": cells.CaL(g_Ca=g["CaL"] * S), "CaT": cells.CaT(g_Ca=g["CaT"] * S),
        "Ih": cells.Ih(g_h=g["Ih"] * S),
    }  # fmt: skip
    for mechanism in made.values():
        c.insert(mechanism)
    return c


@pytest.mark.slow
def test_all_in_one_membrane_as_an_ode_solver_has_them():
    T, steps = 12.0, (0.02, 0.01, 0.005)
    drive = 0.7 * 1e-3 / AREA  # uA/cm2 of 0.7 nA
    true = solve_ivp(
        one_compartment(ALL, 36.0, lambda t: drive), (0, T), at_rest(-70.0, 36.0), "LSODA", rtol=1e-9, atol=1e-12,
        t_eval=np.arange(1, round(T / 0.02) + 1) * 0.02,
    ).y[:2]  # fmt: skip
    assert true[0].max() > 20.0 and true[1].max() > 2 * 2.4e-4  # it spikes, and calcium comes in
    found = []
    for dt in steps:
        c = with_all(1, ALL)
        c.insert(cells.CaPool())
        V, _, ca = run(c, lambda t: jnp.array([0.7]), T, dt)
        every = round(steps[0] / dt)
        found.append(np.stack([V[every - 1 :: every, 0], ca[every - 1 :: every, 0]]))
    off = lambda x: np.abs(x - true).max(1) / np.ptp(true, axis=1)
    coarse, middle, fine = found
    # first order, and second where the first is taken out: nothing else is between them
    np.testing.assert_allclose(off(middle) / off(fine), 2.0, rtol=0.06)
    np.testing.assert_allclose(off(2 * middle - coarse) / off(2 * fine - middle), 4.0, rtol=0.25)
    assert (off(2 * fine - middle) < 2e-3).all()


@pytest.fixture(scope="module")
def population():
    """Six cells that differ in what they have: none, M, none, T, L, L and KCa, none, h."""
    g = {name: np.zeros((8, 1)) for name in ALL}
    g["NaTraub"][:], g["KTraub"][:], g["Leak"][:] = 0.05, 0.005, 1e-4
    g["KM"][1], g["CaT"][3], g["CaL"][4:6], g["KCa"][5], g["Ih"][7] = 7e-5, 0.002, 2e-4, 0.05, 1e-4
    c = with_all(8, g, Ca_half=5e-3 * u.mmolar)
    c.insert(cells.CaPool(tau=50.0 * u.ms))
    up, down = jnp.array([1, 1, 0, 0, 1, 1, 0, 0]) * 0.8, jnp.array([0, 0, 1, 1, 0, 0, 1, 1]) * -0.2
    V, spikes, _ = run(c, lambda t: jnp.where((t > 50) & (t < 200), up + down, 0.0), 300.0, 0.1)
    return 0.1 * np.arange(1, len(V) + 1), V, [0.1 * np.flatnonzero(s) for s in spikes.T]


def test_m_current_adapts(population):
    *_, spikes = population
    without, with_ = np.diff(spikes[0]), np.diff(spikes[1])
    assert len(without) > 20 and np.ptp(without) < 0.3
    assert with_[-1] > 1.05 * with_[0] and len(with_) < len(without)


def test_t_current_rebounds(population):
    _, V, spikes = population
    assert V[:, 2:4].min() < -90.0 and not len(spikes[2])
    assert len(spikes[3]) >= 2 and (spikes[3] > 200.0).all()
    assert V[-1, 3] < -60.0  # and is over


def test_calcium_dependent_potassium_afterhyperpolarises(population):
    t, V, spikes = population
    after = (t > 205.0) & (t < 240.0)
    assert len(spikes[5]) < 0.3 * len(spikes[4])
    assert V[after, 5].max() < V[after, 4].min() - 5.0
    assert V[-1, 5] > V[after, 5].min() + 1.0  # calcium goes, and the voltage comes back


def test_h_current_sags(population):
    t, V, _ = population
    during = (t > 50.0) & (t < 200.0)
    sag = V[t < 200.0, 6:][-1] - V[during, 6:].min(0)
    assert sag[1] > 1.5 and abs(sag[0]) < 0.1
    assert V[t > 200.0, 7].max() > V[t < 50.0, 7].max() + 0.5  # rebound above rest


@pytest.mark.slow
def test_a_current_puts_off_the_first_spike():
    g = np.array([0.0, 0.005, 0.01])
    c = soma(3, 18.0)
    c.insert(cells.HH())
    c.insert(cells.KA(g_A=g[:, None] * S))
    c.insert(cells.CaPool())
    _, spikes, _ = run(c, lambda t: jnp.where(t < 30.0, -0.3, 1.5) * jnp.ones(3), 60.0, 0.05)
    first = np.array([0.05 * np.flatnonzero(s)[0] for s in spikes.T])
    assert (first > 30.0).all() and (np.diff(first) > 0.1).all()
    second = np.array([np.append(0.05 * np.flatnonzero(s), np.inf)[1] for s in spikes.T])
    assert (np.diff(second) > 0).all()
