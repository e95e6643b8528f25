"""Whatever a source gives: an event is used or skipped with a reason, nothing is raised, and what is skipped moves nothing."""

import math

import brainstate
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nets import N_IN, N_OUT, Memory

import vestige as vg

T = 2
NUMBERS = st.one_of(
    st.floats(-3, 3), st.sampled_from([math.nan, math.inf, -math.inf, 1e300, -1e300, 1e-320, 2**70, True, 7, -0.0])
)
JUNK = st.one_of(
    st.none(), st.text(max_size=3), st.binary(max_size=3), st.complex_numbers(), st.just(object()), st.just({"x": 1}),
    st.lists(st.lists(st.floats(), max_size=3), max_size=3), st.tuples(st.floats(), st.floats(), st.floats()),
)  # fmt: skip


def arrays(*shape):
    """Of the right shape, or nearly; of many types; mostly of numbers that can be used."""
    shapes = st.sampled_from([shape] * 6 + [shape[1:], (*shape, 1), (0, *shape[1:]), ()])
    kinds = st.sampled_from(
        [np.float64] * 4 + [np.float32, np.float16, np.int64, np.uint8, bool, object, complex, "datetime64[s]", "U3"]
    )

    def filled(shape, kind, some, seed):
        a = np.random.default_rng(seed).normal(size=shape)
        if a.size and some is not None:
            with np.errstate(all="ignore"):
                a.flat[seed % a.size] = some
        with np.errstate(all="ignore"):
            return a.astype(kind)

    return st.builds(filled, shapes, kinds, st.one_of(st.none(), NUMBERS), st.integers(0, 99))


KEYS = st.one_of(st.none(), st.integers(-2, 40), st.sampled_from(["a", "b", math.nan, 0.5, np.int64(3), (1,), b"k"]))
item = lambda *parts: st.tuples(*parts).map(lambda p: vg.Item(*p))
EVENTS = st.one_of(
    item(arrays(T, N_IN)),
    item(st.one_of(arrays(T, N_IN), JUNK), st.one_of(st.none(), arrays(N_OUT), JUNK), KEYS),
    st.tuples(KEYS, st.one_of(arrays(N_OUT), JUNK)).map(lambda p: vg.Label(*p)),
    st.tuples(arrays(T, N_IN), arrays(N_OUT)),
    JUNK,
)


@pytest.fixture(scope="module")
def stream():
    """One stream for all: it has seen one good item, so it knows what labels look like."""
    model = Memory()
    brainstate.nn.init_all_states(model)
    learner = vg.D_RTRL(model)
    learner.compile_graph(jnp.zeros(N_IN))
    made = learner.stream(
        loss=lambda y, label: ((y - label) ** 2).mean(), optimizer=optax.adam(1e-3), outstanding=5,
        score=lambda said, label: np.abs(said - label).max() < 1,
    )  # fmt: skip
    made.take((np.ones((T, N_IN)), np.ones(N_OUT)))
    return made


@settings(max_examples=150, deadline=None)
@given(events=st.lists(EVENTS, min_size=5, max_size=10))
def test_any_event_is_used_or_skipped(stream, events):
    for event in events:
        before, skips = (stream._held, stream._trace, list(stream.waiting)), sum(stream.skipped.values())
        count = stream.events, stream.items, stream.steps
        seen = stream.take(event)
        after = stream._held, stream._trace, list(stream.waiting)
        assert stream.events == count[0] + 1
        if seen is None:
            assert all(a is b for a, b in zip(jax.tree.leaves(before), jax.tree.leaves(after), strict=True)), event
            assert sum(stream.skipped.values()) > skips and (stream.items, stream.steps) == count[1:]
        else:
            assert np.isfinite(seen.prediction).all() and (seen.loss is None or np.isfinite(seen.loss))
            assert stream.steps == T * stream.items
        assert len(stream.waiting) <= 5
    leaves = [a for a in jax.tree.leaves((stream._held, stream._trace)) if jnp.issubdtype(a.dtype, jnp.inexact)]
    assert all(np.isfinite(a).all() for a in leaves)
    assert np.isfinite(stream.losses.mean) and stream.items >= 1
    stream.summary()


def test_the_fuzz_reaches_what_it_is_meant_to_reach(stream):
    """After the examples above: items were used and labels came late, and many reasons to skip were met."""
    assert stream.items > 100 and stream.labels > 2 and len(stream.skipped) > 8, stream.summary()
