"""The tutorial's own way to train a batch, and the learner's: the same gradients in the same units."""

import brainstate
import brainunit as u
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from play import define

import vestige as vg
from marks import slowly

STEPS, BATCH, N_IN, N_OUT = 12, 3, 5, 4
RULES = {"d_rtrl": vg.D_RTRL, "es_d_rtrl": lambda model: vg.ES_D_RTRL(model, decay_or_rank=0.9)}


def loss(out, labels):
    return optax.softmax_cross_entropy_with_integer_labels(out, labels).mean()


def as_the_tutorial(model, rule, xs, labels):
    """New states and a learner under `vmap_new_states`, `nn.Vmap`, and a scan over single steps."""
    weights = model.states(brainstate.ParamState)

    @brainstate.transform.jit
    def train(xs):
        learner = rule(model)

        @brainstate.transform.vmap_new_states(state_tag="new", axis_size=BATCH)
        def init():
            brainstate.nn.init_all_states(model)
            learner.compile_graph(xs[0, 0])

        init()
        batched = brainstate.nn.Vmap(learner, vmap_states="new")

        def step(total, x):
            grads = brainstate.transform.grad(lambda: loss(batched(x), labels), weights)()
            return jax.tree.map(jnp.add, total, grads), None

        return brainstate.transform.scan(step, jax.tree.map(jnp.zeros_like, weights.to_dict_values()), xs)[0]

    return train(xs)


def as_the_learner(model, rule, xs, labels, window):
    """One call."""
    brainstate.nn.init_all_states(model)
    learner = rule(model)
    learner.compile_graph(xs[0, 0], batch_size=BATCH)
    return learner.gradients(xs, jnp.broadcast_to(labels, (STEPS, BATCH)), loss=loss, window=window).grads


@pytest.mark.parametrize("rule", slowly(RULES, ["d_rtrl"]))
def test_the_tutorials_batching_gives_the_learners_gradients(rule):
    brainstate.random.seed(0)
    rule = RULES[rule]
    names = define("002", 2)
    draw = np.random.default_rng(0)
    xs = jnp.asarray(draw.random((STEPS, BATCH, N_IN)) < 0.5, jnp.float32)
    labels = jnp.asarray(draw.integers(0, N_OUT, BATCH))
    with brainstate.environ.context(dt=1.0 * u.ms):
        model = names["LIF_SNN"](N_IN, 6, N_OUT)
        weight = model.linear.weight
        # the tutorial steps its neuron twice: the second, without input, resets what the first would have shown
        weight.value = {k: 40 * w for k, w in weight.value.items()}
        wanted = as_the_tutorial(model, rule, xs, labels)
        for window in (1, 5):
            ours = as_the_learner(model, rule, xs, labels, window)
            assert jax.tree.structure(ours) == jax.tree.structure(wanted)
            for a, b in zip(jax.tree.leaves(ours), jax.tree.leaves(wanted)):
                assert np.abs(b).max() > 0
                np.testing.assert_allclose(a, b, atol=1e-5 * np.abs(b).max())
