"""One training run, from a seed to weights on disk; runs of one command may share the machine's cores."""

import sys
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import brainstate
import jax
import jax.numpy as jnp
import numpy as np
import optax

from ..learn import D_RTRL, ES_D_RTRL, Learner
from ..learn import checkpoint as files
from ..learn.fit import fit, predictor
from ..learn.logs import JsonLines
from ..tasks import Task
from ..tasks.classifier import STEP, Classifier
from .recipe import RECIPES, Recipe

RULES = {"d_rtrl": D_RTRL, "es_d_rtrl": lambda net: ES_D_RTRL(net, decay_or_rank=0.9)}


@dataclass(frozen=True)
class Job:
    """What to train. Picklable, so that it can be sent to another process."""

    task: str
    rule: str
    seed: int
    folder: Path
    epochs: int
    frozen: bool = False
    line: int | None = None  # of the screen for the bar; None: a plain line now and then
    changes: dict[str, Any] = field(default_factory=dict)  # of the recipe
    log_updates: bool = False  # a line of the log for every update, too

    @property
    def recipe(self) -> Recipe:
        """Raises KeyError or TypeError where there is none such."""
        return replace(RECIPES[self.task], epochs=self.epochs, **self.changes)

    @property
    def name(self) -> str:
        return f"{'frozen' if self.frozen else 'seed'}-{self.seed}"

    @property
    def checkpoint(self) -> Path:
        return self.folder / f"{self.name}.checkpoint.npz"

    @property
    def weights(self) -> Path:
        return self.folder / f"{self.name}.npz"

    @property
    def log(self) -> Path:
        """Its lines of JSON, one an epoch."""
        return self.folder / f"{self.name}.jsonl"


@dataclass(frozen=True)
class Picture:
    """One test sequence as the network saw it: its number, scores [T, C], spikes [T, N]."""

    number: int
    scores: np.ndarray
    spikes: np.ndarray


@dataclass(frozen=True)
class Outcome:
    """What a run gave: a row of numbers for each epoch, and the test."""

    job: Job
    rows: list[dict[str, float]]
    said: np.ndarray
    accuracy: float
    firing: float
    picture: Picture


def train(job: Job) -> Outcome:
    """Train, save the weights, test."""
    task, recipe = RECIPES[job.task].make(), job.recipe
    with brainstate.environ.context(dt=STEP):
        learner = build(task, recipe, job.rule, job.seed)
        start = recipe.judged_from
        history = fit(
            learner, lambda rng: sequences(task.epoch(rng)), loss=smoothed(len(task.classes), recipe.smoothing),
            optimizer=optimizer(task, recipe, job.frozen), epochs=recipe.epochs, update_every=recipe.update_every,
            mask=(np.arange(task.steps) >= start) / (task.steps - start),
            metrics={"accuracy": lambda scores, labels: jnp.mean(decide(scores, start) == labels[0])},
            validate=sequences(task.test), checkpoint=job.checkpoint, log=JsonLines(job.log, job.log_updates), seed=job.seed,
            progress=bar(job), callbacks=[speak(job)],
        )  # fmt: skip
        said = test(learner, task, recipe)
        # a spread of the test, for the firing rate and a picture
        shown = np.linspace(0, len(task.test) - 1, recipe.batch_size).astype(int)
        scores, spikes = look(learner, task.test.x[shown].swapaxes(0, 1))
    accuracy = float(np.mean(said == task.test.y))
    one = int(np.argmax(said[shown] == task.test.y[shown]))
    notes = {"task": job.task, "rule": job.rule, "seed": job.seed, "accuracy": accuracy, "changes": job.changes}
    files.save(job.weights, values(learner), notes)
    picture = Picture(int(shown[one]), scores[:, one], spikes[:, one])
    return Outcome(job, history.rows, said, accuracy, float(spikes.mean()), picture)


def build(task: Task, recipe: Recipe, rule: str, seed: int) -> Learner:
    """A fresh network, and a learner compiled for it. Needs `dt` in the environment."""
    net = Classifier(task.n_in, recipe.n_rec, len(task.classes), seed=seed, **recipe.network)
    brainstate.nn.init_all_states(net)
    learner = RULES[rule](net)
    learner.compile_graph(jnp.zeros(task.n_in, task.train.x.dtype), batch_size=recipe.batch_size)
    return learner


