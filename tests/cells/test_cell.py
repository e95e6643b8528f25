"""Populations of cells: shapes, first states, errors, steps of any length, and how large a step's program is."""

import time

import brainstate
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import saiunit as u

from vestige import cells


def branched(dends: int = 2, nseg: int = 1) -> cells.Morphology:
    m = cells.Morphology()
    m.add_cylinder_section("soma", 20 * u.um, 20 * u.um)
    for k in range(dends):
        m.add_cylinder_section(f"d{k}", 120 * u.um, 2 * u.um, nseg)
        m.connect(f"d{k}", "soma" if k < 2 else f"d{(k - 2) // 2}", 1.0)
    return m


def passive(pop, **more) -> cells.MultiCompartment:
    cell = cells.MultiCompartment(pop, branched(), **more)
    cell.insert(cells.Leak(3e-4 * cells.DENSITY, -65 * u.mV))
    return cell


def stepped(cell, xs, dt: float, **init):
    """Voltages `[T, ..., C]`, mV."""
    with brainstate.environ.context(dt=dt * u.ms, precision=64):
        brainstate.nn.init_all_states(cell, **init)

        def step(x):
            cell.update(x * u.nA)
            return cell.V.value.to_decimal(u.mV)

        return np.asarray(brainstate.transform.jit(lambda xs: brainstate.transform.for_loop(step, xs))(jnp.asarray(xs)))


def test_axes_of_a_population_and_of_a_batch_are_cells_of_their_own():
    xs = np.random.default_rng(0).normal(size=(5, 4, 3)) * 0.1
    flat = stepped(passive(4), xs, 0.1)
    assert np.ptp(flat[-1]) > 1
    for pop, batch in (((2, 2), None), (2, 2), (1, 4)):
        shape = (*(() if batch is None else (batch,)), *np.atleast_1d(pop), 3)
        cell = passive(pop)
        found = stepped(cell, xs.reshape(5, *shape), 0.1, **({} if batch is None else {"batch_size": batch}))
        assert found.shape == (5, *shape)
        np.testing.assert_allclose(found.reshape(flat.shape), flat, rtol=1e-13)


def test_first_states():
    V = np.linspace(-80.0, -50.0, 3) * u.mV
    cell = cells.MultiCompartment(2, branched(), V_init=V)
    cell.insert(cells.HH())
    brainstate.nn.init_all_states(cell)
    np.testing.assert_array_equal(cell.V.value / u.mV, np.broadcast_to(V / u.mV, (2, 3)))
    m, (limit, _) = cell.hh.m.value, cell.hh.rates(cell.hh.numbers(), V.to_decimal(u.mV), cell.hh.look(ions()))["m"]
    np.testing.assert_allclose(m, np.broadcast_to(limit, (2, 3)), rtol=1e-12)
    drawn = cells.MultiCompartment(2, branched(), V_init=lambda shape: np.arange(6.0).reshape(shape) * u.mV)
    brainstate.nn.init_all_states(drawn)
    np.testing.assert_array_equal(drawn.V.value / u.mV, np.arange(6.0).reshape(2, 3))
    cell.V.value, cell.hh.m.value = 0.0 * cell.V.value, 0.0 * m
    cell.reset_state()
    np.testing.assert_array_equal(cell.hh.m.value, m)
    np.testing.assert_array_equal(cell.V.value / u.mV, np.broadcast_to(V / u.mV, (2, 3)))


def ions():
    return cells.mechanism.Numbers(celsius=6.3, ca=np.full(3, 5e-5))


@pytest.mark.parametrize("dt", [0.5, 20.0, 1e4])
def test_a_step_of_any_length_stays_in_bounds(dt):
    cell = cells.MultiCompartment(1, branched())
    cell.insert(cells.HH())
    # a current that grows with depolarisation of itself: its slope is below zero under the block
    cell.insert(cells.NMDA(), "d0")
    with brainstate.environ.context(dt=dt * u.ms, precision=64):
        brainstate.nn.init_all_states(cell)

        def step(k):
            cell.update(0.1 * u.nA, nmda=20.0 * u.nS)
            return cell.V.value.to_decimal(u.mV)

        V = np.asarray(brainstate.transform.jit(lambda k: brainstate.transform.for_loop(step, k))(np.arange(30)))
    assert np.abs(V + 65).max() > 1 and V.min() > -95 and V.max() < 60


