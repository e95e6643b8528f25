"""The training loop: epochs of sequences, online updates, metrics, checkpoints."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import brainstate
import jax
import jax.numpy as jnp
import numpy as np
import optax

from . import checkpoint as files
from .learner import Learner
from .window import Loss

Sequences = tuple[Any, Any]
Metric = Callable[[Any, Any], jax.Array]
Row = dict[str, float]


@dataclass
class History:
    """What each epoch gave: `history["loss"]` [epochs], one row of numbers an epoch in `rows`."""

    rows: list[Row] = field(default_factory=list)

    def __getitem__(self, name: str) -> np.ndarray:
        return np.array([row[name] for row in self.rows])


@dataclass(frozen=True)
class Plan:
    """How a batch becomes updates."""

    loss: Loss
    optimizer: optax.GradientTransformation
    every: int | Literal["end"]
    window: int | None
    mask: jax.Array
    metrics: Mapping[str, Metric]


def fit(
    learner: Learner, data: Sequences | Callable[[np.random.Generator], Sequences], *, loss: Loss,
    optimizer: optax.GradientTransformation, epochs: int = 1, batch_size: int | None = None,
    update_every: int | Literal["end"] = "end", window: int | None = None, mask: Any = None,
    metrics: Mapping[str, Metric] | None = None, validate: Sequences | None = None,
    checkpoint: str | Path | None = None, seed: int = 0, progress: bool = True,
    callbacks: Iterable[Callable[[int, Row], None]] = (),
) -> History:  # fmt: skip
    """Train the learner's model on sequences, each from a fresh state.

    Args:
        learner: compiled, or compiled here for the first example.
        data: `(xs [N, T, ...], targets [N, T, ...])`, one target a step; or a function that draws them anew for each epoch.
        loss: `loss(output, target) -> scalar`, on one step's output (batched, if the learner is).
        optimizer: of optax. It sees the gradient summed over the steps between two updates.
        batch_size: sequences at a time; None: as the learner was compiled.
        update_every: `"end"`: once a sequence. K: every K steps, inside the sequence; 1 is true online learning. Then
            the traces keep what they gathered under earlier weights.
        window: steps per window; None: all steps between two updates.
        mask: `[T]`, scales each step's loss.
        metrics: functions of `(outputs [T, B, ...], targets [T, B, ...])` to a scalar, such as an accuracy.
        validate: sequences to be measured after each epoch, as `val_loss` and `val_*`.
        checkpoint: a file, written after every epoch. If it exists already, training goes on from there.
        seed: of the order of the sequences, and of what `data` draws.
        progress: show a bar.
        callbacks: called with (epochs done, row) after each epoch.

    Raises:
        ValueError: data, mask or batch do not fit one another or the learner; before any weight moves.
        FloatingPointError: the loss is not finite; the weights are those of the epoch before.
    """
    draw = data if callable(data) else lambda rng: data
    if update_every != "end" and (not isinstance(update_every, int) or update_every < 1):
        raise ValueError(f"update_every is {update_every!r}; give 'end' or a number of steps of at least 1")
    first = _checked(draw(_rng(seed, 0)), "data")
    _compile(learner, first[0], batch_size)
    steps = jax.tree.leaves(first[0])[0].shape[1]
    plan = Plan(loss, optimizer, update_every, window, _mask(mask, steps), metrics or {})
    validate = validate and _checked(validate, "validate")
    weights = learner.model.states(brainstate.ParamState)
    update, memory, history = _updater(learner, plan), optimizer.init(_values(weights)), History()
    if checkpoint is not None and Path(checkpoint).exists():
        (values, memory), noted = files.load(checkpoint, (_values(weights), memory))
        _write(weights, values)
        history = History(noted["rows"])
    with _Bar(epochs, history, progress) as bar:
        for epoch in range(len(history.rows), epochs):
            now = first if epoch == 0 else _checked(draw(_rng(seed, epoch)), "data")
            memory, row = _epoch(learner, plan, update, memory, now, _rng(seed, epoch, 1), bar)
            if validate is not None:
                row |= {f"val_{k}": v for k, v in measure(learner, validate, loss, metrics=plan.metrics, mask=mask).items()}
            history.rows.append(row)
            if checkpoint is not None:
                files.save(checkpoint, (_values(weights), memory), {"rows": history.rows})
            bar.epoch(row)
            for callback in callbacks:
                callback(epoch + 1, row)
    return history
