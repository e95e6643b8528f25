"""Synapses and clamps against their closed forms, where in a step they act, and what they refuse."""

import brainstate
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import saiunit as u

from vestige import cells

DT = 0.1
AMPS = np.array([0.0, 1.0, 0.0, -0.5])  # nA, step by step
SYNAPSES = (cells.ExpSyn, cells.Exp2Syn, cells.AMPA, cells.GABA_A, cells.GABA_B, cells.NMDA)


def placed(mechanism, pop=(2,), k=1):
    """A mechanism with places, without a cell: what it does is then seen alone."""
    m = cells.Morphology()
    m.add_cylinder_section("soma", 20 * u.um, 20 * u.um, max(k, 1))
    mechanism.settle(cells.tree(m), np.arange(k), pop)
    return mechanism, mechanism.numbers()


def train(mechanism, weights):
    """States after each step, `[steps]` each, at rest before; `weights` uS arrive step by step."""
    m, p = placed(mechanism, (1,))
    v, ions = jnp.zeros((1, 1)), cells.mechanism.Numbers(celsius=6.3)

    def step(state, w):
        s = m.receive(p, cells.mechanism.Numbers(**state), w * u.uS)
        seen = m.current(p, s, v + 1.0, ions) - m.current(p, s, v, ions)
        return m.advance(p, s, v, ions, None, DT), (s.g, seen)

    return [np.ravel(x) for x in jax.lax.scan(step, m.first(p, v, ions), jnp.asarray(weights))[1]]


def two_exponentials(t, rise, decay):
    if rise == decay:
        return t / rise * np.exp(1 - t / rise)
    peak = rise * decay / (decay - rise) * np.log(decay / rise)
    shape = lambda t: np.exp(-t / decay) - np.exp(-t / rise)
    return shape(t) / shape(peak)


@pytest.mark.parametrize("rise, decay", [(0.5, 2.0), (3.0, 3.0), (3.0, 3.0 + 1e-6), (4.0, 1.0), (1e-3, 50.0)])
def test_two_exponentials_have_their_peak_at_the_weight(rise, decay):
    weights = np.zeros(80)
    weights[[3, 3, 20]] = [2.0, 2.0, 1.0]
    g, _ = train(cells.Exp2Syn(rise * u.ms, decay * u.ms), weights)
    t = DT * np.arange(80)
    since = lambda n: np.where(t >= DT * n, two_exponentials(np.maximum(t - DT * n, 0.0), rise, decay), 0.0)
    # float64 takes six digits off the difference of two exponentials that are nearly equal
    np.testing.assert_allclose(g, 2.0 * since(3) + since(20), rtol=1e-8 if abs(rise / decay - 1) < 1e-3 else 1e-12)


def test_one_exponential_acts_in_the_step_in_which_it_arrives():
    weights = np.zeros(10)
    weights[[2, 5]] = [1.0, 0.5]
    g, seen = train(cells.ExpSyn(2.0 * u.ms), weights)
    t = DT * np.arange(10)
    want = np.where(t >= 0.2, np.exp(-(t - 0.2) / 2), 0) + np.where(t >= 0.5, 0.5 * np.exp(-(t - 0.5) / 2), 0)
    want[5] = np.exp(-0.3 / 2) + 0.5  # the time of the grid is not quite 0.5
    np.testing.assert_allclose(g, want, rtol=1e-13)
    np.testing.assert_allclose(seen, want, rtol=1e-13)


@pytest.mark.parametrize("synapse", SYNAPSES, ids=lambda c: c.__name__)
def test_peak_is_the_weight_for_all_presets(synapse):
    weights = np.zeros(400)
    weights[0] = 3.0
    g, _ = train(synapse(), weights)
    assert 2.8 < g.max() <= 3.0 and g[-1] < g.max()


def test_magnesium_blocks_as_jahr_and_stevens_say():
    m, p = placed(cells.NMDA(), (1,), 3)
    v = jnp.array([[-80.0, -20.0, 40.0]])
    s = cells.mechanism.Numbers(g=jnp.ones((1, 3)))
    i, slope = m.flow(p, s, v, None)
    block = 1 / (1 + np.exp(-0.062 * v) / 3.57)
    np.testing.assert_allclose(i, block * v, rtol=1e-14)
    h = 1e-5
    np.testing.assert_allclose(
        slope, (m.current(p, s, v + h, None) - m.current(p, s, v - h, None)) / (2 * h), rtol=1e-8
    )
    assert slope[0, 0] < 0 < slope[0, 2]  # the block lets less through where it is more negative
    open_ = placed(cells.NMDA(Mg=0.0 * u.mmolar), (1,), 3)
    np.testing.assert_array_equal(open_[0].current(open_[1], s, v, None), v)


