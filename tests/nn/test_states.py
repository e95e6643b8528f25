"""The ETraceState family behaves as the tutorials print it."""

import brainstate
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import saiunit as u

from vestige.nn import ETraceGroupState, ETraceState, ETraceTreeState


def test_a_single_state_is_one_variable_per_position():
    s = ETraceState(jnp.zeros(100) * u.nA)
    assert (s.num_state, s.varshape) == (1, (100,))
    assert isinstance(s, brainstate.HiddenState)


def test_a_group_keeps_its_variables_on_the_last_axis():
    s = ETraceGroupState(jnp.zeros((10, 6)) * u.mV)
    assert (s.num_state, s.varshape) == (6, (10,))
    assert isinstance(s, ETraceState) and isinstance(s, brainstate.HiddenGroupState)
    s.set_value({1: jnp.ones(10) * u.volt})
    np.testing.assert_allclose(s.get_value("1").to_decimal(u.mV), 1000.0)
    np.testing.assert_allclose(s.get_value(0).to_decimal(u.mV), 0.0)


@pytest.mark.parametrize(
    "make, error", [(lambda: ETraceGroupState(jnp.zeros(3)), ValueError), (lambda: ETraceState([1.0]), TypeError)]
)
def test_values_that_are_no_states(make, error):
    with pytest.raises(error):
        make()


def test_a_group_refuses_what_it_does_not_have():
    s = ETraceGroupState(jnp.zeros((4, 2)))
    with pytest.raises(IndexError):
        s.get_value(2)
    with pytest.raises(ValueError):
        s.set_value({0: jnp.zeros(5)})


@pytest.fixture
def tree():
    zeros = jnp.zeros(5)
    return ETraceTreeState({"V": zeros * u.mV, "I": zeros * u.mA, "gate": {"m": zeros, "h": [zeros]}})


def test_a_tree_keeps_units_names_and_order(tree):
    assert isinstance(tree, ETraceState) and isinstance(tree, brainstate.HiddenState)
    assert tree.names == ("V", "I", "gate.m", "gate.h.0")
    assert (tree.num_state, tree.varshape) == (4, (5,))
    assert u.get_unit(tree.value["V"]) == u.mV and u.get_unit(tree.get_value(1)) == u.mA


def test_writing_a_leaf_converts_its_unit_and_leaves_the_others(tree):
    tree.set_value({"V": jnp.ones(5) * u.volt, "gate.h.0": jnp.full(5, 2.0)})
    np.testing.assert_allclose(tree.get_value("V").mantissa, 1000.0)
    np.testing.assert_allclose(tree.value["gate"]["h"][0], 2.0)
    np.testing.assert_allclose(tree.get_value("I").mantissa, 0.0)
    tree.set_value([jnp.ones(5) * u.mV, jnp.ones(5) * u.mA, jnp.ones(5), jnp.ones(5)])
    np.testing.assert_allclose(tree.get_value("I").mantissa, 1.0)


def test_leaves_of_several_shapes_share_their_leading_axes():
    s = ETraceTreeState([jnp.zeros((4, 3)), jnp.zeros(4) * u.mV])
    assert (s.varshape, s.num_state) == ((4,), 4)


@pytest.mark.parametrize(
    "values, error",
    [
        ({"V": jnp.zeros(5) * u.mA}, u.UnitMismatchError),
        ({"V": jnp.zeros(4) * u.mV}, ValueError),
        ({"W": jnp.zeros(5)}, KeyError),
        ({7: jnp.zeros(5)}, IndexError),
        ([jnp.zeros(5)], ValueError),
    ],
)
def test_a_tree_refuses_what_does_not_fit_and_stays_as_it_was(tree, values, error):
    before = tree.value
    with pytest.raises(error):
        tree.set_value(values)
    assert tree.value is before


@pytest.mark.parametrize("value", [jnp.zeros(3), {"V": 1.0}])
def test_a_tree_is_made_of_arrays(value):
    with pytest.raises(TypeError):
        ETraceTreeState(value)


def test_a_tree_goes_through_jit_and_vmap(tree):
    @brainstate.transform.jit
    def step():
        tree.set_value({"V": tree.get_value("V") + 1.0 * u.mV})
        return tree.value

    assert u.get_unit(step()["V"]) == u.mV
    doubled = jax.vmap(lambda t: jax.tree.map(lambda a: 2 * a, t))(tree.value)
    np.testing.assert_allclose(doubled["V"].mantissa, 2.0)
