"""Endless data: every item is predicted first, and learned when its label comes: at once, late, or never."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jax
import numpy as np
import optax

from . import _bridge as bridge
from .events import Item, Label, Seen, Skip, event_of, key_of
from .gate import Gate, Range
from .item import Plan, Told, late, learn, moment_of, predict, tried, typed
from .late import Waiting
from .line import Line
from .live import begin, give
from .score import Score
from .silence import Silence
from .stream_file import load, write
from .window import Loss

if TYPE_CHECKING:
    from .learner import Learner

Source = Iterable[Any] | Callable[[int], Iterable[Any]]


class OnlineStream:
    """A learner on data that need not end; what `learner.stream(source, ...)` returns.

        stream = learner.stream(source, loss=f, optimizer=optax.adam(1e-2))
        for seen in stream:                          # or stream.run()
            print(seen.key, seen.prediction, seen.label, seen.loss)
        print(stream.summary())

    States and traces are never reset. What cannot be used is skipped, moves nothing, and is counted in `skipped`. Who has no
    source to be drawn from hands over one event at a time: `stream.take(Item(x, key=7))`, later `stream.take(Label(7, y))`.
    At the end of the source, or of the loop, weights, states and traces go back into the learner and its model.

    Args:
        learner: compiled; the stream goes on from the states and weights that it holds.
        source: `Item`s, `Label`s and pairs `(x, label)`, in any order; or a function from the number of the event to begin
            with to such an iterable. When a stream is resumed, a plain iterable is run through up to that event.
        loss: `loss(output, label) -> scalar`, on one step's (batched) output. An item's loss is its mean over the judged steps.
        optimizer: of optax; one update a label.
        decide: from an item's outputs `[T, ...]` to a prediction; None: their mean over the judged steps.
        score: `score(prediction, label) -> number`, such as a hit or a miss; None: the loss alone is scored.
        mask: `[T]`, weighs the steps of an item in its loss; None: all alike, and T is that of the first item.
        window: steps per window; see `vestige.gradients`.
        outstanding: predictions that may wait for a label. The oldest is given up for one more, and counted in `unlabelled`.
        x_range, label_range: (low, high); what lies outside is skipped. Each may be None, a number or an array.
        checkpoint: a file, written every `save_every` events and at the end. If it exists, the stream goes on from there.
        scored_over, fade: items in the windowed scores, and the weight of the fading ones; see `Score`.
        progress: show a line with rate and scores; or options of tqdm for it.
        callbacks: called with each `Seen`.

    Attributes:
        events, items, labels, steps: how many were drawn from the source, predicted, learned from, gone through.
        skipped: events by the reason why they were not used. unlabelled: predictions given up without a label.
        waiting: keys of the predictions that a label can still reach.
        losses, scores: a `Score` each: `.mean`, `.windowed`, `.fading`.

    Raises:
        NotCompiledError, ValueError: before anything moves: a learner that is not compiled, that needs whole sequences or a
            modulator; a mask, range or number that does not fit. CheckpointError: the file is of another model or stream.
    """

    def __init__(
        self, learner: Learner, source: Source = (), *, loss: Loss, optimizer: optax.GradientTransformation,
        decide: Callable[[Any], Any] | None = None, score: Callable[[Any, Any], Any] | None = None, mask: Any = None,
        window: int = 64, outstanding: int = 100, x_range: Range | None = None, label_range: Range | None = None,
        checkpoint: str | Path | None = None, save_every: int = 1000, scored_over: int = 1000, fade: float = 0.999,
        progress: bool | Mapping[str, Any] = False, callbacks: Iterable[Callable[[Seen], None]] = (),
    ):  # fmt: skip
        numbers = dict(window=window, outstanding=outstanding, save_every=save_every)
        for name, number in numbers.items():
            if not isinstance(number, int) or number < 1:
                raise ValueError(f"{name} is {number!r}; give a whole number of at least 1")
        if learner.rule.teach.modulated:
            raise ValueError("this rule needs a modulator at every step, which a stream has not: use `vestige.Online`")
        self._held, self._trace, self._onward = begin(learner, optimizer)
        self.learner, self.source, self.save_every = learner, source, save_every
        self._drawn: Iterator[Any] | None = None
        self._plan = Plan(learner._ready()[1], learner.rule, loss, decide, optimizer, window, learner.batch_size)
        self._gate = Gate(learner._example[0], learner.batch_size, mask, x_range, label_range)
        self._score, self._clock, self._started = score, bridge.clock(), learner.steps.value
        self.events = self.items = self.labels = self.steps = self.unlabelled = self._place = 0
        self.skipped: Counter[str] = Counter()
        self.losses, self.scores = Score(scored_over, fade), Score(scored_over, fade)
        self.waiting, self._progress, self._callbacks = Waiting(outstanding), progress, tuple(callbacks)
        self._silence = Silence(list(learner._ready()[1].spikes))
        self.checkpoint = None if checkpoint is None else Path(checkpoint)
        if self.checkpoint is not None and self.checkpoint.exists():
            self.load(self.checkpoint)

    # -- going on

    def __iter__(self) -> Iterator[Seen]:
        """Draw from the source until it ends. A loop that was left may be entered again and goes on."""
        if self._drawn is None:
            self._drawn = iter(
                self.source(self.events) if callable(self.source) else itertools.islice(self.source, self.events, None)
            )
        with Line(self, self._progress) as line:
            done = True  # what the source itself raises ends the loop like a `break`; what stops an event does not
            try:
                for thing in self._drawn:
                    done = False
                    seen = self.take(thing)
                    done = True
                    line.step()
                    if self.checkpoint is not None and self.events % self.save_every == 0:
                        self.write(self.checkpoint)
                    if seen is not None:
                        yield seen
            finally:
                if done:
                    self.save()
                if done and self.checkpoint is not None:
                    self.write(self.checkpoint)

    def run(self) -> OnlineStream:
        """All of the source; what is seen goes to the callbacks alone."""
        for _ in self:
            pass
        return self

    def take(self, thing: Any) -> Seen | None:
        """One event; None if it was skipped. Whatever it is, it raises nothing of its own: see `skipped`.

        Raises:
            ValueError: `loss` or `decide` fail on the first item or label; nothing has moved.
        """
        event = None
        try:
            event = event_of(thing)
            seen = self._labelled(event) if isinstance(event, Label) else self._predicted(event)
        except Skip as reason:
            self.skipped[str(reason)] += 1
            seen = None
        self.events, self._place = self.events + 1, self._place + isinstance(event, Item)
        for callback in self._callbacks if seen is not None else ():
            callback(seen)
        return seen

    def _predicted(self, item: Item) -> Seen:
        key = self._place if item.key is None else key_of(item.key)
        if key in self.waiting:
            raise Skip("an item whose key came before")
        try:
            held, trace, outputs, told, inputs, label = self._through(item)
        except Skip:
            self.waiting.close(key, "a label of an item that was skipped")
            raise
        seen = Seen(key, told.prediction) if label is None else self._judged(key, told, label, 0)
        before = (self._held, self._trace) if self.items else typed((self._held, self._trace), (held, trace))
        moment = moment_of(*before, inputs, outputs)
        self._held, self._trace = held, trace
        self.items, self.steps = self.items + 1, self.steps + len(self._gate.mask)
        if self.items & (self.items - 1) == 0:
            self._silence.check(self.steps, held.fired)
        if label is None:
            self.unlabelled += self.waiting.add(key, self.items, moment)
            return seen
        self.waiting.close(key, "a second label")
        return self._counted(seen)

    def _through(self, item: Item) -> Any:
        """An item through the network, with its label if that can be used; nothing is kept yet."""
        inputs, label = self._timed(self._gate.item(item.x)), None
        try:
            label = None if item.label is None else self._gate.label(item.label)
        except Skip as reason:  # the item is predicted, and waits for another label
            self.skipped[str(reason)] += 1
        how = self._plan, self._held, self._trace, inputs, *(() if label is None else (label,)), self._gate.mask
        held, trace, outputs, told = tried(predict if label is None else learn, *how)
        if not told.state_sound:
            raise Skip("an item that drove the network beyond finite numbers")
        return held, trace, outputs, told, inputs, label

    def _labelled(self, event: Label) -> Seen:
        key = key_of(event.key)
        number, moment = self.waiting.moment(key)
        label = self._gate.label(event.label)
        held, told = tried(late, self._plan, self._held, moment, label, self._gate.mask)
        seen = self._judged(key, told, label, self.items - number)
        self._held = held
        self.waiting.take(key)
        return self._counted(seen)

    def _judged(self, key: Any, told: Told, label: np.ndarray, waited: int) -> Seen:
        loss = float(told.loss) if told.update_sound else None
        score = None if self._score is None else float(self._score(told.prediction, label))
        return Seen(key, told.prediction, label, loss, score, waited)

    def _counted(self, seen: Seen) -> Seen:
        self._gate.learned(seen.label)
        if seen.loss is None:
            self.skipped["an update that was not finite"] += 1
        else:
            self.labels += 1
            self.losses.add(seen.loss)
        if seen.score is not None:
            self.scores.add(seen.score)
        return seen

    def _timed(self, x: Any) -> Any:
        """Inputs and their clock, which goes on as the stream does."""
        return x, bridge.clocks(self._clock, jax.tree.leaves(x)[0].shape[0], self.steps)

    # -- looking and keeping

    def summary(self) -> str:
        """What was seen, learned and skipped, in a few lines."""
        lines = [f"{self.items} items, {self.steps} steps, {self.labels} labels learned"]
        some = {"score": self.scores, "loss": self.losses}
        lines += [f"{name:<6}{score}" for name, score in some.items() if score.count]
        if self.waiting or self.unlabelled:
            lines.append(
                f"{len(self.waiting)} predictions wait for a label, {self.unlabelled} were given up without one"
            )
        lines += [f"skipped {count}: {reason}" for reason, count in self.skipped.most_common()]
        return "\n".join(lines)

    def save(self) -> None:
        """Weights, states and traces into the learner and its model; the stream may go on afterwards."""
        give(self.learner, self._held, self._trace, self._onward, self._started + self.steps)

    def write(self, path: str | Path) -> None:
        """All of it to a file, which appears whole or not at all: weights, optimiser, states, traces, random keys, what waits for
        labels, scores, and the place in the source."""
        write(self, path)

    def load(self, path: str | Path) -> None:
        """Go on from a file that `write` made with the same learner and optimiser.

        Raises:
            FileNotFoundError: no such file. CheckpointError: it is none of a stream, or of another model; nothing has changed.
        """
        load(self, path)
