"""Learners that follow credit between neurons: step by step what they are in windows of one; exact where nothing is left out."""

import brainstate
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import saiunit as u

import vestige as vg
from learn.nets import Memory, built, loss, sequence

LEARNERS = [
    (vg.SnAp, dict(n=1)),
    (vg.OSTLRecurrent, {}),
    (vg.UORO, dict(seed=1)),
    (vg.KF_RTRL, dict(seed=1)),
    (vg.RandomPathRTRL, dict(k=2)),
]
QUICK = (vg.SnAp, vg.KF_RTRL)
some = pytest.mark.parametrize(
    "make, options",
    [pytest.param(*of, marks=() if of[0] in QUICK else pytest.mark.slow, id=of[0].__name__) for of in LEARNERS],
)
each = pytest.mark.parametrize("make, options", LEARNERS, ids=[make.__name__ for make, _ in LEARNERS])


@pytest.fixture(autouse=True)
def clock():
    with brainstate.environ.context(dt=1.0 * u.ms, precision=64):
        yield


@some
def test_one_step_at_a_time_is_windows_of_one(make, options):
    """The same draws, too: the stream of random numbers goes on from step to step."""
    xs, ys = sequence(4)
    whole = built(make, **options).gradients(xs, ys, loss=loss, window=1).grads
    learner, sums = built(make, **options), None
    params = learner.model.states(brainstate.ParamState)
    step = brainstate.transform.jit(lambda x, y: brainstate.transform.grad(lambda: loss(learner(x), y), params)())
    for x, y in zip(xs, ys):
        now = jax.tree.leaves(step(x, y))
        sums = now if sums is None else [a + b for a, b in zip(sums, now)]
    for a, b in zip(sums, jax.tree.leaves(whole)):
        assert float(jnp.abs(b).max()) > 0
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-12)


def test_one_population_is_exact_for_every_learner_in_one_window():
    want = jax.tree.leaves(built(vg.BPTT, Memory).gradients(*sequence(), loss=loss).grads)
    for make, options in LEARNERS:
        got = jax.tree.leaves(built(make, Memory, **options).gradients(*sequence(), loss=loss, window=None).grads)
        for a, b in zip(got, want):
            np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-12, err_msg=make.__name__)


def test_a_reset_clears_the_influence_and_draws_on():
    learner = built(vg.UORO, seed=1)
    first = jax.tree.leaves(learner.gradients(*sequence(), loss=loss, window=1).grads)
    learner.reset()
    assert not any(float(jnp.abs(a).max()) for a in jax.tree.leaves(learner.memory[0]))
    second = jax.tree.leaves(learner.gradients(*sequence(), loss=loss, window=1).grads)
    assert max(float(jnp.abs(a - b).max()) for a, b in zip(first, second)) > 1e-6


def test_the_report_says_how_much_is_kept():
    report = built(vg.SnAp, n=1).report
    weights = next(line for line in report.splitlines() if "influences kept" in line and "weight" in line)
    kept, of = (int(word) for word in weights.split() if word.isdigit())
    assert 0 < kept < of
