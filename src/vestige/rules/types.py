"""What a learning rule is, what it is shown, and what it gives back."""

from collections.abc import Callable
from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp

from ..graph import Const, Edge, Graph, Route, Shown

Scope = Literal["instant", "local", "full"]
Reads = Literal["start", "entry", "state"]


class Obs(NamedTuple):
    """A window of K steps, one example; tiny axes lead. Per edge: `pre` x `[K, *in]`, `post` dh'/dy `[K, S, *out]`; per
    group: `trans` dh'/dh `[K, S, S, P]`. `at`: the points themselves, (frontier, state leaves `[K, ...]`, input leaves).
    `key`: a random key of this example and window; `lasting`: what the rule has learned itself; `modulator [K, ...]`."""

    pre: list[Any]
    post: list[Any]
    trans: list[Any]
    at: tuple[list[Any], list[Any], list[Any]]
    key: Any = None
    lasting: Any = None
    modulator: Any = None

    @property
    def steps(self) -> int:
        """K."""
        return jax.tree.leaves(self.pre)[0].shape[0]


class Signal(NamedTuple):
    """What the loss wants. `mark`: dL/dy per edge `[K, *y]`; `entry`: dL/dh of the state that enters, per group
    `[1, S, P]` for the window or `[K, S, P]` for each step; `state`: dL/dh' by what others read of it `[K, S, P]`;
    `leaves`: dL/dh of the state that enters the window, per state leaf."""

    mark: list[Any]
    entry: list[Any]
    state: list[Any]
    leaves: list[Any]


class Update(NamedTuple):
    """What a rule gives back. `uses[n]`: pairs (x, g), correlated over time and batch in one product; `past[n]`: (signal
    `[S, *out]`, trace `[S, *e]`), contracted one example at a time; `static`: gradients of frontier values themselves;
    `lasting`: by how much the rule's own memory changes, averaged over the examples."""

    trace: Any
    uses: list[list[tuple[jax.Array, jax.Array]]]
    past: list[tuple[jax.Array, jax.Array] | None]
    static: list[jax.Array] | None = None
    lasting: Any = None


class Told(NamedTuple):
    """One step of `examples`, for a rule that wants something of it: what readers read, output, target, modulator, and the
    user's loss."""

    shown: Shown
    output: Any
    target: Any
    modulator: Any
    loss: Callable[[Any, Any], jax.Array]
    examples: int


class Teaching(NamedTuple):
    """What a rule wants besides the loss, as a loss of its own. `step(lasting, told)`: at every step, under the mask;
    `end(shown)`: of one example, at the last step of each call. `modulated`: a modulator must be given."""

    step: Callable[[Any, Told], jax.Array] | None = None
    end: Callable[[Shown], jax.Array] | None = None
    modulated: bool = False


class Rule(NamedTuple):
    """How eligibility moves in time: pure functions.

    `init(graph, static)`: the trace of one example, zero. `update(graph, trace, obs, signal)`: one window.
    `scope`: how far credit may travel inside a window (`instant`: not at all; `local`: in a population's own dynamics;
    `full`: everywhere). `reads`: which `Signal` it needs beside `mark`: at the window's `start`, at each step's `entry`,
    or of the new `state`. `first(graph, empty trace, obs)`: the trace after a sequence's first window in any form that
    `update` reads, if a cheaper one is at hand; the gradient of such a window is then the exact present alone.

    `route`, `teach`: what a learning signal meets on its way back, and what is wanted besides the loss. `window`: the
    longest window. `lasting(graph, params)`: memory of the rule's own that all examples share and no reset clears, with
    `settle` as it is after each call. `seed`: of the random keys that `Obs` then holds. `ahead(graph, lasting, state
    leaves)`: dL/dh that the rule expects from beyond the window, per leaf.

    `smooths(graph, frontier)`: by edge, the decay of a sum over its inputs that the rule makes a factor of a trace, the other one
    being a sum over outputs (None: of this edge it makes none). A product of sums is a sum of products if inputs keep their sign.

    `stepwise`: the trace is no larger than what a step computes, so nothing is saved by touching it seldom: a window is gone
    through as windows of one step, whose `uses` are then correlated together. For scope `instant` alone.
    `windowed`: another window gives another gradient, so none is chosen for it.
    """

    init: Callable[[Graph, list[Any]], Any]
    update: Callable[[Graph, Any, Obs, Signal], Update]
    scope: Scope = "local"
    reads: Reads = "start"
    first: Callable[[Graph, Any, Obs], Any] | None = None
    route: Route | None = None
    teach: Teaching = Teaching()
    window: int | None = None
    lasting: Callable[[Graph, Any], Any] | None = None
    settle: Callable[[Any], Any] | None = None
    seed: int | None = None
    ahead: Callable[[Graph, Any, list[Any]], list[Any]] | None = None
    smooths: Callable[[Graph, list[Any]], list[float | None]] | None = None
    stepwise: bool = False
    windowed: bool = False


def present(obs: Obs, signal: Signal) -> list[list[tuple[jax.Array, jax.Array]]]:
    """The exact present: `sum_t x_t dL/dy_t`."""
    return [[(x, d)] for x, d in zip(obs.pre, signal.mark)]


def trace_shape(edge: Edge, weight: Any) -> jax.ShapeDtypeStruct:
    """One slice of an edge's unshared trace."""
    x = pre_shape(edge, weight)
    x = jax.ShapeDtypeStruct((1, *x.shape), x.dtype)
    return jax.eval_shape(edge.op.imprint, x, jax.ShapeDtypeStruct((1, *edge.out), weight.dtype))


def pre_shape(edge: Edge, weight: Any) -> jax.ShapeDtypeStruct:
    """What an edge's weight reads at one step; of an unmarked parameter, a one."""
    x = () if edge.x is None else jnp.shape(edge.x.val) if isinstance(edge.x, Const) else edge.x.shape
    return jax.ShapeDtypeStruct(x, edge.x.dtype if picks(edge) else weight.dtype)  # type: ignore[union-attr]


def picks(edge: Edge) -> bool:
    """Is the weight picked by an integer rather than multiplied by a number?"""
    return jnp.issubdtype(getattr(edge.x, "dtype", jnp.float32), jnp.integer)


def pre_zeros(edge: Edge, weight: Any) -> jax.Array:
    """A presynaptic trace of zeros `[*in]`."""
    return jnp.zeros(pre_shape(edge, weight).shape, weight.dtype)


def weights(graph: Graph, static: list[Any]) -> list[Any]:
    """The frontier value that each edge carries."""
    where = {v: n for n, v in enumerate(graph.frontier)}
    return [static[where[e.w]] for e in graph.edges]
