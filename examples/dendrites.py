"""Branched cells learn online to bind features: to respond to red squares and blue circles, not to blue squares and red circles.

No point neuron can: what the wanted pairs give it together, the others give it too. Here every feature reaches every branch,
and two of them on one branch set off an NMDA spike: a cell has to find a branch for each pair that it wants. It learns after each
batch of trials, by D-RTRL; backpropagation through time beside it, and cells without a dendrite.

python examples/dendrites.py              two minutes
python examples/dendrites.py 3 out.png    with the seed 3, and a figure
"""

import sys

import brainstate
import jax.numpy as jnp
import numpy as np
import optax
import saiunit as u
from parts.binding import FEATURES, STEPS, Population, branched, point, trials, watched

import vestige as vg

BATCH, UPDATES, THRESHOLD = 8, 60, -57.0  # mV
LATE = (np.arange(STEPS) >= STEPS // 2) / (STEPS // 2)  # a trial is judged in its second half


def loss(v, wanted):
    """Cross entropy: a soma should be above the threshold where its cell is to respond, below it elsewhere."""
    return optax.sigmoid_binary_cross_entropy((v - THRESHOLD) / 2.0, wanted).mean()


def train(rule, window, body, seed=0, updates=UPDATES):
    """The model; loss `[updates]`, and share of right answers `[updates, cells]`, to trials that were never seen before."""
    model, rng = Population(body, seed), np.random.default_rng(100 + seed)
    brainstate.nn.init_all_states(model)
    learner, optimizer = rule(model), optax.adam(0.08, 0.8, 0.97)
    learner.compile_graph(jnp.zeros(len(FEATURES)), batch_size=BATCH)
    weights, losses, right = model.states(brainstate.ParamState), [], []
    memory = optimizer.init(weights.to_dict_values())
    for n in range(updates):
        x, wanted = trials(BATCH, rng)
        learner.reset()
        res = learner.gradients(x, wanted, loss=loss, window=window, mask=LATE)
        change, memory = optimizer.update(res.grads, memory)
        for path, new in optax.apply_updates(weights.to_dict_values(), change).items():
            weights[path].value = new
        losses.append(float(res.losses.sum()))
        right.append(((np.tensordot(LATE, res.outputs, 1) > THRESHOLD) == wanted[0]).mean(0))
        if n % 20 == 19:
            print(f"  {n + 1:3d} batches  loss {np.mean(losses[-20:]):.3f}  right {np.mean(right[-20:]):.1%}")
    return model, np.array(losses), np.array(right)


def main(seed=0, save=None):
    arms = {
        "D-RTRL": (vg.D_RTRL, 12, branched()),
        "BPTT": (vg.BPTT, STEPS, branched()),
        "point": (vg.D_RTRL, 12, point()),
    }
    found = {}
    with brainstate.environ.context(dt=0.5 * u.ms):
        for name, arm in arms.items():
            print(name)
            found[name] = train(*arm, seed=int(seed))
        if save:
            from parts.figures import binding

            binding(
                {name: right for name, (_, _, right) in found.items()}, *watched(found["D-RTRL"][0]), THRESHOLD
            ).savefig(save)
    last = {name: right[-10:].mean(0) for name, (_, _, right) in found.items()}
    print("last ten batches, worst and best cell:", {k: f"{v.min():.1%} {v.max():.1%}" for k, v in last.items()})
    assert last["D-RTRL"].min() > 0.9 and last["point"].max() <= 0.75, "the dendrite made no difference"


if __name__ == "__main__":
    main(*sys.argv[1:])
