"""The object users hold: a rule bound to a brainstate model."""

from typing import Any

import brainstate
import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh

from .._compat import is_float
from ..graph import Graph, routed, trace_graph
from ..rules import Rule
from . import _bridge as bridge
from .checks import same_function, steps_of
from .core import Carry, Result, Window, gradients, init
from .mesh import checked_mesh
from .online import online_step
from .silence import Silence
from .teach import no_loss, quiet
from .window import Loss


class NotCompiledError(RuntimeError):
    """A learner was used before `compile_graph`."""


class Learner(bridge.Module):
    """Trains `model` online with `rule`.

        learner = vestige.D_RTRL(model)
        learner.compile_graph(x)            # one example; compile_graph(x, batch_size=B) for batches [B, ...]
        y = learner(x)                      # one step; brainstate.transform.grad through it gives online gradients
        res = learner.gradients(xs, targets, loss=f, window=64)

    The model's states are advanced as if it were called itself. `learner.reset()` starts a new sequence.
    """

    positions, whole = True, False  # `whole`: one window over the sequence, always

    def __init__(self, model: bridge.Module, rule: Rule):
        super().__init__()
        if not isinstance(model, brainstate.nn.Module):
            raise TypeError(
                f"a learner takes a brainstate Module, not {type(model).__name__}; for a plain step use vestige.trace_graph"
            )
        self.model, self.rule = model, rule
        self.batch_size: int | None = None
        self._loss: Loss = no_loss
        self._bridge: bridge.Bridge | None = None
        self._mesh: Mesh | None = None
        self._graph: Graph | None = None
        # outside every batch, so that a mapped learner counts once
        self.steps = bridge.State(jnp.zeros((), jnp.int32))

    # -- life

    def compile_graph(self, *x: Any, batch_size: int | None = None, mesh: Mesh | None = None) -> None:
        """Analyse the model for one example `x` (without a batch axis), with empty traces.

        Args:
            x: what the model's `update` takes.
            batch_size: with B, every later input leads with B examples, and so does every state of the model.
            mesh: devices that share the work of `gradients`, `evolve` and `fit`; see `vestige.gradients`.

        Raises:
            GraphError: the model cannot be learned by this rule; nothing has changed then.
        """
        mesh = checked_mesh(mesh, batch_size)
        made = bridge.Bridge(self.model, x)
        params, state = made.read(made.params), made.read(made.dynamic)
        inputs = x, bridge.clock()
        graph = trace_graph(made.step, params, state, inputs, positions=self.positions)
        carry = init(graph, self.rule, params, state)
        start = {path: v for path, v in carry.state.items() if path not in made.random}
        trace = carry.trace, {p: jnp.zeros(()) for p in graph.spikes}, carry.added
        if batch_size is not None:
            start = made.many(start, batch_size)
            trace = jax.tree.map(lambda a: jnp.broadcast_to(a, (batch_size, *a.shape)), trace)
        self._bridge, self._graph, self.batch_size, self._mesh = made, graph, batch_size, mesh
        self._example = inputs
        self._silence = Silence(list(graph.spikes))
        self.start = bridge.TraceState(start)
        self._hold(trace)
        self.lasting = bridge.TraceState(carry.lasting)
        self.steps.value = jnp.zeros((), jnp.int32)
        made.write(start)

    def reset(self) -> None:
        """A new sequence: the model's states as they were at `compile_graph`, empty traces. Parameters and generators stay."""
        self._ready()[0].write(self.start.value)
        self._keep(jax.tree.map(jnp.zeros_like, self.memory), empty=True)
        self.steps.value = jnp.zeros((), jnp.int32)

    reset_state = reset

    # -- learning

    def update(self, *x: Any) -> Any:
        """One online step: output, new states, new traces."""
        made, graph = self._ready()
        inputs = x, bridge.clock()
        self._check(inputs, lead=0)
        params, (trace, fired, added), (state, onward) = made.read(made.params), self.memory, self._state(made)
        carry = Carry(state, trace, self.batch_size, added, self.lasting.value)
        now, carry = online_step(graph, self.rule, params, carry, inputs)
        fired = {p: fired[p] + rate for p, rate in now.firing.items()}
        made.write({**now.state, **onward})
        self._keep((now.trace, fired, carry.added), carry.lasting)
        self.steps.value = self.steps.value + 1
        self._silence.watch(self.steps.value, fired if self.batch_size is None else {p: f[0] for p, f in fired.items()})
        return now.output

    def gradients(
        self, xs: Any, targets: Any, loss: Loss, window: Window = 64, *,
        mask: Any = None, modulator: Any = None, reduction: str = "sum", first: bool = False, last: bool = False,
    ) -> Result:  # fmt: skip
        """Online gradients of a sequence, in windows; continues from the present state, and leaves the learner after it.

        Args:
            xs: `[T, ...]`, or `[T, B, ...]` after `compile_graph(x, batch_size=B)`; a tuple if the model takes several inputs.
            targets: lead with T.
            loss: `loss(output, target) -> scalar` on one step's (batched) output.
            window, mask, modulator, reduction, first, last: see `vestige.gradients`. After `last` the traces are empty.

        Returns:
            A `Result`: `.grads` keyed and in units like `model.states(brainstate.ParamState)`, `.losses [T]`, `.outputs`.

        Raises:
            ValueError: shapes that do not fit, or values that are not finite; before any state moves.
        """
        # a lambda written anew in a loop is still the same loss: nothing is compiled again
        self._loss = self._loss if same_function(self._loss, loss) else loss
        how: dict[str, Any] = dict(mask=mask, modulator=modulator, reduction=reduction, first=first, last=last)
        return self._run(self.rule, xs, targets, self._loss, window, **how, mesh=self._mesh)

    def _run(
        self, rule: Rule, xs: Any, targets: Any, loss: Loss, window: Window, *, last: bool, **how: Any
    ) -> Result:
        made, graph = self._ready()
        xs = xs if isinstance(xs, tuple) else (xs,)
        T = steps_of(xs)
        inputs = xs, self._over_batch(bridge.clocks(bridge.clock(), T))
        self._check(inputs, lead=1)
        (trace, fired, added), (state, onward) = self.memory, self._state(made)
        carry = Carry(state, trace, self.batch_size, added, self.lasting.value)
        window, how["first"] = None if self.whole else window, how["first"] or self._is_empty()
        out = gradients(graph, rule, made.read(made.params), carry, inputs, targets, loss, window, last=last, **how)
        made.write({**out.carry.state, **onward})
        old = trace, added
        trace, added = jax.tree.map(jnp.zeros_like, old) if last else (out.carry.trace, out.carry.added)
        self._keep((trace, {p: f + T * out.firing[p] for p, f in fired.items()}, added), out.carry.lasting)
        self.steps.value = self.steps.value + T
        self._silence.check(T, out.firing)
        return out

    def evolve(self, xs: Any, window: Window = 64, *, first: bool = False, last: bool = False) -> Any:
        """Advance states and traces over `xs [T, ...]` without a loss; returns the outputs."""
        return self._run(quiet(self.rule), xs, None, no_loss, window, first=first, last=last, mesh=self._mesh).outputs

    def stream(self, source: Any = (), **how: Any) -> Any:
        """Endless data, predicted first and learned when labels come; arguments and result are those of `OnlineStream`."""
        from .stream import OnlineStream  # which knows learners

        return OnlineStream(self, source, **how)

    # -- looking

    @property
    def graph(self) -> Graph:
        """The step as the rule reads it."""
        return routed(self._ready()[1], self.rule.route).graph

    @property
    def report(self) -> str:
        """What is learned and how, and what this rule drops."""
        return self.graph.report.of(self.rule.reads == "state", factorised=self.rule.smooths is not None)

    @property
    def firing(self) -> dict[str, Any]:
        """Mean firing rate (spikes per neuron and step) of each spiking population since the last reset."""
        return {p: f / jnp.maximum(self.steps.value, 1) for p, f in self.memory[1].items()}

    @property
    def memory(self) -> Any:
        """(traces of the rule, firing rates summed since the last reset, states that the rule adds)."""
        return jax.tree.unflatten(self._tree, [s.value for s in self.leaves])

    def _hold(self, memory: Any) -> None:
        # a state a leaf: a mapped computation may batch each leaf along another axis
        leaves, self._tree = jax.tree.flatten(memory)
        self.leaves = [bridge.TraceState(a) for a in leaves]
        self._keep(memory, empty=True)

    def _keep(self, memory: Any, lasting: Any = None, empty: bool = False) -> None:
        if jax.tree.leaves(lasting):
            self.lasting.value = lasting
        for state, value in zip(self.leaves, jax.tree.leaves(memory)):
            state.value = value
        self._empty = [s.value for s in self.leaves] if empty else []

    def _is_empty(self) -> bool:
        """Do the traces hold the very arrays that a reset put there? Never so across the border of a transformation."""
        return len(self._empty) == len(self.leaves) and all(s.value is a for s, a in zip(self.leaves, self._empty))

    def _state(self, made: bridge.Bridge) -> tuple[dict[bridge.Path, Any], dict[bridge.Path, Any]]:
        """The states that enter a step, and random generators as they leave it in a batch, whose examples draw apart."""
        state = made.read(made.dynamic)
        for path, start in self.start.value.items():
            want, got = bridge.shapes(start), bridge.shapes(state[path])
            if want != got:
                raise ValueError(
                    f"state `{bridge.name(path)}` has shape {got}, and had {want} when the graph was compiled. "
                    "After `init_all_states`, call `learner.reset()`; for another batch size, `compile_graph(x, batch_size=...)`."
                )
        if self.batch_size is None:
            return state, {}
        keys = {path: jax.random.split(state[path], self.batch_size + 1) for path in made.random}
        return {**state, **{p: k[1:] for p, k in keys.items()}}, {p: k[0] for p, k in keys.items()}

    def _ready(self) -> tuple[bridge.Bridge, Graph]:
        if self._bridge is None or self._graph is None:
            raise NotCompiledError(f"{type(self).__name__}: call `compile_graph(x)` with one example first")
        return self._bridge, self._graph

    def _over_batch(self, clock: Any) -> Any:
        B = self.batch_size
        return clock if B is None else jax.tree.map(lambda a: jnp.broadcast_to(a[:, None], (len(a), B)), clock)

    def _check(self, inputs: Any, lead: int) -> None:
        """Shapes against the compiled example, and finite values where they can be seen."""
        B = () if self.batch_size is None else (self.batch_size,)
        want, got = jax.tree.leaves(self._example[0]), jax.tree.leaves(inputs[0])
        axes = "".join(("T, " * lead, f"{B[0]}, " if B else ""))
        same = jax.tree.structure(self._example[0]), jax.tree.structure(inputs[0])
        if len(want) == len(got) and same[0] != same[1]:
            raise ValueError(
                f"input is {same[1]}; the graph was compiled for {same[0]}: the same units and structure, please"
            )
        if len(want) != len(got) or any(jnp.shape(b)[lead:] != (*B, *jnp.shape(a)) for a, b in zip(want, got)):
            raise ValueError(
                f"input has shape {', '.join(str(jnp.shape(b)) for b in got)}; the graph was compiled for "
                f"{', '.join(f'[{axes}{str(list(jnp.shape(a)))[1:]}' for a in want)}. "
                "Compile again for another shape or batch size."
            )
        if bridge.concrete(got) and not all(np.isfinite(np.asarray(b)).all() for b in got if is_float(b)):
            raise ValueError(
                "input holds values that are not finite (NaN or infinity): clean or mask them first; no state has moved"
            )
