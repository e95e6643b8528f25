"""Training as pure functions of values: the learner's states, the optimiser's memory, a piece of data."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal, NamedTuple

import brainstate
import jax
import jax.numpy as jnp
import numpy as np
import optax

from .learner import Learner
from .pieces import Window
from .window import Loss

Metric = Callable[[Any, Any], jax.Array]
Values = dict[str, Any]


@dataclass(frozen=True)
class Plan:
    """How a sequence becomes updates; `updates`: how many of them one compiled call makes at most, None for all."""

    loss: Loss
    optimizer: optax.GradientTransformation
    every: int | Literal["end"]
    window: Window
    mask: jax.Array
    metrics: Mapping[str, Metric]
    updates: int | None = None

    @property
    def steps(self) -> int:
        """Steps between two updates."""
        T = len(self.mask)
        return T if self.every == "end" else min(self.every, T)

    @property
    def pieces(self) -> list[slice]:
        """The steps of each compiled call."""
        T = len(self.mask)
        size = T if self.updates is None else min(self.updates * self.steps, T)
        return [slice(at, min(at + size, T)) for at in range(0, T, size)]

    def masked(self, piece: slice) -> jax.Array:
        """The mask of some steps."""
        return self.mask if piece == slice(0, len(self.mask)) else self.mask[piece]

    def count(self, piece: slice) -> int:
        """Updates in some steps."""
        return -(-(piece.stop - piece.start) // self.steps)


class Found(NamedTuple):
    """What the steps of one call gave: losses `[L]`, outputs `[L, ...]`, spikes per neuron summed over them, sound weights."""

    losses: jax.Array
    outputs: Any
    fired: Any
    sound: jax.Array


class Program:
    """One learner's training, compiled; for several seeds at once every value has a leading axis of seeds.

    `states`: all that a step of training reads or writes, by name: weights, states, traces, random keys, counts.
    """

    def __init__(self, learner: Learner, plan: Plan, example: Any, mapped: bool):
        self.learner, self.plan = learner, plan
        self.weights = learner.model.states(brainstate.ParamState)
        self.parts = {first: _Stateful(partial(self._piece, first)) for first in (True, False)}
        memory, made = plan.optimizer.init(self.params()), {}
        for at in plan.pieces:
            part = self.parts[at.start == 0]
            for state in part.states(memory, *cut((*example, plan.mask), at)):
                made[id(state)] = state
        named = {id(state): ".".join(map(str, path)) for path, state in learner.states().items()}
        self.states = {named.get(key, f"outside.{n}"): state for n, (key, state) in enumerate(made.items())}
        self.names = {id(state): name for name, state in self.states.items()}
        # between two sequences the traces are empty, and nothing reads what they hold
        self.fleeting = {name for name, state in self.states.items() if any(state is s for s in learner.leaves)}
        many = (lambda f, axes: jax.vmap(f, axes)) if mapped else (lambda f, axes: f)
        self.advance = {
            first: jax.jit(many(partial(self._advance, first), (0, 0, 0, 0, None))) for first in (True, False)
        }
        self.judge = jax.jit(many(self._judge, (0, 0)))
        self.init = many(plan.optimizer.init, (0,))

    def read(self) -> Values:
        return {name: state.value for name, state in self.states.items()}

    def write(self, values: Values) -> None:
        for name, state in self.states.items():
            state.value = values[name]

    def params(self, values: Values | None = None) -> dict[Any, Any]:
        """The weights, by path, as they are in the model or among `values`."""
        if values is None:
            return {path: state.value for path, state in self.weights.items()}
        return {path: values[self.names[id(state)]] for path, state in self.weights.items()}

    @property
    def weight_states(self) -> dict[str, brainstate.State]:
        return {self.names[id(state)]: state for state in self.weights.values()}

    def named(self, params: Mapping[Any, Any]) -> Values:
        """Weights by path, as values by name."""
        return dict(zip(self.weight_states, (params[path] for path in self.weights)))

    def _advance(self, first: bool, values: Values, memory: Any, xs: Any, targets: Any, mask: Any) -> Any:
        """Some updates: (values, the optimiser's memory, what was found)."""
        args, part = (memory, xs, targets, mask), self.parts[first]
        names = [self.names[id(state)] for state in part.states(*args)]
        new, (memory, found) = part.call([values[name] for name in names], *args)
        return {**values, **dict(zip(names, new))}, memory, found

    def _piece(self, first: bool, memory: Any, xs: Any, targets: Any, mask: Any) -> tuple[Any, Found]:
        """The same as a function with states, as brainstate sees it."""
        if first:
            self.learner.reset()
        data, L, K = (xs, targets, mask), len(mask), self.plan.steps
        n, found = L // K, []
        if n == 1:
            memory, out = self._update(memory, cut(data, slice(0, K)))
            found.append(out)
        elif n:
            whole = jax.tree.map(lambda a: a[: n * K].reshape(n, K, *a.shape[1:]), data)
            memory, out = brainstate.transform.scan(self._update, memory, whole)
            found.append(jax.tree.map(lambda a: a.reshape(-1, *a.shape[2:]), out))
        if L % K:
            memory, out = self._update(memory, cut(data, slice(n * K, L)))
            found.append(out)
        losses, outputs, fired = jax.tree.map(lambda *a: jnp.concatenate(a), *found)
        sound = jnp.stack([jnp.isfinite(a).all() for a in jax.tree.leaves(self.params())]).all()
        return memory, Found(losses, outputs, jax.tree.map(jnp.sum, fired), sound)

    def _update(self, memory: Any, data: Any) -> tuple[Any, Any]:
        """One update: the gradient of some steps, and the optimiser."""
        plan, (xs, targets, mask) = self.plan, data
        whole, values = plan.every == "end", self.params()
        out = self.learner.gradients(xs, targets, plan.loss, plan.window, mask=mask, first=whole, last=whole)
        change, memory = plan.optimizer.update(out.grads, memory, values)
        new = optax.apply_updates(values, change)
        for path, state in self.weights.items():
            state.value = new[path]
        fired = {name: jnp.reshape(rate.mean() * len(mask), 1) for name, rate in out.firing.items()}
        return memory, (out.losses, out.outputs, fired)

    def _judge(self, found: tuple[Found, ...], targets: Any) -> tuple[dict[str, Any], jax.Array, jax.Array]:
        """(the row of a sequence, the loss of each of its updates, are its weights sound?)."""
        plan, T, K = self.plan, len(self.plan.mask), self.plan.steps
        losses, outputs = jax.tree.map(lambda *a: jnp.concatenate(a), *[(f.losses, f.outputs) for f in found])
        row = {"loss": losses.sum() / plan.mask.sum()}
        if found[0].fired:
            total = jax.tree.map(lambda *a: sum(a) / T, *[f.fired for f in found])
            row["firing"] = sum(total.values()) / len(total)
        row |= {name: f(outputs, targets) for name, f in plan.metrics.items()}
        n = -(-T // K)
        pad = lambda a: jnp.pad(a, (0, n * K - T)).reshape(n, K).sum(1)
        return row, pad(losses) / pad(plan.mask), jnp.stack([f.sound for f in found]).all()


class _Stateful:
    """A function that reads and writes brainstate's states, as a pure one."""

    def __init__(self, f: Callable[..., Any]):
        self.f = brainstate.transform.StatefulFunction(f, return_only_write=False)

    def states(self, *args: Any) -> tuple[Any, ...]:
        return self.f.get_states(*args)

    def call(self, values: list[Any], *args: Any) -> tuple[list[Any], Any]:
        return self.f.jaxpr_call(values, *args)


def cut(tree: Any, at: slice) -> Any:
    """Some steps of data that lead with time."""
    return jax.tree.map(lambda a: a[at], tree)


def stack(trees: list[Any]) -> Any:
    """Values of several seeds, leading with them."""
    return jax.tree.map(lambda *a: np.stack(a) if isinstance(a[0], np.ndarray) else jnp.stack(a), *trees)
