"""Endless data, one step at a time: forward, trace, gradient and optimiser in one compiled call."""

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from .._compat import is_key
from ..graph import Graph
from ..rules import Rule
from . import _bridge as bridge
from .checks import check_modulator, inputs_like
from .compiled import compiled
from .core import Carry, _run
from .learner import Learner
from .silence import Silence
from .teach import no_loss, quiet
from .window import Data, Loss


class Held(NamedTuple):
    """What lives on the device between two calls, the trace apart: weights, the optimiser's memory, states, firing sums."""

    params: Any
    memory: Any
    state: Any
    added: Any
    lasting: Any
    fired: dict[str, jax.Array]


class Seen(NamedTuple):
    """What one step gave: the output before the update, and its loss (None without a target)."""

    output: Any
    loss: jax.Array | None


class Online:
    """Trains a learner's model step by step on data that need not end.

        online = vestige.Online(learner, loss=f, optimizer=optax.sgd(1e-3))
        for x, target in stream:
            output, loss = online(x, target)
        online.save()                       # weights, states and traces back into the learner and its model

    Each call is one compiled program that keeps everything on the device and writes over its own buffers: the trace goes back
    and forth between two, the rest stays in place. Between `save`s the model holds what it held before. To update less often,
    wrap the optimiser in `optax.MultiSteps`.

    Args:
        learner: compiled.
        loss: `loss(output, target) -> scalar`, on one step's (batched) output.
        optimizer: of optax; it sees each step's gradient.

    Attributes:
        steps: how many were taken.
        params: the weights of now, by path.

    Raises:
        NotCompiledError: the learner does not know its model yet. ValueError: it needs whole sequences (BPTT).
    """

    def __init__(self, learner: Learner, *, loss: Loss, optimizer: optax.GradientTransformation):
        self._held, self._trace, self._onward = begin(learner, optimizer)
        self.learner, self.loss, self.optimizer, self.steps = learner, loss, optimizer, 0
        self._before = learner.steps.value
        self._graph, self._quiet = learner._ready()[1], quiet(learner.rule)
        self._spare = jax.tree.map(jnp.zeros_like, self._trace)
        self._silence = Silence(list(self._graph.spikes))

    @property
    def params(self) -> Any:
        return jax.tree.map(jnp.copy, self._held.params)

    def __call__(self, x: Any, target: Any = None, *, modulator: Any = None) -> Seen:
        """One step; without a target the network and its traces move and nothing is learned.

        Args:
            x: `[...]`, or `[B, ...]` for a batched learner; a tuple if the model takes several inputs.
            target: what `loss` compares with. modulator: for rules that take one.

        Raises:
            ValueError: an input that does not fit, or is not finite; before any state moves.
        """
        inputs = x if isinstance(x, tuple) else (x,), bridge.clock()
        self.learner._check(inputs, lead=0)
        rule = self._quiet if target is None else self.learner.rule
        one = lambda a: jax.tree.map(lambda a: jnp.asarray(a)[None], a)
        modulator = check_modulator(rule, one(modulator), 1, self.learner.batch_size)
        told = inputs, jax.tree.map(_array, target), modulator
        held, out = self._held, (self._graph, rule, no_loss if target is None else self.loss, self.optimizer)
        self._held, trace, seen = _step(
            *out, self.learner.batch_size, target is not None, held, self._spare, self._trace, told
        )
        self._trace, self._spare = trace, self._trace
        self.steps += 1
        if self.steps & (self.steps - 1) == 0:
            self._silence.check(self.steps, self._held.fired)
        return Seen(seen.output, None if target is None else seen.loss)

    def save(self) -> None:
        """Write weights, states and traces into the learner and its model; the stream may go on afterwards."""
        give(self.learner, self._held, self._trace, self._onward, self._before + self.steps)


def begin(learner: Learner, optimizer: optax.GradientTransformation) -> tuple[Held, Any, Any]:
    """What a learner and its model hold, as copies that may be written over; and the generators as they go on in the model.

    Raises:
        NotCompiledError: the learner does not know its model yet. ValueError: it needs whole sequences (BPTT).
    """
    made, _ = learner._ready()
    if learner.whole:
        raise ValueError(
            f"{type(learner).__name__} looks at whole sequences and cannot learn step by step; use an online rule, or TBPTT"
        )
    # a batch draws from keys of its own; the model's generator goes on as if the batch had been one call
    state, onward = learner._state(made)
    trace, fired, added = learner.memory
    params = made.read(made.params)
    held = Held(params, optimizer.init(params), state, added, learner.lasting.value, fired)
    return *jax.tree.map(_own, (held, trace)), onward


def give(learner: Learner, held: Held, trace: Any, onward: Any, steps: Any) -> None:
    """Copies of all of it back into the learner and its model; `steps`: taken since the learner's last reset."""
    made, _ = learner._ready()
    held, trace = jax.tree.map(jnp.copy, (held, trace))
    made.write({**held.params, **held.state, **onward})
    learner._keep((trace, held.fired, held.added), held.lasting)
    learner.steps.value = steps


def _array(a: Any) -> jax.Array:
    """What is an array already stays as it is: to ask jnp for it takes a tenth of a small network's step."""
    return a if isinstance(a, jax.Array) else jnp.asarray(a)


def _own(a: jax.Array) -> jax.Array:
    """A copy of a fixed type: a value of a weak one would compile the second step anew."""
    return jnp.copy(a) if is_key(a) else jnp.array(a, jnp.result_type(a))


@partial(compiled, static=6, donate=(6, 7), keep_unused=True)
def _step(
    graph: Graph, rule: Rule, loss: Loss, optimizer: optax.GradientTransformation, batch: int | None, learn: bool,
    held: Held, spare: Any, trace: Any, told: Any,
) -> tuple[Held, Any, Seen]:  # fmt: skip
    """`spare` is memory alone: the new trace is written there, since the old one is read until the end."""
    x, target, modulator = told
    x = x if batch is None else (x[0], jax.tree.map(lambda a: jnp.broadcast_to(a, (batch,)), x[1]))
    last = None if rule.teach.end is None else jnp.ones(1, bool)
    data = Data(*jax.tree.map(lambda a: a[None], (inputs_like(graph, x), target)), None, modulator, last)
    carry = Carry(held.state, trace, batch, held.added, held.lasting)
    out = _run(graph, rule, loss, 1, False, False, None, held.params, carry, data)
    params, memory = held.params, held.memory
    if learn:
        change, memory = optimizer.update(out.grads, memory, params)
        params = optax.apply_updates(params, change)
    fired = {p: f + out.firing[p] for p, f in held.fired.items()}
    after = Held(params, memory, out.carry.state, out.carry.added, out.carry.lasting, fired)
    return after, out.carry.trace, Seen(jax.tree.map(lambda a: a[0], out.outputs), out.losses[0])
