"""The training loop: epochs of sequences, online updates, metrics, checkpoints."""

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import brainstate
import jax
import jax.numpy as jnp
import numpy as np
import optax

from . import checkpoint as files
from .learner import Learner, NotCompiledError
from .progress import Bar, Row
from .sequences import Sequences, batch, checked, mask_of
from .window import Loss

Metric = Callable[[Any, Any], jax.Array]


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
    checkpoint: str | Path | None = None, seed: int = 0, progress: bool | Mapping[str, Any] = True,
    callbacks: Iterable[Callable[[int, Row], None]] = (),
) -> History:  # fmt: skip
    """Train the learner's model on sequences, each from a fresh state.

    Args:
        learner: compiled, or compiled here for the first example.
        data: `(xs [N, T, ...], targets [N, T, ...])`, one target a step; or a function that draws them
            anew for each epoch.
        loss: `loss(output, target) -> scalar`, on one step's output (batched, if the learner is).
        optimizer: of optax. It sees the gradient summed over the steps between two updates.
        batch_size: sequences at a time; None: as the learner was compiled.
        update_every: `"end"`: once a sequence. K: every K steps inside it, 1 is true online learning; the traces then
            keep what they gathered under earlier weights.
        window: steps per window; None: all steps between two updates.
        mask: `[T]`, scales each step's loss.
        metrics: functions of `(outputs [T, B, ...], targets [T, B, ...])` to a scalar, such as an accuracy.
        validate: sequences to be measured after each epoch, as `val_loss` and `val_*`.
        checkpoint: a file, written after every epoch. If it exists already, training goes on from there.
        seed: of the order of the sequences, and of what `data` draws.
        progress: show a bar; or options of tqdm for it.
        callbacks: called with (epochs done, row) after each epoch.

    Raises:
        ValueError: data, mask or batch do not fit one another or the learner; before any weight moves.
        FloatingPointError: the loss is not finite; the weights are those of the epoch before.
    """
    draw = data if callable(data) else lambda rng: data
    if update_every != "end" and (not isinstance(update_every, int) or update_every < 1):
        raise ValueError(f"update_every is {update_every!r}; give 'end' or a number of steps of at least 1")
    first = checked(draw(_rng(seed, 0)), "data")
    _compile(learner, first[0], batch_size)
    steps = jax.tree.leaves(first[0])[0].shape[1]
    plan = Plan(loss, optimizer, update_every, window, mask_of(mask, steps), metrics or {})
    validate = validate and checked(validate, "validate")
    weights = learner.model.states(brainstate.ParamState)
    update, predict = _updater(learner, plan), predictor(learner)
    memory, history = optimizer.init(_values(weights)), History()
    if checkpoint is not None and Path(checkpoint).exists():
        (values, memory), noted = files.load(checkpoint, (_values(weights), memory))
        _write(weights, values)
        history = History(noted["rows"])
    drawn = lambda epoch: checked(draw(_rng(seed, epoch)), "data") if epoch < epochs else None
    with Bar(epochs, len(history.rows), progress) as bar, ThreadPoolExecutor(1) as ahead:
        coming = ahead.submit(drawn, len(history.rows))
        for epoch in range(len(history.rows), epochs):
            now, coming = coming.result(), ahead.submit(drawn, epoch + 1)
            memory, row = _epoch(learner, update, memory, now, _rng(seed, epoch, 1), bar)
            if validate is not None:
                found = measure(predict, validate, loss, metrics=plan.metrics, mask=mask)
                row |= {f"val_{name}": value for name, value in found.items()}
            history.rows.append(row)
            if checkpoint is not None:
                files.save(checkpoint, (_values(weights), memory), {"rows": history.rows})
            bar.epoch(row)
            for callback in callbacks:
                callback(epoch + 1, row)
    return history


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


def _updater(learner: Learner, plan: Plan) -> Callable[[Any, Any, Any], tuple[Any, Row]]:
    """One batch of sequences, compiled whole: fresh state, gradients, updates."""
    weights = learner.model.states(brainstate.ParamState)

    def piece(memory: Any, now: Any) -> tuple[Any, Any]:
        xs, targets, mask = now
        whole = plan.every == "end"
        out = learner.gradients(xs, targets, plan.loss, plan.window, mask=mask, first=whole, last=whole)
        values = _values(weights)
        change, memory = plan.optimizer.update(out.grads, memory, values)
        _write(weights, optax.apply_updates(values, change))
        return memory, (out.losses, out.outputs)

    def update(memory: Any, xs: Any, targets: Any) -> tuple[Any, Row]:
        learner.reset()
        data, T = (xs, targets, plan.mask), len(plan.mask)
        K = T if plan.every == "end" else min(plan.every, T)
        if K == T:
            memory, (losses, outputs) = piece(memory, data)
        else:
            cut = jax.tree.map(lambda a: a[: T - T % K].reshape(T // K, K, *a.shape[1:]), data)
            memory, out = brainstate.transform.scan(piece, memory, cut)
            losses, outputs = jax.tree.map(lambda a: a.reshape(T // K * K, *a.shape[2:]), out)
        if T % K:
            memory, rest = piece(memory, jax.tree.map(lambda a: a[T - T % K :], data))
            losses, outputs = jax.tree.map(lambda *a: jnp.concatenate(a), (losses, outputs), rest)
        row = {"loss": losses.sum() / plan.mask.sum()}
        return memory, row | {name: f(outputs, targets) for name, f in plan.metrics.items()}

    return brainstate.transform.jit(update)


def _epoch(
    learner: Learner, update: Any, memory: Any, data: Sequences, rng: np.random.Generator, bar: Bar
) -> tuple[Any, Row]:
    weights = learner.model.states(brainstate.ParamState)
    before, B, count = _values(weights), learner.batch_size, len(jax.tree.leaves(data)[0])
    order, size = rng.permutation(count), B or 1
    bar.begin(count // size)
    rows = []
    for n in range(count // size):
        memory, row = update(memory, *batch(data, order[n * size : (n + 1) * size], B))
        rows.append({name: float(value) for name, value in row.items()})
        if not np.isfinite(rows[-1]["loss"]):
            _write(weights, before)
            raise FloatingPointError(
                f"the loss became {rows[-1]['loss']} in batch {n + 1} of the epoch; the weights are those before it. "
                "Lower the learning rate, clip the gradient, or look at the firing rates with `audit`."
            )
        bar.step(rows[-1])
    learner.reset()
    return memory, {name: float(np.mean([row[name] for row in rows])) for name in rows[0]}


def _rng(*seed: int) -> np.random.Generator:
    """Every epoch has generators of its own, so that a resumed run draws what the first would have drawn."""
    return np.random.default_rng(seed)


def _values(weights: Any) -> dict[Any, Any]:
    return {path: state.value for path, state in weights.items()}


def _write(weights: Any, values: Mapping[Any, Any]) -> None:
    for path, state in weights.items():
        state.value = values[path]


def _compile(learner: Learner, xs: Any, batch_size: int | None) -> None:
    try:
        learner.graph  # noqa: B018
    except NotCompiledError:
        learner.compile_graph(jax.tree.map(lambda a: jnp.asarray(a[0, 0]), xs), batch_size=batch_size)
    if batch_size not in (None, learner.batch_size):
        raise ValueError(
            f"batch_size is {batch_size}, but the learner was compiled for {learner.batch_size}: "
            f"call compile_graph(x, batch_size={batch_size})"
        )
    count = len(jax.tree.leaves(xs)[0])
    if count < (learner.batch_size or 1):
        raise ValueError(f"{count} sequences do not fill one batch of {learner.batch_size}")
