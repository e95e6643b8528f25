"""`fit`: the training loop for sequences, one seed or several at once."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax

from .course import Course
from .learner import Learner, NotCompiledError
from .logs import Log, Logs, logs_of
from .measure import measure, predictor
from .pieces import Window
from .program import Metric, Plan
from .progress import Row
from .seeds import first_values, gathered
from .sequences import Sequences, checked, mask_of
from .stop import EarlyStop
from .training import Training, rng_of
from .window import Loss

__all__ = ["History", "fit", "fit_seeds", "measure", "predictor"]
Drawn = Sequences | Callable[[np.random.Generator], Sequences]


@dataclass
class History:
    """What each epoch gave: `history["loss"]` [epochs], one row of numbers an epoch in `rows`.

    `said`: with an early stop, which epoch's weights were kept and why the training ended.
    """

    rows: list[Row] = field(default_factory=list)
    said: str = ""

    def __getitem__(self, name: str) -> np.ndarray:
        return np.array([row[name] for row in self.rows])


def fit(
    learner: Learner, data: Drawn, *, loss: Loss, optimizer: optax.GradientTransformation, epochs: int = 1,
    batch_size: int | None = None, update_every: int | Literal["end"] = "end", window: Window = None,
    mask: Any = None, metrics: Mapping[str, Metric] | None = None, validate: Sequences | None = None,
    stop: EarlyStop | None = None, checkpoint: str | Path | None = None, checkpoint_every: int | None = None,
    log: str | Path | Log | Iterable[Any] | None = None, seed: int = 0, progress: bool | Mapping[str, Any] = True,
    callbacks: Iterable[Callable[[int, Row], None]] = (),
) -> History:  # fmt: skip
    """Train the learner's model on sequences, each from a fresh state.

    Args:
        learner: compiled, or compiled here for the first example.
        data: `(xs [N, T, ...], targets [N, T, ...])`, one target a step; or a function that draws them
            anew for each epoch.
        loss: `loss(output, target) -> scalar`, on one step's output (batched, if the learner is).
        optimizer: of optax, with schedules and clipping as it has them. It sees the gradient summed over the steps between
            two updates.
        batch_size: sequences at a time; None: as the learner was compiled.
        update_every: `"end"`: once a sequence. K: every K steps inside it, 1 is true online learning; the traces then
            keep what they gathered under earlier weights.
        window: steps per window, "auto" or a `Budget`, as for `gradients`; None: all steps between two updates.
        mask: `[T]`, scales each step's loss.
        metrics: functions of `(outputs [T, B, ...], targets [T, B, ...])` to a scalar, such as an accuracy.
        validate: sequences to be measured after each epoch, as `val_loss` and `val_*`.
        stop: an `EarlyStop`: ends the training early, and gives the weights of the best epoch in any case.
        checkpoint: a file, written after every epoch: weights, optimiser, states, traces, random keys. If it exists already,
            training goes on from there, to the same numbers as if it had never ended.
        checkpoint_every: also after so many updates, inside epochs and inside long sequences.
        log: a path for lines of JSON, a `JsonLines`, a `TensorBoard`, or several.
        seed: of the order of the sequences, and of what `data` draws.
        progress: show a bar; or options of tqdm for it.
        callbacks: called with (epochs done, row) after each epoch.

    Returns:
        A `History`. Rows have `loss`, `firing` (spikes per neuron and step, mean over populations, if any), the metrics, `val_*`.

    Raises:
        ValueError: data, mask or batch do not fit one another or the learner; before any weight moves.
        CheckpointError: the checkpoint is of another model or other settings, or cannot be written; before any weight moves.
        FloatingPointError: the loss or a weight is not finite; the weights are those of the epoch before.
    """
    first, plan, course = _asked(
        learner, data, batch_size, loss=loss, optimizer=optimizer, epochs=epochs, update_every=update_every, window=window,
        mask=mask, metrics=metrics, validate=validate, stop=stop, checkpoint=checkpoint, checkpoint_every=checkpoint_every,
        log=log, seeds=(seed,), many=False, progress=progress, callbacks=callbacks,
    )  # fmt: skip
    rows = Training(learner, plan, course, first).run()[0]
    return History(rows, stop.told(rows) if stop and rows else "")


class Run(NamedTuple):
    """One seed's learner, trained, and its history."""

    learner: Learner
    history: History


