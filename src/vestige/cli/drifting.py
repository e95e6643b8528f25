"""What follows a drifting stream: the network online and frozen, and what it is compared with; hit or miss for each item."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import brainstate
import jax
import jax.numpy as jnp
import numpy as np
import optax

from ..learn import D_RTRL, Item, Label
from ..learn.events import Seen
from ..tasks import Stream, rainfall, wearers
from ..tasks.classifier import STEP
from ..tasks.observer import Observer

SAVE = 1000  # events between two files


@dataclass(frozen=True)
class Recipe:
    """Network and learning of one stream; all numbers were chosen by the score on the first `tuned` items.

    `rate` of Adam for the neurons' weights, `readout` the optimiser of the readout; `linear`: rates of the logistic
    regressions on mean spikes and on features. `frozen_after`: items that the frozen network learns from.
    """

    make: Callable[[], Stream]
    tuned: int
    frozen_after: int
    judged_from: int  # item from which the table scores
    over: int  # items in the windowed score
    n_rec: int
    gain: float
    fast: float
    slow: float
    last: int  # steps of an item, from its end, that are judged
    rate: float
    readout: Callable[[Any], optax.GradientTransformation]
    readout_rate: float
    linear: tuple[float, float]


RAINFALL = Recipe(
    rainfall, tuned=6000, frozen_after=6000, judged_from=12_000, over=1000, n_rec=32, gain=4.0, fast=1.2, slow=30_000.0,
    last=1, rate=1e-3, readout=optax.sgd, readout_rate=3e-3, linear=(3e-3, 1e-1),
)  # fmt: skip
WATCH = Recipe(
    wearers, tuned=864, frozen_after=284, judged_from=864, over=200, n_rec=64, gain=9.0, fast=30.0, slow=5000.0,
    last=40, rate=1e-3, readout=optax.adam, readout_rate=5e-3, linear=(3e-2, 3e-2),
)  # fmt: skip
RECIPES = {"rainfall": RAINFALL, "watch": WATCH}


@dataclass(frozen=True)
class Settings:
    """What was asked for; `late`: items between a prediction and its label."""

    task: str
    seeds: int
    late: int
    items: int
    rule: str = "d_rtrl"


def events(task: Stream, settings: Settings) -> Callable[[int], Iterator[Any]]:
    """The source of a stream, from any event on: each item, then the label of the one `late` items before."""
    n, late = settings.items, settings.late

    def begin(start: int) -> Iterator[Any]:
        if not late:
            yield from (Item(task.x[i], task.y[i]) for i in range(start, n))
            return
        order = ((Item(task.x[i]), Label(i - late, task.y[i - late]) if i >= late else None) for i in range(n))
        whole = (event for pair in order for event in pair if event is not None)
        yield from (event for k, event in enumerate(whole) if k >= start)

    return begin


def network(task: Stream, settings: Settings, folder: Path, seed: int, frozen: bool, progress: Any) -> np.ndarray:
    """Hit (1) or miss (0) of each item, NaN without a label; goes on from the files in `folder`."""
    recipe, name = RECIPES[settings.task], f"{'frozen' if frozen else 'online'}-{seed}"
    log = folder / f"{name}.hits"
    # a line is out before the stream's own file is, so the log never lacks what that file has gone past
    with brainstate.environ.context(dt=STEP), open(log, "a", buffering=1) as out:
        out.write("\n")  # half a line of a killed process ends here
        net = Observer(
            task.n_in, recipe.n_rec, len(task.classes), gain=recipe.gain, fast=recipe.fast, slow=recipe.slow, seed=seed
        )
        brainstate.nn.init_all_states(net)
        learner = D_RTRL(net)
        learner.compile_graph(jnp.zeros(task.n_in, jnp.float32))
        judged = np.arange(task.steps) >= task.steps - recipe.last

        def note(seen: Seen) -> None:
            if seen.score is not None:
                out.write(f"{seen.key} {seen.score:.0f}\n")

        stream = learner.stream(
            events(task, settings), loss=optax.softmax_cross_entropy_with_integer_labels,
            optimizer=optimizer(recipe, recipe.frozen_after if frozen else None),
            decide=lambda scores: jax.nn.log_softmax(scores)[judged].mean(0).argmax(-1),
            score=lambda said, label: said == label, mask=judged, outstanding=settings.late + 1,
            checkpoint=folder / f"{name}.npz", save_every=SAVE, scored_over=recipe.over, callbacks=[note],
            progress=progress and {"desc": name, "disable": None, "leave": False},
        )  # fmt: skip
        stream.run()
    return read(log, settings.items)


def optimizer(recipe: Recipe, frozen_after: int | None) -> optax.GradientTransformation:
    """Adam with a clipped gradient for the neurons, another for the readout; nothing moves after `frozen_after` updates."""
    until = lambda rate: rate if frozen_after is None else lambda count: jnp.where(count < frozen_after, rate, 0.0)
    neurons = optax.chain(optax.clip_by_global_norm(1.0), optax.adam(until(recipe.rate)))
    role = lambda weights: {path: "readout" if path[0] == "readout" else "neurons" for path in weights}
    return optax.multi_transform({"neurons": neurons, "readout": recipe.readout(until(recipe.readout_rate))}, role)


def logistic_regression(x: np.ndarray, y: np.ndarray, classes: int, rate: float, late: int) -> np.ndarray:
    """Hits of multinomial logistic regression, one step of gradient descent a label, on running z-scores of x [N, F]."""
    mean, spread, weights = np.zeros(x.shape[1]), np.zeros(x.shape[1]), np.zeros((x.shape[1] + 1, classes))
    waiting, hits = [], np.full(len(y), np.nan)
    for n, row in enumerate(x.astype(float)):
        change = row - mean
        mean += change / (n + 1)
        spread += change * (row - mean)
        z = np.append(np.clip((row - mean) / (np.sqrt(spread / max(n, 1)) + 1e-6), -5, 5), 1.0)
        waiting.append((n, z, (z @ weights).argmax()))
        if len(waiting) > late:
            at, z, said = waiting.pop(0)
            scores = z @ weights
            odds = np.exp(scores - scores.max())
            hits[at] = said == y[at]
            weights -= rate * np.outer(z, odds / odds.sum() - np.eye(classes)[y[at]])
    return hits


def without_looking(y: np.ndarray, late: int) -> dict[str, np.ndarray]:
    """Hits of saying the last label known, and the commonest one so far: what no look at the input gives."""
    last, common, counts = np.full(len(y), np.nan), np.full(len(y), np.nan), np.zeros(y.max() + 1)
    for n in range(late + 1, len(y)):
        known = n - 1 - late
        counts[y[known]] += 1
        last[n], common[n] = y[known] == y[n], counts.argmax() == y[n]
    return {"last label known": last, "commonest label so far": common}


def read(path: Path, count: int) -> np.ndarray:
    """Hits that a log holds, `number hit` a line; a later line about an item counts, and half a line does not."""
    hits = np.full(count, np.nan)
    for line in path.read_text().splitlines() if path.exists() else ():
        parts = line.split()
        if len(parts) == 2 and parts[0].isdigit() and int(parts[0]) < count and parts[1] in ("0", "1"):
            hits[int(parts[0])] = float(parts[1])
    return hits
