"""Sequences with a target at every step, and tasks that draw such sequences without end."""

from collections.abc import Callable
from dataclasses import dataclass

import jax.numpy as jnp
import numpy as np
import optax

from .base import Task


@dataclass(frozen=True)
class Sequences:
    """Inputs `x` [N, T, I], targets `y` and the steps that count, `mask` [N, T] of 0.0 and 1.0.

    `y` [N, T] holds classes (integers), or `y` [N, T, O] numbers; what it says at steps that do not count is not read.
    """

    x: np.ndarray
    y: np.ndarray
    mask: np.ndarray

    def __post_init__(self):
        shapes = {name: getattr(self, name).shape for name in ("x", "y", "mask")}
        leads = {shape[:2] for shape in shapes.values()}
        if self.x.ndim != 3 or self.mask.ndim != 2 or len(leads) > 1:
            raise ValueError(f"sequences need x [N, T, I], y [N, T] or [N, T, O] and mask [N, T]; got {shapes}")
        idle = np.flatnonzero(~(self.mask.sum(1) > 0))
        if idle.size:
            raise ValueError(f"no step of sequence {idle[0]} counts: its mask is zero throughout")

    def __len__(self) -> int:
        return len(self.x)

    def __getitem__(self, which) -> "Sequences":
        """Some of the sequences: a slice or an array of numbers."""
        return Sequences(self.x[which], self.y[which], self.mask[which])


Loss = Callable[[jnp.ndarray, jnp.ndarray], jnp.ndarray]
Score = Callable[[np.ndarray, Sequences], float]


@dataclass(frozen=True)
class Trials:
    """A task whose sequences never run out.

    `draw(rng, count)` gives training sequences; `valid` is for choices such as a learning rate, `test` for the result.
    For generated tasks both come from generators that no integer seed reaches. `loss(output, target)` is of one step,
    outputs `[..., n_out]`, and a scalar; `score(outputs [N, T, n_out], sequences)` lies in [0, 1], `chance` is what
    guessing reaches, `dt` the length of a step in ms.
    """

    name: str
    about: str
    dt: float
    n_out: int
    draw: Callable[[np.random.Generator, int], Sequences]
    valid: Sequences
    test: Sequences
    loss: Loss
    score: Score
    chance: float

    @property
    def n_in(self) -> int:
        return self.test.x.shape[2]

    @property
    def steps(self) -> int:
        return self.test.x.shape[1]


def generated(draw: Callable[[np.random.Generator, int], Sequences], held_out: int, **fields) -> Trials:
    """Trials of a pure generator; `held_out` sequences each for validation and test."""
    apart = [np.random.default_rng(np.random.SeedSequence(0, spawn_key=(part,))) for part in (1, 2)]
    valid, test = (draw(rng, held_out) for rng in apart)
    return Trials(draw=draw, valid=valid, test=test, **fields)


def from_task(task: Task, valid: Task, *, dt: float, judged_from: int = 0) -> Trials:
    """A classification task with one class a sequence as trials; the steps from `judged_from` on count.

    `valid` brings, as its test, sequences that `task` neither trains on nor tests. Training sequences come in epochs
    (`task.epoch`): one epoch is cut up before the next is drawn.
    """
    every = lambda split: _labelled(split, judged_from)

    def draw(rng: np.random.Generator, count: int) -> Sequences:
        found = every(task.epoch(rng))
        while len(found) < count:
            more = every(task.epoch(rng))
            found = Sequences(*(np.concatenate([getattr(s, n) for s in (found, more)]) for n in ("x", "y", "mask")))
        return found[:count]

    return Trials(
        task.name, task.about, dt, len(task.classes), draw, every(valid.test), every(task.test), cross_entropy,
        right_sequences, task.chance,
    )  # fmt: skip


def _labelled(split, judged_from: int) -> Sequences:
    N, T = split.x.shape[:2]
    mask = np.broadcast_to((np.arange(T) >= judged_from).astype(np.float32), (N, T))
    return Sequences(split.x, np.broadcast_to(split.y[:, None], (N, T)), mask)


def cross_entropy(output: jnp.ndarray, target: jnp.ndarray) -> jnp.ndarray:
    """`-log softmax(output)[target]`, in the mean over what leads: outputs `[..., C]`, classes `[...]`."""
    return optax.softmax_cross_entropy_with_integer_labels(output, target).mean()


def square_error(output: jnp.ndarray, target: jnp.ndarray) -> jnp.ndarray:
    """`(output - target)^2`, in the mean over all numbers."""
    return jnp.mean((output - target) ** 2)


def right_steps(outputs: np.ndarray, data: Sequences) -> float:
    """Share of the steps that count whose highest output is the class."""
    right = outputs.argmax(-1) == data.y
    return float((right * data.mask).sum() / data.mask.sum())


def right_sequences(outputs: np.ndarray, data: Sequences) -> float:
    """Share of sequences whose log-probabilities, summed over the steps that count, are highest for the class."""
    high = outputs - outputs.max(-1, keepdims=True)
    log = high - np.log(np.exp(high).sum(-1, keepdims=True))
    said = (log * data.mask[..., None]).sum(1).argmax(-1)
    label = np.take_along_axis(data.y, data.mask.argmax(1)[:, None], 1)[:, 0]
    return float(np.mean(said == label))


def right_signs(outputs: np.ndarray, data: Sequences) -> float:
    """Share of the outputs, at the steps that count, on their target's side of zero."""
    right = (outputs > 0) == (data.y > 0)
    return float((right.mean(-1) * data.mask).sum() / data.mask.sum())


def explained(outputs: np.ndarray, data: Sequences) -> float:
    """Share of the targets' variance, at the steps that count, that the outputs explain; 0 where there is none."""
    count = data.mask[..., None] * np.ones_like(data.y)
    mean = (data.y * count).sum() / count.sum()
    lost = (((outputs - data.y) ** 2) * count).sum() / (((data.y - mean) ** 2) * count).sum()
    return float(max(0.0, 1 - lost))


def populations(rng: np.random.Generator, rates: np.ndarray, size: int, dt: float) -> np.ndarray:
    """Poisson spikes of `size` units for each rate: rates [N, T, G] in Hz -> [N, T, G size], 0.0 or 1.0.

    A unit fires in a step of `dt` ms with probability `1 - exp(-rate dt)`: several spikes in one step are one.
    """
    often = 1 - np.exp(-np.repeat(rates, size, axis=2) * dt / 1000)
    return (rng.random(often.shape) < often).astype(np.float32)


def whole_steps(ms: float, dt: float, what: str) -> int:
    """A duration as a number of steps.

    Raises:
        ValueError: it is no whole number of steps, or none.
    """
    count = ms / dt
    if round(count) < 1 or abs(count - round(count)) > 1e-9:
        raise ValueError(f"{what} of {ms} ms is no whole number of steps of {dt} ms: change one of them")
    return round(count)