def fit_seeds(
    build: Callable[[int], Learner], data: Drawn, *, seeds: Iterable[int], batch_size: int | None = None, **how: Any
) -> list[Run]:
    """Train one network per seed, all at once: one compiled program, mapped over their weights.

    The numbers are those of `fit(build(seed), data, seed=seed, ...)` for each seed, up to the order of sums.

        def build(seed):
            brainstate.random.seed(seed)
            net = Net()
            brainstate.nn.init_all_states(net)
            return vestige.D_RTRL(net)

        runs = vestige.fit_seeds(build, data, seeds=range(5), loss=loss, optimizer=optax.adam(1e-3), batch_size=32)

    Args:
        build: makes the learner of a seed. Learners may differ in the values of their parameters and states, feedback
            weights and random keys, and in nothing else.
        seeds: as many as fit into memory together; each also orders, and draws, its own data.
        how: as for `fit`, without callbacks.

    Returns:
        A `Run` for each seed: learner and history.

    Raises:
        ValueError: learners of two seeds differ in structure or in constants. Others: see `fit`.
    """
    seeds = tuple(int(seed) for seed in seeds)
    if not seeds or len(set(seeds)) < len(seeds):
        raise ValueError(f"seeds are {seeds}; give at least one, and none twice")
    if how.get("callbacks"):
        raise ValueError("several seeds at once take no callbacks: read the histories, or give a log")
    first, learners, starts = None, [], []
    for seed in seeds:
        learner = build(seed)
        first = first or checked(_drawer(data)(rng_of(seed, 0)), "data")
        _compile(learner, first[0], batch_size)
        learners.append(learner)
        starts.append(first_values(learner))
    first, plan, course = _asked(learners[0], data, batch_size, seeds=seeds, many=True, **how)
    training = Training(learners[0], plan, course, first, lambda program: gathered(program, learners, starts))
    rows = training.run()
    for n in reversed(range(len(seeds))):  # the first one last: it is the vehicle of all
        training.hand_over(learners[n], n)
    said = [course.stop.told(r) if course.stop and r else "" for r in rows]
    return [Run(learner, History(r, s)) for learner, r, s in zip(learners, rows, said)]


def _drawer(data: Drawn) -> Callable[[np.random.Generator], Sequences]:
    return data if callable(data) else lambda rng: data


def _asked(
    learner: Learner, data: Drawn, batch_size: int | None, *, loss: Loss, optimizer: optax.GradientTransformation,
    seeds: tuple[int, ...], many: bool, epochs: int = 1, update_every: int | Literal["end"] = "end",
    window: Window = None, mask: Any = None, metrics: Mapping[str, Metric] | None = None,
    validate: Sequences | None = None, stop: EarlyStop | None = None, checkpoint: str | Path | None = None,
    checkpoint_every: int | None = None, log: Any = None, progress: bool | Mapping[str, Any] = True,
    callbacks: Iterable[Callable[[int, Row], None]] = (),
) -> tuple[Sequences, Plan, Course]:  # fmt: skip
    """(first data, plan, course), if all that was asked for fits."""
    if update_every != "end":
        _count("update_every", update_every, "'end' or a number of steps")
    if checkpoint_every is not None:
        _count("checkpoint_every", checkpoint_every, "a number of updates")
        if checkpoint is None:
            raise ValueError("checkpoint_every needs a file: fit(..., checkpoint=path)")
    draw = _drawer(data)
    first = checked(draw(rng_of(seeds[0], 0)), "data")
    _compile(learner, first[0], batch_size)
    metrics, validate = metrics or {}, validate and checked(validate, "validate")
    known = {"loss", *metrics, *(["firing"] if learner.graph.spikes else [])}
    known |= {f"val_{name}" for name in ("loss", *metrics)} if validate else set()
    if stop is not None and stop.metric not in known:
        raise ValueError(
            f"no `{stop.metric}` to stop by; there are {', '.join(sorted(known))}. `val_*` needs validate="
        )
    steps = jax.tree.leaves(first[0])[0].shape[1]
    plan = Plan(loss, optimizer, update_every, window, mask_of(mask, steps), metrics, checkpoint_every)
    course = Course(
        epochs, seeds, many, draw, validate, mask, stop, checkpoint and Path(checkpoint), checkpoint_every,
        Logs(logs_of(log)), tuple(callbacks), progress,
    )  # fmt: skip
    return first, plan, course


def _count(name: str, value: Any, what: str) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise ValueError(f"{name} is {value!r}; give {what} of at least 1")


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
