"""A cell's conductances from its voltage, online: of sodium, potassium and leak, from five wrong starts at once.

The recording drives the model: a current in proportion to the error pulls its voltage towards the recorded one, so that it spikes
when the cell does and the error is smooth in the conductances. Where they are right, that current has nothing left to do.

python examples/fit_hh.py              a minute
python examples/fit_hh.py 3 out.png    with the seed 3, and a figure
"""

import sys

import brainstate
import jax.numpy as jnp
import numpy as np
import optax
import saiunit as u
from parts.recorded import DT, TRUE, Cells, answer, count, wandering

import vestige as vg

STEPS, EVERY = 40_000, 100  # of the recording; between two updates


def loss(v, recorded):
    """Huber's, mV: the few steps of a spike do not outweigh all others."""
    return optax.losses.huber_loss(v - recorded, delta=1.0).mean()


def fit(start, current, recorded, pull=80.0 * u.nS):
    """Loss between two updates `[updates]`, and conductances over the true ones after each `[updates, names, cells]`."""
    model = Cells(pull, start)
    brainstate.nn.init_all_states(model)
    learner, optimizer = (
        vg.D_RTRL(model),
        optax.adam(optax.exponential_decay(0.1, len(current) // EVERY, 0.02), 0.9, 0.99),
    )
    learner.compile_graph(jnp.zeros(2))
    weights = model.states(brainstate.ParamState)
    memory, losses, path = optimizer.init(weights.to_dict_values()), [], []
    xs = np.stack([current, np.concatenate([[-65.0], recorded[:-1]])], -1).astype(np.float32)
    for n in range(0, len(xs), EVERY):  # states and traces go on from one update to the next
        res = learner.gradients(xs[n : n + EVERY], recorded[n : n + EVERY], loss=loss, window=EVERY)
        change, memory = optimizer.update(res.grads, memory)
        for key, new in optax.apply_updates(weights.to_dict_values(), change).items():
            weights[key].value = new
        losses.append(float(res.losses.mean()))
        path.append(model.ratios())
        if len(losses) % 50 == 0:
            print(
                f"{(n + EVERY) * DT:5.0f} ms  loss {np.mean(losses[-50:]):.3f}  worst conductance {off(path[-1]):.1%} off"
            )
    return np.array(losses), np.array(path)


def off(ratios):
    """How far the worst conductance is from the true one."""
    return float(np.abs(ratios - 1).max())


def main(seed=0, save=None):
    rng = np.random.default_rng(int(seed))
    true = {name: np.array([g]) for name, g in TRUE.items()}
    start = {name: g * np.exp(rng.uniform(-0.7, 0.7, 5)) for name, g in TRUE.items()}
    current, unseen = wandering(STEPS, rng), wandering(12_000, rng)
    with brainstate.environ.context(dt=DT * u.ms):
        recorded = answer(current, true)[:, 0] + 0.5 * rng.normal(size=STEPS)  # the electrode's noise, mV
        losses, path = fit(start, current, recorded.astype(np.float32))
        found = dict(zip(TRUE, path[-1] * np.array(list(TRUE.values()))[:, None]))
        free = {"cell": answer(unseen, true), "before": answer(unseen, start), "after": answer(unseen, found)}
    print(f"all within {off(path[0]):.0%} after the first update, {off(path[-1]):.1%} after the last")
    print("spikes in a current never seen:", {name: count(v).tolist() for name, v in free.items()})
    if save:
        from parts.figures import fitting

        fitting(losses, path, {name: v[:, 0] for name, v in free.items()}, list(TRUE), DT, EVERY).savefig(save)
    assert off(path[-1]) < 0.03 and losses[-50:].mean() < 0.4 * losses[:50].mean(), "the conductances were not found"


if __name__ == "__main__":
    main(*sys.argv[1:])
