"""A decision network of NEST's exact neurons learns online whom to listen to: six input weights, by D-RTRL.

python examples/wang_training.py            two minutes
python examples/wang_training.py out.png    and a figure
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

STEPS, BATCH = 400, 18  # of 0.5 ms; trials
COHERENCES = np.array([-60.0, -25.0, -10.0, 10.0, 25.0, 60.0])


def loss(gates, label):
    """Cross entropy of a batch at one step."""
    return optax.softmax_cross_entropy_with_integer_labels(20.0 * gates, label).mean()


def trials():
    """Rates of the stimuli `[steps, trials, 2]`, and which side has more."""
    evidence = np.repeat(COHERENCES, BATCH // 6)
    hertz = 100.0 * (1 + np.stack([evidence, -evidence], -1) / 100)
    on = (np.arange(STEPS) >= 60)[:, None, None]
    return (on * hertz).astype(np.float32), np.broadcast_to((evidence < 0).astype(int), (STEPS, BATCH))


def train(updates=45):
    """Loss of each batch, and the share of trials that chose A by coherence in each."""
    model = Choice()
    brainstate.nn.init_all_states(model)
    learner = vg.D_RTRL(model)
    learner.compile_graph(jnp.zeros(2), batch_size=BATCH)
    late, optimizer = (np.arange(STEPS) >= STEPS - 150) / 150.0, optax.adam(5e-3, 0.8, 0.95)
    memory, losses, chose = optimizer.init(model.gains.value), [], []
    for n in range(4 + updates + 4):  # nothing changes in the first four and the last
        learner.reset()
        res = learner.gradients(*trials(), loss=loss, window=10, mask=late)
        losses.append(float(res.losses.sum()))
        chose.append((res.outputs[-20:].mean(0) @ np.array([1, -1]) > 0).reshape(6, -1).mean(1))
        if 4 <= n < 4 + updates:
            change, memory = optimizer.update(*res.grads.values(), memory)
            model.gains.value = u.math.maximum(model.gains.value + change, 0.0 * u.nS)
        if n % 5 == 0:
            print(f"batch {n:2d}  loss {losses[-1]:.3f}  gains {model.gains.value.to_decimal(u.nS).round(2).tolist()}")
    return np.array(losses), np.array(chose)


def main(save=None):
    brainstate.random.seed(0)
    with brainstate.environ.context(dt=0.5 * u.ms):
        losses, chose = train()
    before, after = chose[:4].mean(0), chose[-4:].mean(0)
    right = [np.where(COHERENCES > 0, share, 1 - share).mean() for share in (before, after)]
    print(
        f"right before {right[0]:.0%}, after {right[1]:.0%}; A at",
        dict(zip(COHERENCES.tolist(), after.round(2).tolist())),
    )
    if save:
        nest.psychometric(COHERENCES, {"before": before, "after": after}, losses).savefig(save)
    assert right[1] > right[0] + 0.15 and losses[-4:].mean() < 0.8 * losses[:4].mean(), "it did not learn"


if __name__ == "__main__":
    main(*sys.argv[1:])
