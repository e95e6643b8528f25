"""Sources and recorders; what is refused when a network is built."""

import brainstate
import jax.numpy as jnp
import numpy as np
import pytest
import saiunit as u
from scipy import stats

from vestige import nest

MS = u.ms


@pytest.fixture(autouse=True)
def time_step():
    with brainstate.environ.context(dt=0.1 * MS):
        yield


def run(model, steps, xs=None, **start):
    """What the model returns, stacked."""
    brainstate.nn.init_all_states(model, **start)
    return brainstate.transform.for_loop(lambda n: model() if xs is None else model(xs[n]), jnp.arange(steps))


def test_generators_give_weights_and_keep_to_their_time():
    trains, heights = [[0.2, 0.4, 0.6], [0.4]], [[1.0, 2.0, 3.0], [-5.0]]
    source = nest.spike_generator(trains, heights, [[2, 1, 1], [1]], start=0.2 * MS, stop=0.5 * MS)
    want = np.zeros((8, 2))
    want[3] = 2.0, -5.0
    assert np.array_equal(run(source, 8), want)
    assert np.array_equal(run(nest.spike_generator(np.array([0.3]) * MS), 4), [[0], [0], [1], [0]])
    assert np.array_equal(run(nest.spike_generator([[], []]), 3), np.zeros((3, 2)))


@pytest.mark.parametrize("mean", [0.3, 4.0, 60.0])
def test_poisson_numbers_have_their_probabilities(mean):
    brainstate.random.seed(2)
    counts = np.asarray(run(nest.poisson_generator(400, mean * 1e4 * u.Hz), 100)).astype(int)
    edges = stats.poisson.ppf([0.0, 0.1, 0.3, 0.5, 0.7, 0.9, 1.0], mean)
    wanted = np.diff(stats.poisson.cdf(edges, mean)) * counts.size
    got = np.histogram(counts, np.append(edges[:-1], np.inf) + 0.5)[0]
    kept = wanted > 5
    assert kept.sum() >= 2 and (np.abs(got - wanted)[kept] < 5 * np.sqrt(wanted[kept])).all()


def test_poisson_rates_and_their_changes():
    brainstate.random.seed(1)
    within = lambda counts, mean: abs(counts.mean() - mean) < 5 * np.sqrt(mean / counts.size)
    steady = np.asarray(run(nest.poisson_generator(200, np.repeat([0.0, 3000.0], 100) * u.Hz, start=20 * MS), 1000))
    assert not steady[:200].any() and not steady[:, :100].any() and within(steady[200:, 100:], 0.3)
    assert abs(steady[200:, 100:].var() - 0.3) < 0.02
    times, values = np.array([10.0, 50.0]) * MS, np.array([2000.0, 500.0]) * u.Hz
    turned = np.asarray(run(nest.inhomogeneous_poisson_generator(300, times, values), 1000))
    assert not turned[:100].any() and within(turned[100:500], 0.2) and within(turned[500:], 0.05)
    asked = nest.poisson_generator(300)
    xs = jnp.where(jnp.arange(400) < 200, 0.0, 1000.0) * u.Hz
    told = np.asarray(run(asked, 400, xs))
    assert not told[:200].any() and within(told[200:], 0.1)


line, three = (lambda: nest.DelayLine(4)), (lambda: nest.iaf_psc_exp(3))
project = lambda **how: nest.Projection(line(), three(), **{"weight": 1.0 * u.pA, **how})
WRONG = {
    "at least one step": lambda: project(delay=0.0 * MS),
    "has the unit": lambda: project(delay=1.0 * u.mV),
    r"0.05 ms and dt is 0.1 ms: it must": lambda: run(project(delay=0.05 * MS).pre, 1),
    r"0.25 ms and dt is 0.1": lambda: run(project(delay=0.25 * MS).pre, 1),
    "5 sources for each target, and there are 4": lambda: project(
        connect=nest.fixed_indegree(5, allow_multapses=False)
    ),
    "whole number": lambda: nest.fixed_indegree(2.5),
    "source 4 does not exist": lambda: project(connect=nest.from_indices([0, 4], [0, 1])),
    "target -1 does not exist": lambda: project(connect=nest.from_indices([0, 1], [0, -1])),
    "two lists of one length": lambda: project(connect=nest.from_indices([0, 1], [0])),
    "indptr": lambda: project(connect=nest.from_csr([0, 1], [0, 1, 2])),
    "the mask has the shape": lambda: project(connect=nest.from_mask(np.ones((3, 4)))),
    r"it is one number, or \(4, 3\)": lambda: project(weight=np.ones((3, 4)) * u.pA),
    "delay has the shape": lambda: project(delay=np.ones(3) * MS),
    "add up to": lambda: project(connect=nest.blocks([2, 3], [3])),
    "one delay": lambda: project(connect=nest.blocks([2, 2], [3]), delay=np.ones((2, 1)) * MS),
    "as many sources as targets": lambda: project(connect=nest.one_to_one()),
    "rise, and lie above 0": lambda: nest.spike_generator([[0.0, 0.1]]),
    "spike_weights must be one a spike": lambda: nest.spike_generator([[0.1, 0.2]], [[1.0]]),
    "a spike's time is 0.15 ms": lambda: run(nest.spike_generator([[0.15]]), 3),
    "must not be below 0 Hz": lambda: nest.poisson_generator(3, -1.0 * u.Hz),
    "does not fit": lambda: nest.poisson_generator(3, np.ones(2) * u.Hz),
    "Hz is needed": lambda: nest.poisson_generator(3, 5.0),
    "must rise": lambda: nest.inhomogeneous_poisson_generator(3, [2.0, 1.0] * MS, [1.0, 1.0] * u.Hz),
    "does not record": lambda: nest.multimeter(three(), ("I_NMDA",)),
    "as a scan stacks them": lambda: nest.spike_recorder(np.zeros(3)),
    "the line keeps": lambda: _called(line(), jnp.zeros(5)),
    "7 steps back": lambda: _called(line(), jnp.zeros(4)).read(0.7 * MS),
}


def _called(module, x):
    brainstate.nn.init_all_states(module)
    module(x)
    return module


@pytest.mark.parametrize("said", WRONG)
def test_errors_say_what_is_wrong(said):
    with pytest.raises((ValueError, u.UnitMismatchError), match=said):
        WRONG[said]()
