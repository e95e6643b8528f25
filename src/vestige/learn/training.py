"""The course of a training: epochs of batches, what is measured and written down, and where a killed one goes on."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from . import checkpoint as files
from .course import Course, Place
from .learner import Learner
from .measure import measure, predictor
from .program import Found, Plan, Program, Values, cut, stack
from .progress import Bar, Row
from .sequences import Sequences, batch, checked


class Training:
    """One training, from its start or from a checkpoint."""

    def __init__(self, learner: Learner, plan: Plan, course: Course, example: Sequences, values: Any = None):
        self.learner, self.plan, self.course = learner, plan, course
        self.B, self.noted = learner.batch_size, None
        if course.checkpoint is not None and files.writable(course.checkpoint).exists():
            self.noted = self._noted(course.checkpoint)
        self.example = self._batch([example] * len(course.seeds), [np.arange(self.B or 1)] * len(course.seeds))
        one = cut(self.example, 0) if course.many else self.example
        self.program = Program(learner, plan, one, course.many)
        self.values: Values = self.program.read() if values is None else values(self.program)
        self.memory = self.program.init(self.program.params(self.values))
        self.best = self.sound = self.program.params(self.values)
        self.found: tuple[Found, ...] = ()
        self.at = Place(sums=[{} for _ in course.seeds], rows=[[] for _ in course.seeds])
        self.predict = predictor(learner)

    def run(self) -> list[list[Row]]:
        """Train to the end; rows by seed."""
        course, at = self.course, self.at
        if self.noted is not None:
            at = self._resume(course.checkpoint, self.noted)
        drawn = lambda epoch: [self._drawn(s, epoch) for s in course.seeds] if epoch < course.epochs else None
        try:
            # a sequence is written down when it ends
            course.logs.begin(at.epoch, at.updates - sum(map(self.plan.count, self.plan.pieces[: at.piece])))
            with Bar(course.epochs, at.epoch, course.progress) as self.bar, ThreadPoolExecutor(1) as ahead:
                coming = ahead.submit(drawn, at.epoch)
                while at.epoch < course.epochs and not self._over():
                    now, coming = coming.result(), ahead.submit(drawn, at.epoch + 1)
                    self._epoch(now)
                self._keep_best()
        finally:
            self.publish()
            course.logs.end()
        return at.rows

    def publish(self, seed: int = 0) -> None:
        """Write one seed's values into the learner, at the start of a sequence."""
        self.program.write(self.of(self.values, seed))
        self.learner.reset()

    @property
    def _seeds(self) -> list[Any]:
        """As logs name them; None for one alone."""
        return list(self.course.seeds) if self.course.many else [None]

    def of(self, tree: Any, seed: int) -> Any:
        return cut(tree, seed) if self.course.many else tree

    def hand_over(self, learner: Learner, seed: int) -> None:
        """Write one seed's values into its own learner."""
        values, own = self.of(self.values, seed), dict(learner.states().items())
        for path, state in self.learner.states().items():
            name = self.program.names.get(id(state))
            if name is not None:
                own[path].value = values[name]
        learner.reset()

    # -- an epoch, a sequence

    def _epoch(self, data: list[Sequences]) -> None:
        at, course, count, size = self.at, self.course, len(jax.tree.leaves(data[0])[0]), self.B or 1
        orders = [rng_of(seed, at.epoch, 1).permutation(count) for seed in course.seeds]
        self.sound = self.program.params(self.values)
        self.bar.begin(count // size, at.batch)
        while at.batch < count // size:
            now = slice(at.batch * size, (at.batch + 1) * size)
            self._sequence(self._batch(data, [order[now] for order in orders]))
        rows = [{name: total / at.batch for name, total in sums.items()} for sums in at.sums]
        for n, row in enumerate(rows):
            self._measured(n, row)
        at.epoch, at.batch, at.sums = at.epoch + 1, 0, [{} for _ in rows]
        course.logs.epoch(self._seeds, at.epoch, at.updates, rows)
        if course.checkpoint is not None:
            self.save()
        self.bar.epoch(mean(rows))
        self.publish()
        for callback in course.callbacks:
            callback(at.epoch, rows[0])
        if not course.many:  # a callback may have changed the weights
            self.values = {**self.values, **{n: s.value for n, s in self.program.weight_states.items()}}

    def _measured(self, n: int, row: Row) -> None:
        """The epoch's row of one seed, with what validation gives; and its weights, if they are the best so far."""
        course, rows = self.course, self.at.rows[n]
        if course.validate is not None:
            self.publish(n)
            found = measure(self.predict, course.validate, self.plan.loss, metrics=self.plan.metrics, mask=course.mask)
            row |= {f"val_{name}": value for name, value in found.items()}
        done = course.stop is not None and course.stop.over(rows)
        rows += [] if done else [row]
        if course.stop is not None and not done and course.stop.at(rows) == len(rows) - 1:
            now = self.program.params(self.values)
            put = lambda old, new: old.at[n].set(new[n])
            self.best = jax.tree.map(put, self.best, now) if course.many else now

    def _sequence(self, data: Sequences) -> None:
        """One batch, from where its updates are."""
        at, plan, pieces = self.at, self.plan, self.plan.pieces
        for steps in pieces[at.piece :]:
            xs, targets = self._cut(data, steps)
            out = self.program.advance[steps.start == 0](self.values, self.memory, xs, targets, plan.masked(steps))
            self.values, self.memory, found = out
            before, self.found = at.updates, (*self.found, found)
            at.piece, at.updates = at.piece + 1, at.updates + plan.count(steps)
            if at.piece == len(pieces):
                self._judged(data[1])
            every = self.course.checkpoint_every
            if every and at.updates // every > before // every:
                self.save()

    def _judged(self, targets: Any) -> None:
        at = self.at
        row, losses, sound = jax.device_get(self.program.judge(self.found, targets))
        each = [(self.of(row, n), self.of(losses, n), self.of(sound, n)) for n in range(len(at.rows))]
        names = [name for name in ("loss", "firing", *self.plan.metrics) if name in each[0][0]]
        rows = [{name: float(row[name]) for name in names} for row, _, _ in each]
        for n, (_, _, sound) in enumerate(each):
            if not (np.isfinite(rows[n]["loss"]) and sound):
                self._unsound(n, rows[n]["loss"])
            at.sums[n] = {name: at.sums[n].get(name, 0.0) + value for name, value in rows[n].items()}
        self.course.logs.sequence(self._seeds, at.updates, rows, [losses for _, losses, _ in each])
        at.batch, at.piece, self.found = at.batch + 1, 0, ()
        self.bar.step(mean(rows))

    def _unsound(self, n: int, loss: float | None) -> None:
        """Give the last weights back, and stop."""
        self.values = {**self.values, **self.program.named(self.sound)}
        seed = f", seed {self.course.seeds[n]}" if self.course.many else ""
        what = "weights are not finite any more" if loss is None or np.isfinite(loss) else f"the loss became {loss}"
        raise FloatingPointError(
            f"{what} in batch {self.at.batch + 1} of epoch {self.at.epoch + 1}{seed}; the weights are those before it. "
            "Lower the learning rate, clip the gradient, or look at the firing rates with `audit`."
        )

    # -- data

    def _drawn(self, seed: int, epoch: int) -> Sequences:
        return checked(self.course.draw(rng_of(seed, epoch)), "data")

    def _batch(self, data: list[Sequences], index: list[np.ndarray]) -> Any:
        parts = [batch(d, i, self.B) for d, i in zip(data, index)]
        return jax.tree.map(jnp.asarray, stack(parts) if self.course.many else parts[0])

    def _cut(self, data: Any, steps: slice) -> Any:
        many = (slice(None), steps) if self.course.many else steps
        return data if steps.stop - steps.start == len(self.plan.mask) else jax.tree.map(lambda a: a[many], data)

    # -- the end

    def _over(self) -> bool:
        return self.course.stop is not None and all(map(self.course.stop.over, self.at.rows))

    def _keep_best(self) -> None:
        if self.course.stop is None or not self.at.epoch:
            return
        self.values = {**self.values, **self.program.named(self.best)}
        for seed, rows in zip(self.course.seeds, self.at.rows):
            self.bar.say((f"seed {seed}: " if self.course.many else "") + self.course.stop.told(rows))

    # -- checkpoints

    def save(self) -> None:
        """All that the next step depends on, in one file."""
        if self.found and not all(np.asarray(f.sound).all() for f in self.found):
            self._unsound(0, None)
        at, course = asdict(self.at), self.course
        rows = at.pop("rows")
        told = {"rows": rows if course.many else rows[0], "at": at, "settings": self._settings()}
        files.save(course.checkpoint, self._tree(self.at.piece), told)

    def _tree(self, pieces: int) -> dict[str, Any]:
        """What a checkpoint holds; traces only inside a sequence."""
        fleeting = () if pieces else self.program.fleeting
        values = {name: value for name, value in self.values.items() if name not in fleeting}
        best = {} if self.course.stop is None else self.best
        return {"values": values, "memory": self.memory, "best": best, "found": self.found}

    def _settings(self) -> dict[str, Any]:
        """What must be the same for the numbers to be the same, as far as it can be told."""
        plan, course = self.plan, self.course
        return {
            "seeds": list(course.seeds), "many": course.many, "batch_size": self.B, "steps": len(plan.mask),
            "update_every": plan.every, "checkpoint_every": course.checkpoint_every, "stop": course.stop is not None,
        }  # fmt: skip

    def _noted(self, path: Path) -> dict[str, Any]:
        """The notes of a checkpoint, if it is of a training with these settings."""
        noted, mine = files.notes(path), self._settings()
        theirs = noted.get("settings")
        if not isinstance(theirs, dict) or "at" not in noted or "rows" not in noted:
            raise files.CheckpointError(f"{path} is no checkpoint of a training")
        if theirs != mine:
            name = next(n for n in mine | theirs if mine.get(n) != theirs.get(n))
            raise files.CheckpointError(
                f"{path} was written with {name} = {theirs.get(name)!r}, and now it is {mine.get(name)!r}: "
                "take the same, or another file"
            )
        return noted

    def _resume(self, path: Path, noted: dict[str, Any]) -> Place:
        try:
            self.at = Place(**noted["at"], rows=noted["rows"] if self.course.many else [noted["rows"]])
        except TypeError as error:
            raise files.CheckpointError(f"{path} is no checkpoint of a training: {error}") from error
        values, memory = self.values, self.memory
        for steps in self.plan.pieces[: self.at.piece]:
            args = (values, memory, *self._cut(self.example, steps), self.plan.masked(steps))
            found = jax.eval_shape(self.program.advance[steps.start == 0], *args)[2]
            self.found += (jax.tree.map(lambda a: jnp.zeros(a.shape, a.dtype), found),)
        tree, _ = files.load(path, self._tree(self.at.piece))
        self.values, self.memory, self.found = {**self.values, **tree["values"]}, tree["memory"], tree["found"]
        self.best = tree["best"] or self.best
        self.sound = self.program.params(self.values)
        return self.at


def mean(rows: list[Row]) -> Row:
    """For the bar: the mean over seeds."""
    return {name: float(np.mean([row[name] for row in rows if name in row])) for name in rows[0]}


def rng_of(*seed: int) -> np.random.Generator:
    """Every epoch has generators of its own, so that a resumed run draws what the first would have drawn."""
    return np.random.default_rng(seed)
