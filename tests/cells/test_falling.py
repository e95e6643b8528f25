"""Currents that grow of themselves: what they may take of what holds the voltage, and that it is no more than has to be."""

from functools import partial

import brainstate
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import saiunit as u
from every_mechanism import ALL_MECHANISMS, DT, half_open, here, placed

from vestige.cells.falling import LEAST, curved, held
from vestige.cells.solve import solve

PARENT = np.array([-1, 0, 1, 1, 0, 4])
LINK = np.array([0.0, 0.5, 2.0, 0.1, 1.0, 30.0])
AREA, HOLD = np.array([[9.0], [1.0], [0.1], [0.5], [1.0], [0.2]]), 0.05
DOWN, UP = np.array([[0.0], [0.0], [-0.03], [0.0], [0.0], [-0.1]]), np.array([[0.1], [0.0], [0.0], [0.2], [0.0], [0.0]])


def answer(leak, b):
    return solve(PARENT, leak.T, LINK, b.T).T


def matrix(leak) -> np.ndarray:
    found = np.diag(np.asarray(leak)[:, 0])
    for node, up in enumerate(PARENT):
        if up >= 0:
            found[[node, up], [node, up]] += LINK[node]
            found[[node, up], [up, node]] -= LINK[node]
    return found


def test_which_currents_are_curved():
    v = jnp.full((1, 2), -50.0)
    with brainstate.environ.context(dt=DT * u.ms):
        made = {case.name: placed(case.make(), (2,)) for case in ALL_MECHANISMS}
        found = {
            k for k, (m, p) in made.items() if curved(partial(m.flow, p, half_open(m, p, v, here(v)), ions=here(v)), v)
        }
    assert found == {"CaT", "NMDA"}


def test_small_compartments_lean_on_those_around_them():
    slopes = UP + DOWN
    # more than all that holds them by themselves, and yet no voltage turns round
    assert (DOWN < -HOLD * AREA)[[2, 5]].all()
    leak = held(HOLD, AREA, jnp.asarray(slopes), answer)
    np.testing.assert_allclose(leak, HOLD * AREA + slopes, rtol=1e-13)
    assert (np.linalg.inv(matrix(leak)) > 0).all()
    alone = held(HOLD, AREA, jnp.asarray(slopes))
    np.testing.assert_allclose(alone, np.maximum(HOLD * AREA + slopes, LEAST * HOLD * AREA), rtol=1e-13)


@pytest.mark.parametrize("strong", [10.0, 1e4])
def test_no_step_turns_the_voltage_round(strong):
    slopes = UP + strong * DOWN
    assert np.linalg.inv(matrix(HOLD * AREA + slopes)).min() < 0
    leak = held(HOLD, AREA, jnp.asarray(slopes), answer)
    back = np.linalg.inv(matrix(leak))
    # it answers to what would hold it, were there no falling current, with ten times as much at most
    assert back.min() > 0 and (back @ (HOLD * AREA + UP)).max() < 1.0 / LEAST + 1e-9
    np.testing.assert_array_less(leak, HOLD * AREA + UP + 1e-12)


@pytest.mark.parametrize("strong", [1.0, 100.0])
def test_what_is_held_has_the_slope_that_it_has(strong):
    way = np.random.default_rng(0).normal(size=(2, 6, 1))
    of = lambda hold, more: held(hold * (1.0 + 0.1 * way[1]), AREA, UP + strong * DOWN * (1.0 + more * way[0]), answer)
    at, h = (jnp.asarray(HOLD), jnp.asarray(0.1)), 1e-5
    for k in range(2):
        step = [h * (k == n) for n in range(2)]
        by = jax.jvp(of, at, tuple(jnp.asarray(s / h) for s in step))[1]
        quotient = (of(at[0] + step[0], at[1] + step[1]) - of(at[0] - step[0], at[1] - step[1])) / (2 * h)
        assert np.abs(by).max() > 1e-3
        np.testing.assert_allclose(by, quotient, rtol=1e-6, atol=1e-8)
