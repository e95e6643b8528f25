"""NEST's published e-prop runs: through plain NumPy, and through vestige's neurons, rule and optimiser."""

import runpy
from functools import cache
from pathlib import Path

import brainstate
import jax.numpy as jnp
import numpy as np
import optax
import pytest
import saiunit as u
from reference import Constants, sequence

import vestige as vg

EXAMPLES = Path(__file__).parents[2] / "examples"
decay = lambda steps: np.exp(-1.0 / steps)


def descent(eta):
    """`w <- w - eta g`."""
    return lambda n, weights, grads: [w - eta * g for w, g in zip(weights, grads)]


def adam(eta, b1=0.9, b2=0.999, epsilon=1e-8):
    """Adam as NEST and Keras have it: epsilon beside the root of the second moment as it is."""
    moments = {}

    def update(n, weights, grads):
        first, second = moments.get("m", [0.0] * 3), moments.get("v", [0.0] * 3)
        moments["m"] = [b1 * m + (1 - b1) * g for m, g in zip(first, grads)]
        moments["v"] = [b2 * v + (1 - b2) * g * g for v, g in zip(second, grads)]
        rate = eta * np.sqrt(1 - b2**n) / (1 - b1**n)
        return [w - rate * m / (np.sqrt(v) + epsilon) for w, m, v in zip(weights, moments["m"], moments["v"])]

    return update


def optax_adam():
    """The same from optax, whose epsilon stands beside the corrected root."""
    return optax.inject_hyperparams(optax.adam)(5e-3, eps=lambda k: 1e-8 / jnp.sqrt(1 - 0.999 ** (k + 1)))


def task(name):
    """(constants, optimiser, weights, feedback, trials, weight of each step, softmax) of a published run."""
    made = runpy.run_path(str(EXAMPLES / f"{name}.py"))
    weights, feedback, *drawn = made["protocol"]()
    if name == "nest_regression":
        leak = decay(30)
        k = Constants(leak, leak, 1 - leak, 0.03, 0.3 / 0.03, 0.03, 0, 0.0, np.zeros(100), 300.0)
        return made, k, descent(1e-4), weights, feedback, [drawn] * 5, np.ones(1000), False
    leak, rho = decay(20), decay(2000)
    beta = np.repeat([0.0, 1.7 * (1 - rho) / (1 - leak)], 50)
    k = Constants(leak, leak, 1.0, 0.6, 0.3 / 0.6, 0.6, 5, rho, beta, 300.0 / 150)
    trials = [(xs[0], target[0]) for xs, target in drawn[0]]
    return made, k, adam(5e-3), weights, feedback, trials, (np.arange(2250) >= 2100) / 150, True


@cache
def numpys(name):
    """The example's module, the losses and the last weights of plain NumPy, the first ones."""
    made, k, optimizer, first, feedback, trials, weight, softmax = task(name)
    weights, losses = [np.array(w) for w in first], []
    for n, (xs, target) in enumerate(trials, 1):
        loss, grads = sequence(k, weights, np.array(feedback), np.array(xs), np.array(target), weight, softmax)
        losses.append(loss)
        weights = optimizer(n, weights, grads)
    return made, losses, weights, first


RUNS = "nest_regression", "nest_evidence"


@pytest.mark.parametrize("name", RUNS)
def test_plain_numpy_follows_nest(name):
    made, losses, _, _ = numpys(name)
    np.testing.assert_allclose(losses, made["NEST"], rtol=3e-12)  # as many digits as were published


@pytest.mark.parametrize("name", RUNS)
def test_vestige_follows_nest(name):
    made, losses, weights, first = numpys(name)
    model, got = made["train"]()
    np.testing.assert_allclose(got, made["NEST"], rtol=1e-9)
    np.testing.assert_allclose(got, losses, rtol=1e-11)
    for w, want, before in zip((model.w_in, model.w_rec, model.w_out), weights, first):
        np.testing.assert_allclose(w.value, want, rtol=0, atol=1e-11)
        assert np.count_nonzero(w.value - before) > 0.5 * want.size


def of_two(draw):
    """Two trials at once, in the order in which NEST's script draws them."""
    often = np.array([[0.3, 0.7], [0.7, 0.3]])[draw.choice(2, 2)]
    cues, rate = np.array([draw.choice(2, 7, p=p) for p in often]), np.zeros((2, 2250, 40))
    for b, k in np.ndindex(2, 7):
        rate[b, 150 * k + 50 : 150 * k + 150, 10 * cues[b, k] : 10 * cues[b, k] + 10] = 0.04
    rate[:, -150:, 20:30], rate[:, :, 30:] = 0.04, 0.01
    xs = (rate > draw.random_sample(rate.shape)) * (np.arange(2250) > 0)[:, None]
    return xs * 1.0, np.tile(np.eye(2)[(cues.sum(1) > 3).astype(int)][:, None], (1, 2250, 1))


@pytest.mark.slow
def test_batches_of_two_follow_nest():
    made = runpy.run_path(str(EXAMPLES / "nest_evidence.py"))
    published = [0.702163370672, 0.735555303152, 0.740354864111, 0.683882815282, 0.707841122268]
    draw = np.random.RandomState(1)
    draw.standard_normal((140, 100)), draw.random_sample((100, 2)), draw.standard_normal((100, 2))  # the weights
    trials = [of_two(draw) for _ in published]
    weights, feedback, _ = made["protocol"]()
    with brainstate.environ.context(dt=1.0 * u.ms):
        model = made["Network"](*weights)
        brainstate.nn.init_all_states(model)
        learner = vg.EProp(model, feedback={"w_out": feedback}, rate_target=0.01, rate_strength=2.0)
        coming = iter([trials[0], *trials])
        run = dict(optimizer=optax_adam(), epochs=5, batch_size=2, window=90, mask=made["RECALLED"], progress=False)
        history = vg.fit(learner, lambda rng: next(coming), loss=model.readout.loss, **run)
    np.testing.assert_allclose(history["loss"], published, rtol=1e-9)


def test_optax_has_nests_adam():
    theirs, ours = adam(5e-3), optax_adam()
    draw = np.random.default_rng(0)
    w = want = np.zeros(50)
    memory = ours.init(w)
    for n in range(1, 7):
        g = draw.normal(size=50) * 10.0 ** draw.uniform(-9, -2, 50)
        change, memory = ours.update(jnp.asarray(g), memory)
        w = optax.apply_updates(w, change)
        (want,) = theirs(n, [want], [g])
        np.testing.assert_allclose(w, want, rtol=1e-12)
