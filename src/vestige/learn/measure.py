"""What a learner says of sequences, each from a fresh state, and how good that is."""

from collections.abc import Callable, Mapping
from typing import Any

import brainstate
import jax
import jax.numpy as jnp
import numpy as np

from .learner import Learner
from .program import Metric
from .progress import Row
from .sequences import Sequences, batch, checked, mask_of
from .window import Loss


def predictor(learner: Learner) -> Callable[[Any], Any]:
    """A compiled function from sequences `[N, T, ...]` to outputs `[N, T, ...]` (NumPy), each from a fresh state.

    No trace is computed; it reads the weights of the moment.
    """
    B = learner.batch_size

    @brainstate.transform.jit
    def run(xs: Any) -> Any:
        learner.reset()
        return learner.evolve(xs, None, first=True, last=True)

    def predict(xs: Any) -> Any:
        count, found = len(jax.tree.leaves(xs)[0]), []
        for start in range(0, count, B or 1):
            # the last batch repeats its last sequence, so that one compiled program serves all
            index = np.minimum(np.arange(start, start + (B or 1)), count - 1)
            outputs = jax.tree.map(np.asarray, run(batch(xs, index, B)))
            found.append(outputs if B is None else jax.tree.map(lambda a: a.swapaxes(0, 1), outputs))
        learner.reset()
        join = (lambda *a: np.stack(a)) if B is None else (lambda *a: np.concatenate(a)[:count])
        return jax.tree.map(join, *found)

    return predict


def measure(
    predict: Callable[[Any], Any], data: Sequences, loss: Loss, *,
    metrics: Mapping[str, Metric] | None = None, mask: Any = None,
) -> Row:  # fmt: skip
    """Mean loss of a step, and the metrics, over all sequences at once; `predict` is a learner's `predictor`."""
    xs, targets = checked(data, "data")
    mask = mask_of(mask, jax.tree.leaves(xs)[0].shape[1])
    outputs, targets = jax.tree.map(lambda a: jnp.asarray(a).swapaxes(0, 1), (predict(xs), targets))
    row = {"loss": jnp.sum(jax.vmap(loss)(outputs, targets) * mask) / mask.sum()}
    row |= {name: f(outputs, targets) for name, f in (metrics or {}).items()}
    return {name: float(value) for name, value in row.items()}
