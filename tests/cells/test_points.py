"""Synapses and clamps against their closed forms, where in a step they act, and what they refuse."""

import brainstate
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import saiunit as u
from every_mechanism import placed

from vestige import cells
from vestige.cells.mechanism import Numbers

DT = 0.1
AMPS = np.array([0.0, 1.0, 0.0, -0.5])  # nA, step by step
PRESETS = {
    cells.Exp2Syn: (0.1, 10.0), cells.AMPA: (0.2, 1.7), cells.GABA_A: (0.2, 8.0), cells.GABA_B: (3.5, 260.9),
    cells.NMDA: (0.29, 43.0),
}  # fmt: skip
SHAPES = np.array([[0.5, 2.0], [3.0, 3.0], [3.0, 3.0 + 1e-6], [4.0, 1.0], [1e-3, 50.0]])  # rise and decay, ms
EVENTS = {2: 1.0, 5: 0.5}  # uS, by step
N = np.arange(200)


def train(synapses, weights):
    """Of each synapse, `g` in each step and the slope of its current `[steps, k]`; `weights` uS arrive step by step."""
    placed_ = [(*placed(m, (1,), k), jnp.zeros((1, k))) for m, k in synapses]

    def step(states, w):
        then, seen = [], []
        for (m, p, v), state in zip(placed_, states):
            s = m.receive(p, Numbers(**state), w * u.uS)
            seen.append((s.g[0], m.flow(p, s, v, None)[1][0]))
            then.append(m.advance(p, s, v, None, None, DT))
        return then, seen

    return jax.lax.scan(step, [m.first(p, v, None) for m, p, v in placed_], jnp.asarray(weights))[1]


def two_exponentials(t, rise, decay):
    if rise == decay:
        return t / rise * np.exp(1 - t / rise)
    peak = rise * decay / (decay - rise) * np.log(decay / rise)
    shape = lambda t: np.exp(-t / decay) - np.exp(-t / rise)
    return shape(t) / shape(peak)


def added(response, *taus):
    """What events make together, of one's `response(t, *taus)`; each acts at the beginning of its step."""
    since = lambda n: np.where(n <= N, response(DT * np.maximum(N - n, 0), *taus), 0.0)
    return sum(w * since(n) for n, w in EVENTS.items())


@pytest.fixture(scope="module")
def after_events():
    """`g` and slope by step of one exponential, two of all shapes, and all presets, in one compiled run."""
    weights = np.zeros(len(N))
    weights[list(EVENTS)] = list(EVENTS.values())
    shapes = cells.Exp2Syn(*(SHAPES.T * u.ms))
    one, two, *presets = train([(cells.ExpSyn(2.0 * u.ms), 1), (shapes, 5), *((c(), 1) for c in PRESETS)], weights)
    return one, two, presets


def test_one_exponential_acts_in_the_step_in_which_it_arrives(after_events):
    g, seen = after_events[0]
    want = added(lambda t: np.exp(-t / 2))
    np.testing.assert_allclose(g[:, 0], want, rtol=1e-12)
    np.testing.assert_allclose(seen[:, 0], want, rtol=1e-12)


def test_two_exponentials_have_their_peak_at_the_weight(after_events):
    g, _ = after_events[1]
    for k, taus in enumerate(SHAPES):
        # the oracle loses six digits where it takes the difference of two exponentials that are nearly equal
        want = added(two_exponentials, *taus)
        np.testing.assert_allclose(g[:, k], want, rtol=1e-8 if k == 2 else 1e-12)


def test_presets_have_the_time_constants_of_their_sources(after_events):
    for taus, (g, seen) in zip(PRESETS.values(), after_events[2], strict=True):
        np.testing.assert_allclose(g[:, 0], added(two_exponentials, *taus), rtol=1e-12)
        assert (seen[3:] > 0).all()  # and let current through


def test_magnesium_blocks_as_jahr_and_stevens_say():
    m, p = placed(cells.NMDA(), (1,), 3)
    v = jnp.array([[-80.0, -20.0, 40.0]])
    s = Numbers(g=jnp.ones((1, 3)))
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
    s = Numbers(g=jnp.zeros((2, 3)))
    x = np.arange(6.0).reshape(2, 3)
    np.testing.assert_allclose(m.receive(p, s, x * u.nS).g, 1e-3 * x)
    np.testing.assert_allclose(m.receive(p, s, 2.0 * u.uS).g, 2.0)
    both = m.receive(p, m.receive(p, s, x * u.nS), 2.0 * u.nS).g
    np.testing.assert_allclose(both, m.receive(p, s, (x + 2.0) * u.nS).g)
    for bad in (np.zeros((2, 2)), np.zeros(2), np.zeros(3), np.zeros((3, 2))):
        with pytest.raises(ValueError, match=r"ExpSyn: what arrives .* give \(2, 3\), the population"):
            m.receive(p, s, bad * u.uS)
    with pytest.raises(ValueError, match="the states here were made as"):
        m.receive(p, s, np.zeros((4, 2, 3)) * u.uS)
    for bad in (x, x * u.nA):
        with pytest.raises(u.UnitMismatchError, match="ExpSyn: what arrives has the unit"):
            m.receive(p, s, bad)
    one, p = placed(cells.ExpSyn(), (2,), 1)
    s = Numbers(g=jnp.zeros((5, 2, 1)))
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


def test_states_of_a_batch():
    c = cell()
    c.insert(cells.Exp2Syn(), "dend")
    c.insert(cells.IClamp(), "dend")
    brainstate.nn.init_all_states(c, batch_size=3)
    assert c.exp2syn.g.value.shape == c.iclamp.steps.value.shape == (3, 2, 2)
    c.insert(cells.Leak(g_L=brainstate.ParamState(3e-4 * cells.DENSITY)), name="passive")
    # each by its mechanism's name, wherever that stands in the alphabet
    assert set(c.states()) == {("V",), ("exp2syn", "g"), ("exp2syn", "h"), ("iclamp", "steps"), ("passive", "g_L")}


def test_errors_come_before_any_state_moves():
    with brainstate.environ.context(dt=DT * u.ms):
        c = cell()
        c.insert(cells.ExpSyn(), "dend")
        c.insert(cells.Clamp(), "dend")
        c.insert(cells.HH(), "soma")
        brainstate.nn.init_all_states(c)
        batch = np.zeros((4, 2, 2))
        for bad in (
            dict(expsyn=1.0 * u.nA), dict(clamp=np.zeros((2, 3)) * u.nA), dict(hh=1.0 * u.nA),
            dict(expsyn=batch * u.nS), dict(clamp=batch * u.nA),
        ):  # fmt: skip
            with pytest.raises((ValueError, u.UnitMismatchError)):
                c(**bad)
        np.testing.assert_array_equal(c.V.value / u.mV, -70.0)
    for wrong in (dict(tau=1.0 * u.mV), dict(E=1.0), dict(E=1.0 * u.ms)):
        with pytest.raises(u.UnitMismatchError, match="ExpSyn"):
            cells.ExpSyn(**wrong)