def test_what_does_not_fit_is_refused_before_any_state_moves():
    cell = passive(2)
    with pytest.raises(ValueError, match="has a `leak` already"):
        cell.insert(cells.Leak())
    with pytest.raises(KeyError, match="no section 'axon'"):
        cell.insert(cells.HH(), "axon")
    with pytest.raises(ValueError, match="no place"):
        cell.insert(cells.HH(), [])
    with pytest.raises(u.UnitMismatchError, match="cm has the unit"):
        passive(2, cm=1.0 * u.mV)
    with pytest.raises(TypeError, match="give a Morphology"):
        cells.MultiCompartment(2, "soma")
    for pop_size in (0, -1, 2.5, "2", (2, 0), True):
        with pytest.raises(ValueError, match="pop_size is"):
            passive(pop_size)
    for name, bad, says in (
        ("cm", 0.0 * u.ufarad / u.cmeter2, "cm must be finite and above zero"),
        ("Ra", -1.0 * u.ohm * u.cmetre, "Ra must be finite and above zero"),
        ("Ra", np.nan * u.ohm * u.cmetre, "Ra is not a number"),
        ("V_init", np.nan * u.mV, "V_init is not a number"),
        ("V_init", np.zeros(7) * u.mV, "does not fit the population"),
    ):
        with pytest.raises(ValueError, match=says):
            passive(2, **{name: bad})
    with pytest.raises(TypeError, match="Leak is none yet"):
        cell.insert(cells.Leak, name="other")
    with pytest.raises(ValueError, match="g_L is not a number"):
        cells.Leak(g_L=np.nan * cells.DENSITY)
    brainstate.nn.init_all_states(cell)
    with pytest.raises(KeyError, match="no time step"):
        cell()
    with brainstate.environ.context(dt=0.1 * u.ms):
        with pytest.raises(KeyError, match="no mechanism"):
            cell(ampa=1.0)
        with pytest.raises(ValueError, match="a current of shape"):
            cell(np.zeros((2, 4)) * u.nA)
        with pytest.raises(u.UnitMismatchError, match="a current is needed"):
            cell(1.0 * u.mV)
    np.testing.assert_array_equal(cell.V.value / u.mV, -65.0)


def excitable(C: int) -> cells.MultiCompartment:
    cell = cells.MultiCompartment(1, branched(10, (C - 1) // 10))
    cell.insert(cells.HH())
    brainstate.nn.init_all_states(cell)
    return cell


def run(cell):
    """Steps of a cell, as brainstate's transformations take them."""

    def go(xs):
        with brainstate.environ.context(dt=0.025 * u.ms):
            return brainstate.transform.for_loop(lambda x: cell.update(x * u.nA), xs)

    return go


def equations(jaxpr) -> int:
    inner = [getattr(v, "jaxpr", v) for e in jaxpr.eqns for v in e.params.values()]
    return len(jaxpr.eqns) + sum(equations(j) for j in inner if hasattr(j, "eqns"))


def test_the_program_of_a_step_hardly_grows_with_the_compartments():
    size = {}
    for C in (11, 321):
        jaxpr, _ = brainstate.transform.make_jaxpr(run(excitable(C)))(jnp.ones(10))
        size[C] = equations(jaxpr.jaxpr)
    assert size[321] < 2.2 * size[11] and size[321] < 700


@pytest.mark.slow
def test_three_hundred_compartments_compile_in_seconds():
    cell = excitable(321)
    go, start = brainstate.transform.jit(run(cell)), time.process_time()
    jax.block_until_ready(go(jnp.ones(3)))
    assert time.process_time() - start < 5.0
    assert np.isfinite(cell.V.value.to_decimal(u.mV)).all()