def restore(path: Path) -> tuple[Task, Recipe, Learner, dict[str, Any]]:
    """The task and the trained network of a weights file. Needs `dt` in the environment."""
    notes = files.notes(path)
    try:
        recipe = Job(notes["task"], notes["rule"], notes["seed"], path, 1, changes=notes.get("changes", {})).recipe
        RULES[notes["rule"]], float(notes["accuracy"])
    except (KeyError, TypeError, ValueError) as error:
        raise files.CheckpointError(
            f"{path} holds no weights that `vestige train` saved: it names no task and rule ({error})"
        ) from error
    task = recipe.make()
    learner = build(task, recipe, notes["rule"], notes["seed"])
    found, _ = files.load(path, values(learner))
    for key, state in learner.model.states(brainstate.ParamState).items():
        state.value = found[key]
    return task, recipe, learner, notes


def test(learner: Learner, task: Task, recipe: Recipe) -> np.ndarray:
    """Class said for each test sequence."""
    scores = predictor(learner)(task.test.x)
    return np.asarray(decide(jnp.asarray(scores).swapaxes(0, 1), recipe.judged_from))


def look(learner: Learner, xs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Scores `[T, B, C]` and spikes `[T, B, N]` of sequences `[T, B, I]`, from a fresh state."""
    net = learner.model
    brainstate.nn.init_all_states(net, batch_size=xs.shape[1])
    scores, spikes = brainstate.transform.for_loop(lambda x: (net(x), net.neurons.get_spike()), jnp.asarray(xs))
    learner.reset()
    return np.asarray(scores), np.asarray(spikes)


def decide(scores: jax.Array, start: int) -> jax.Array:
    """The class `[B]` whose log-probability, averaged over the judged steps, is highest; scores `[T, B, C]`."""
    return jax.nn.log_softmax(scores)[start:].mean(0).argmax(-1)


def sequences(split: Any) -> tuple[np.ndarray, np.ndarray]:
    return split.x, np.broadcast_to(split.y[:, None], split.x.shape[:2])


def smoothed(classes: int, smoothing: float):
    """Cross entropy against labels that leave a little to the other classes."""

    def loss(scores: jax.Array, labels: jax.Array) -> jax.Array:
        wanted = optax.smooth_labels(jax.nn.one_hot(labels, classes), smoothing)
        return optax.softmax_cross_entropy(scores, wanted).mean()

    return loss


def optimizer(task: Task, recipe: Recipe, frozen: bool) -> optax.GradientTransformation:
    """Adam with a clipped gradient; `frozen` leaves the recurrent weights as they were drawn."""
    inside = 1 if recipe.update_every == "end" else -(-task.steps // recipe.update_every)
    updates = recipe.epochs * (len(task.train) // recipe.batch_size) * inside
    adam = optax.chain(optax.clip_by_global_norm(1.0), optax.adam(optax.cosine_decay_schedule(recipe.rate, updates)))
    if not frozen:
        return adam
    role = lambda weights: {path: "fixed" if path[0] == "recurrent" else "learned" for path in weights}
    return optax.multi_transform({"learned": adam, "fixed": optax.set_to_zero()}, role)


def values(learner: Learner) -> dict[Any, Any]:
    return {path: state.value for path, state in learner.model.states(brainstate.ParamState).items()}


def bar(job: Job) -> bool | dict[str, Any]:
    if job.line is None:
        return False
    shape = "{desc:<22}{percentage:3.0f}% |{bar}| {elapsed}<{remaining} {rate_fmt}{postfix}"
    return {"position": job.line, "desc": job.name, "leave": False, "mininterval": 0.2, "bar_format": shape}


def speak(job: Job):
    """A line after the last epoch; without a bar, for logs, after every fifth."""
    from tqdm import tqdm

    def line(epoch: int, row: dict[str, float]) -> None:
        if epoch == job.epochs or (job.line is None and epoch % 5 == 0):
            said = f"loss {row['loss']:.3f}  training {row['accuracy']:.1%}  test {row['val_accuracy']:.1%}"
            tqdm.write(f"{job.name:>9}  epoch {epoch:3d}/{job.epochs}  {said}")
            sys.stdout.flush()

    return line
