"""Layouts fold arrays into blocks and back, in every order of positions and slots."""

import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vestige.graph.layout import Layout, OwnLayout, dense_layout
from vestige.ops import Own

P = 3
ORDERS = {
    "positions alone": (np.arange(P), (P,)),
    "slots fastest": (np.repeat(np.arange(P), 2), (P, 2)),
    "positions fastest": (np.tile(np.arange(P), 2), (2, P)),
    "positions shuffled": (np.array([2, 0, 1, 1, 2, 0]), (2, 3)),
    "some elsewhere": (np.array([-1, 0, 1, 2, -1, 0]), (6,)),
    "uneven": (np.array([0, 0, 0, 1, 2]), (5,)),
}


@pytest.mark.parametrize("order", ORDERS)
def test_unfold_undoes_fold(order):
    pos, shape = ORDERS[order]
    lay = Layout.of(pos, shape, P)
    v = jnp.asarray(np.random.default_rng(0).normal(size=(2, *shape)))
    block = lay.fold(v)
    assert block.shape == (2, lay.depth, P)
    keep = (pos >= 0).reshape(shape)
    np.testing.assert_array_equal(lay.unfold(block), jnp.where(keep, v, 0))
    for n, (p, s) in enumerate(zip(lay.pos, lay.slot)):
        if p >= 0:
            assert block[0, s, p] == v.reshape(2, -1)[0, n]


@pytest.mark.parametrize("order", ORDERS)
def test_spread_gives_each_element_its_positions_value(order):
    pos, shape = ORDERS[order]
    lay = Layout.of(pos, shape, P)
    v = jnp.asarray([1.0, 2.0, 3.0])
    want = np.where(pos >= 0, np.asarray(v)[pos], 0).reshape(shape)
    np.testing.assert_array_equal(lay.spread(v), want)


@pytest.mark.parametrize("order", ORDERS)
def test_basis_is_one_slot_of_every_position(order):
    pos, shape = ORDERS[order]
    lay = Layout.of(pos, shape, P)
    basis = np.asarray(lay.basis(jnp.float64))
    assert basis.sum(0).reshape(-1).tolist() == (pos >= 0).astype(float).tolist()
    np.testing.assert_array_equal(lay.fold(jnp.asarray(basis)).sum(-1) > 0, np.eye(lay.depth, dtype=bool))


def test_orders_that_reshape_are_recognised():
    kinds = {k: Layout.of(*ORDERS[k], P).order for k in ORDERS}
    assert kinds["positions alone"] and kinds["slots fastest"] == "rows" and kinds["positions fastest"] == "cols"
    assert kinds["positions shuffled"] is kinds["some elsewhere"] is kinds["uneven"] is None


def test_a_dense_layout_is_one_position():
    lay = dense_layout((2, 3))
    assert (lay.P, lay.depth) == (1, 6)


@settings(max_examples=10)
@given(st.integers(0, 10_000), st.sampled_from([1, 5]), st.sampled_from([2, 3]))
def test_colours_tell_apart_what_one_position_reads(seed, n, positions):
    """Whatever reads whatever: fold shows each position its own elements, share is its transpose."""
    rng = np.random.default_rng(seed)
    reads = np.argwhere(rng.uniform(size=(n, positions)) < 0.5)
    lay = OwnLayout.color(reads[:, 0], reads[:, 1], (n,), positions, limit=n)
    if not len(reads):
        assert lay is None
        return
    assert lay is not None
    for p in range(positions):
        seen = lay.where[:, p]
        assert sorted(seen[seen >= 0]) == sorted(reads[reads[:, 1] == p, 0])
    v, g = jnp.asarray(rng.normal(size=n)), jnp.asarray(rng.normal(size=lay.out))
    np.testing.assert_allclose(jnp.vdot(lay.fold(v), g), jnp.vdot(v, lay.share(g)), atol=1e-12)
    np.testing.assert_allclose(Own(lay.where, (n,)).drain(g), lay.share(g), atol=1e-12)


def test_too_many_for_one_position_are_not_coloured():
    assert OwnLayout.color(np.arange(5), np.zeros(5, int), (5,), 1, limit=4) is None
    assert OwnLayout.color(np.arange(5), np.zeros(5, int), (5,), 1, limit=5) is not None
