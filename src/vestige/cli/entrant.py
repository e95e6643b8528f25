"""One arm of a comparison on one task: its compiled functions, its runs, and what a step of it costs."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache, cached_property, partial
from itertools import pairwise
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from ..graph import Graph, GraphError, trace_graph
from ..learn import gradients, init
from ..tasks import Sequences, Trials, from_task, watch
from .arms import ARMS, BASELINES
from .catalogue import GENERATED
from .network import READOUT, Network, Tree

POINTS = (0.0, 0.25, 0.5, 1.0)  # parts of the training at which gradients are compared
RATES = (0.003, 0.01, 0.03)
VALIDATION = 1000  # the seed on which learning rates are chosen
LONG = 3.0  # seconds of the processor, after which a program is not run again to be timed
PATIENCE = 0.5  # seconds for which a program is timed, at least four times
HELD_OUT = 4  # batches over which gradients are compared


def watch_trials() -> Trials:
    """The watch task with wearers 2 and 6 kept for validation."""
    train = (3, 4, 7, 8, 10)
    return from_task(watch(train=train), watch((2, 6), train), dt=20.0, judged_from=40)


TASKS: dict[str, Callable[[], Trials]] = {
    **{make.__name__: make for make in GENERATED}, "watch": watch_trials,
}  # fmt: skip


@dataclass(frozen=True)
class Settings:
    """What is compared, and how long."""

    task: str
    rules: tuple[str, ...]
    seeds: int
    updates: int
    neurons: int
    batch: int
    slow: float = 0.1  # processor seconds for the gradient of a batch, above which a rule is measured and not trained

    def __post_init__(self):
        object.__setattr__(self, "rules", tuple(self.rules))  # from json


class Bench(NamedTuple):
    """What all arms of a comparison share."""

    trials: Trials
    net: Network
    graph: Graph
    predict: Callable[[Tree, Any], jax.Array]


@cache
def bench(task: str, neurons: int) -> Bench:
    """Task, network, its graph, and its outputs `[N, T, n_out]` for inputs `[N, T, n_in]`."""
    trials = TASKS[task]()
    net = Network(trials.n_in, neurons, trials.n_out, trials.dt)
    step, start = net.step(), net.state()
    outputs = lambda params, xs: jax.vmap(lambda x: jax.lax.scan(partial(step, params), start, x)[1])(xs)
    return Bench(trials, net, trace_graph(step, net.params(0), start, jnp.zeros(trials.n_in)), jax.jit(outputs))


class Learned(NamedTuple):
    """Weights, and what the rule keeps from sequence to sequence (feedback weights, a random key)."""

    params: Tree
    lasting: Any


class Run(NamedTuple):
    """What was learned at the points, as far as the run came, and the mean loss on the way to each."""

    points: list[Learned]
    losses: list[float]

    @property
    def diverged(self) -> bool:
        return len(self.points) < len(POINTS)


class Entrant:
    """A rule made for the bench's network, and compiled once for all seeds and rates.

    Raises:
        GraphError: the rule does not apply to this network.
    """

    def __init__(self, settings: Settings, name: str):
        self.settings, self.arm, self.baseline = settings, ARMS[name], name in BASELINES
        self.trials, self.net, self.graph, self.predict = bench(settings.task, settings.neurons)
        if self.arm.left_out:
            raise GraphError(self.arm.left_out)
        self.rule = self.arm.rule(self.net, 0)
        self.carry = init(self.graph, self.rule, self.net.params(0), self.net.state(), settings.batch)
        self.optimizer = self.arm.optimizer()
        self.move = jax.jit(self._move)

    @cached_property
    def gradient(self) -> Any:
        """Compiled, in the window of the training."""
        return self._program(self.arm.window)

    def _program(self, window: int | None) -> Any:
        return jax.jit(partial(self._gradient, window)).lower(self.start(0), self._held_out(0)).compile()

    def start(self, seed: int) -> Learned:
        """Before anything is learned; rules that draw at random draw anew for each seed."""
        params = self.net.params(seed)
        return Learned(params, init(self.graph, self.arm.rule(self.net, seed), params, self.net.state()).lasting)

    def _gradient(self, window: int | None, now: Learned, data: Any) -> tuple[Tree, Any, jax.Array, jax.Array]:
        """Gradient, what the rule keeps, loss, firing rate of a batch `[B, T, ...]`; a loss is the mean of steps that count."""
        x, y, mask = (jnp.swapaxes(a, 0, 1) for a in data)
        out = gradients(
            self.graph, self.rule, now.params, replace(self.carry, lasting=now.lasting), x, y, self.trials.loss, window,
            mask=mask / mask.sum(0), modulator=self._modulator(now.params, x, y), first=True, last=True,
        )  # fmt: skip
        grads = {name: out.grads[name] for name in self.arm.learns or now.params}
        return grads, out.carry.lasting, out.losses.sum(), next(iter(out.firing.values()))

    def _modulator(self, params: Tree, x: jax.Array, y: jax.Array) -> jax.Array | None:
        """For rules that take one: minus the error of the outputs `[T, B, n_out]`, brought to the neurons at random."""
        if not self.rule.teach.modulated:
            return None
        outputs = jnp.swapaxes(self.predict(params, jnp.swapaxes(x, 0, 1)), 0, 1)
        errors = jax.vmap(jax.vmap(jax.grad(self.trials.loss)))(outputs, y)
        back = jax.random.normal(jax.random.key(0), (self.net.n_out, self.net.n_rec))
        return -errors @ back / np.sqrt(self.net.n_rec)

    def _move(self, params: Tree, memory: Any, grads: Tree, rate: Any) -> tuple[Tree, Any]:
        way, memory = self.optimizer.update(grads, memory)
        return {**params, **{name: params[name] - rate * d for name, d in way.items()}}, memory

    def train(self, seed: int, rate: float) -> Run:
        """From the seed's weights, on the seed's data, at a rate that falls to zero along a cosine."""
        U, B = self.settings.updates, self.settings.batch
        now, rng = self.start(seed), np.random.default_rng((seed, 1))
        memory = self.optimizer.init({name: now.params[name] for name in self.arm.learns or now.params})
        points, losses = [now], []
        for begin, end in pairwise(round(p * U) for p in POINTS):
            data, late = self.trials.draw(rng, (end - begin) * B), []
            for k in range(begin, end):
                batch = data[(k - begin) * B : (k - begin + 1) * B]
                falling = rate * 0.5 * (1 + np.cos(np.pi * k / U))
                grads, lasting, loss, _ = self.gradient(now, (batch.x, batch.y, batch.mask))
                params, memory = self.move(now.params, memory, grads, falling)
                now = Learned(params, lasting)
                late.append(loss)
            mean = float(np.mean(late)) if late else 0.0
            if not all(np.isfinite(a).all() for a in (mean, *now.params.values())):
                break
            losses.append(mean)
            points.append(now)
        return Run(points, losses)

    def score(self, now: Learned, data: Sequences) -> float:
        return self.trials.score(np.asarray(self.predict(now.params, data.x)), data)

    def direction(self, now: Learned) -> np.ndarray:
        """The gradient of everything before the readout, over held-out batches, as one vector."""
        found = [self.gradient(now, self._held_out(n))[0] for n in range(HELD_OUT)]
        total = jax.tree.map(lambda *g: np.sum(g, 0), *found)
        parts = [total[name].reshape(-1) for name in sorted(total) if name not in READOUT]
        return np.concatenate([np.zeros(0), *parts])

    def firing(self, now: Learned) -> float:
        """Spikes of a neuron in a step, in the mean over a held-out batch."""
        return float(self.gradient(now, self._held_out(0))[3])

    def _held_out(self, n: int) -> tuple[np.ndarray, ...]:
        B = self.settings.batch
        some = self.trials.valid[n * B : (n + 1) * B]
        return some.x, some.y, some.mask

    def cost(self) -> dict[str, Any]:
        """Time of a step in ms; memory: what one example carries from step to step, what the program needs; a fingerprint."""
        whole = online = self._time(self.gradient)
        if self.arm.online != self.arm.window:
            online = self._time(self._program(self.arm.online))
        carried = sum(np.asarray(a).nbytes for a in jax.tree.leaves((self.carry.trace, self.carry.added)))
        return {
            "online_ms": online.ms, "window_ms": whole.ms, "trace_bytes": carried / self.settings.batch,
            "program_bytes": online.bytes, "slow": not self.baseline and whole.cpu > self.settings.slow,
            "fingerprint": fingerprint(self.direction(self.start(0))),
        }  # fmt: skip

    def _time(self, program: Any) -> "Timed":
        """The quickest of some runs, of one if it is long."""
        args, wall, cpu = (self.start(0), self._held_out(0)), [], []
        until = time.perf_counter() + PATIENCE
        while len(wall) < 4 or (len(wall) < 50 and time.perf_counter() < until):
            began, used = time.perf_counter(), time.process_time()
            jax.block_until_ready(program(*args))
            wall.append(time.perf_counter() - began)
            cpu.append(time.process_time() - used)
            if cpu[-1] > LONG:
                break
        found = getattr(program.memory_analysis(), "temp_size_in_bytes", None)
        return Timed(1000 * min(wall) / self.trials.steps, min(cpu), found)


class Timed(NamedTuple):
    """A step in ms by the clock, a batch in seconds of the processor (which a busy machine does not stretch), bytes."""

    ms: float
    cpu: float
    bytes: float | None


def cosine(a: np.ndarray, b: np.ndarray) -> float | None:
    """Cosine of the angle; None where one of them is zero, absent or not finite."""
    size = np.linalg.norm(a) * np.linalg.norm(b)
    return float(a @ b / size) if a.shape == b.shape and np.isfinite(size) and size > 0 else None


def fingerprint(direction: np.ndarray) -> list[float] | None:
    """Eight random projections of a direction, its length taken out: equal for arms that give the same gradient."""
    size = np.linalg.norm(direction)
    if not (size > 0 and np.isfinite(size)):
        return None
    return (np.random.default_rng(0).normal(size=(8, direction.size)) @ direction / size).tolist()
