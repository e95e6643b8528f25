"""A decision network of NEST's exact neurons is trained online to a wanted psychometric curve: where it turns, how steeply.

python examples/wang_curve.py out.png 0    some minutes; a figure; a seed
"""

import sys

import brainstate
import jax.numpy as jnp
import numpy as np
import optax
import saiunit as u
from parts.wang import Choice

import vestige as vg
from vestige import nest

STEPS, EACH, BATCHES = 400, 3, 12  # of 0.5 ms; trials of each evidence in a batch; batches of held-out trials
TRAINED, HELD_OUT = np.array([[-70.0, -45.0, -25.0, -5.0, 20.0, 50.0], [-85.0, -55.0, -35.0, -15.0, 5.0, 35.0]])
ON, LATE = np.arange(STEPS) >= 60, (np.arange(STEPS) >= STEPS - 150) / 150.0


def wanted(evidence):
    """Probability of choosing A: indifferent at -20 %, three to one at -3 %."""
    return 1.0 / (1.0 + np.exp(-(evidence + 20.0) / 15.0))


def loss(gates, target):
    """Cross entropy of a batch at one step, with probabilities as labels: least where choices are as frequent as wanted."""
    return optax.softmax_cross_entropy(20.0 * gates, target).mean()


def trials(levels):
    """Rates of the stimuli and wanted probabilities of both sides, `[steps, trials, 2]`."""
    both = np.stack([levels, -levels], -1).repeat(EACH, 0)
    share = np.stack([wanted(both[:, 0]), 1.0 - wanted(both[:, 0])], -1)[None].repeat(STEPS, 0)
    return np.float32(ON[:, None, None] * (100.0 + both)), np.float32(share)


def chosen(learner):
    """Share of new trials that choose A, by held-out evidence; nothing is learned."""
    learner.reset()
    gates = np.asarray(learner.evolve(trials(HELD_OUT)[0], window=10)[-20:].mean(0))
    return (gates[:, 0] > gates[:, 1]).reshape(-1, EACH).mean(1)


def train(learner, gains, updates=60):
    """Loss of each batch."""
    optimizer, losses = optax.adam(5e-3, 0.8, 0.95), []
    memory = optimizer.init(gains.value)
    for _ in range(updates):
        learner.reset()
        res = learner.gradients(*trials(TRAINED), loss=loss, window=10, mask=LATE)
        change, memory = optimizer.update(*res.grads.values(), memory)
        gains.value = u.math.maximum(gains.value + change, 0.0 * u.nS)
        losses.append(float(res.losses.sum()))
    return np.array(losses)


def main(save=None, seed=0):
    brainstate.random.seed(int(seed))
    with brainstate.environ.context(dt=0.5 * u.ms):
        brainstate.nn.init_all_states(model := Choice())
        learner = vg.D_RTRL(model)
        learner.compile_graph(jnp.zeros(2), batch_size=len(TRAINED) * EACH)
        many = lambda: np.mean([chosen(learner) for _ in range(BATCHES)], 0)
        before, losses, after = many(), train(learner, model.gains), many()
    curves = {"before": before, "wanted": wanted(HELD_OUT), "after": after}
    for name, curve in curves.items():
        print(f"{name:6}", *(f"  {level:.0f} %: {share:.2f}" for level, share in zip(HELD_OUT, curve)))
    off = [np.sqrt(np.mean((curve - wanted(HELD_OUT)) ** 2)) for curve in (before, after)]
    print(f"off by {off[0]:.2f} before, {off[1]:.2f} after")
    if save:
        nest.psychometric(HELD_OUT, curves, losses).savefig(save)
    assert off[1] < 0.6 * off[0], "it did not learn"


if __name__ == "__main__":
    main(*sys.argv[1:])