def test_shapes_and_units_of_what_arrives():
    m, p = placed(cells.ExpSyn(), (2,), 3)
    s = cells.mechanism.Numbers(g=jnp.zeros((2, 3)))
    x = np.arange(6.0).reshape(2, 3)
    np.testing.assert_allclose(m.receive(p, s, x * u.nS).g, 1e-3 * x)
    np.testing.assert_allclose(m.receive(p, s, 2.0 * u.uS).g, 2.0)
    both = m.receive(p, m.receive(p, s, x * u.nS), 2.0 * u.nS).g
    np.testing.assert_allclose(both, m.receive(p, s, (x + 2.0) * u.nS).g)
    for bad in (np.zeros((2, 2)), np.zeros(2), np.zeros(3), np.zeros((3, 2))):
        with pytest.raises(ValueError, match=r"ExpSyn: what arrives .* give \(2, 3\), the population"):
            m.receive(p, s, bad * u.uS)
    with pytest.raises(ValueError, match="the synapse was made as"):
        m.receive(p, s, np.zeros((4, 2, 3)) * u.uS)
    for bad in (x, x * u.nA):
        with pytest.raises(u.UnitMismatchError, match="ExpSyn: what arrives has the unit"):
            m.receive(p, s, bad)
    one, p = placed(cells.ExpSyn(), (2,), 1)
    s = cells.mechanism.Numbers(g=jnp.zeros((5, 2, 1)))
    for good in (np.zeros(2), np.zeros((2, 1)), np.zeros((5, 2)), np.zeros((5, 2, 1))):
        assert one.receive(p, s, good * u.uS).g.shape == (5, 2, 1)
    with pytest.raises(ValueError, match=r"give \(2, 1\) or \(2,\)"):
        one.receive(p, s, np.zeros(3) * u.uS)


def cell(pop=2):
    m = cells.Morphology()
    m.add_cylinder_section("soma", 20 * u.um, 20 * u.um, 1)
    m.add_cylinder_section("dend", 100 * u.um, 2 * u.um, 2)
    m.connect("dend", "soma")
    return cells.MultiCompartment(pop, m, V_init=-70.0 * u.mV)


@pytest.fixture(scope="module")
def driven():
    """One compiled run of a cell with a pulse and a clamp, and of one that gets the same current as `x`."""
    with brainstate.environ.context(dt=DT * u.ms):
        a, b = cell(), cell()
        a.insert(cells.Clamp(), ("soma", 0.5))
        a.insert(cells.IClamp(0.2 * u.ms, 0.3 * u.ms, 0.4 * u.nA), [("dend", 0.9), ("dend", 0.9)])
        a.insert(cells.ExpSyn(1.0 * u.ms), ("dend", 0.1))
        b.insert(cells.ExpSyn(1.0 * u.ms), ("dend", 0.1))
        for c in (a, b):
            brainstate.nn.init_all_states(c)
        scale = jnp.array([1.0, 2.0])

        def step(n):
            amp = jnp.where(n < 4, jnp.asarray(AMPS)[jnp.minimum(n, 3)], 0.0)
            on = (n >= 2) & (n < 5)
            x = jnp.stack([amp * scale, 0.0 * scale, jnp.where(on, 0.8, 0.0) * jnp.ones(2)], -1)
            event = jnp.where(n == 3, 1.0, 0.0) * scale * u.nS
            a(clamp=amp * scale * u.nA, expsyn=event)
            b(x * u.nA, expsyn=event)
            return a.V.value / u.mV, b.V.value / u.mV, a.expsyn.g.value

        return brainstate.transform.for_loop(step, jnp.arange(12))


def test_clamps_are_currents_of_their_steps(driven):
    a, b, _ = driven
    np.testing.assert_allclose(a, b, rtol=1e-13)
    assert np.ptp(np.asarray(a)) > 1.0  # they are not at rest


def test_a_synapse_in_a_cell_decays_exactly(driven):
    *_, g = driven
    want = np.where(np.arange(12) >= 3, np.exp(-DT * (np.arange(12) - 2)), 0.0)
    np.testing.assert_allclose(g[:, 0, 0], 1e-3 * want, rtol=1e-13)
    np.testing.assert_allclose(g[:, 1, 0], 2e-3 * want, rtol=1e-13)


def test_errors_come_before_any_state_moves():
    with brainstate.environ.context(dt=DT * u.ms):
        c = cell()
        c.insert(cells.ExpSyn(), "dend")
        c.insert(cells.Clamp(), "dend")
        c.insert(cells.HH(), "soma")
        brainstate.nn.init_all_states(c)
        for bad in (dict(expsyn=1.0 * u.nA), dict(clamp=np.zeros((2, 3)) * u.nA), dict(hh=1.0 * u.nA)):
            with pytest.raises((ValueError, u.UnitMismatchError)):
                c(**bad)
        np.testing.assert_array_equal(c.V.value / u.mV, -70.0)
    for wrong in (dict(tau=1.0 * u.mV), dict(E=1.0), dict(E=1.0 * u.ms)):
        with pytest.raises(u.UnitMismatchError, match="ExpSyn"):
            cells.ExpSyn(**wrong)
