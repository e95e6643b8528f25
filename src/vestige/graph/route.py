"""The same step with another way back: what a learning signal meets between what reads a population and the population."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ..ops import Own, mark
from .draft import origin
from .errors import GraphError
from .memory import decay_of, remembers_alike
from .pair import Pair, Shown
from .program import Atom, Value, run
from .readers import Reader, joined, readers, value_of
from .report import FEEDBACK
from .trace import analysed
from .types import Edge, Graph
from .way import way_of

stop = jax.lax.stop_gradient
NONE = np.empty((0, 0), int)

Step = Callable[["Pair", "Pair", Any], tuple["Pair", "Pair"]]


@dataclass(frozen=True)
class Route:
    """How credit passes back through the marks that read a population without feeding it again (its *readers*).

    kappa: a reader's input gets an exponential memory, as if the reader itself remembered. `True`: where the reader's
        population is a leaky sum with one decay, with that decay, which makes credit through it exact; a number: everywhere.
    own: credit crosses a reader (those named, or all) by weights given beside the parameters, not by those of the way forward;
        `beside`: by the sum of both.
    told: no credit crosses a reader; what readers read is shown instead, and the rule says what is wanted of it.
    counts: spikes are counted, so that a rule may want a rate.
    each: a parameter that reaches no population is an edge too, so that its gradient is told step by step.
    """

    kappa: bool | float = False
    own: bool | tuple[str, ...] = False
    beside: bool = False
    told: bool = False
    counts: bool = False
    each: bool = False

    def __post_init__(self) -> None:
        if not isinstance(self.kappa, bool) and not 0 <= self.kappa < 1:
            raise ValueError(
                f"kappa is {self.kappa!r}; a decay per step lies in [0, 1); True takes that of the readout"
            )


@dataclass(frozen=True, eq=False)
class Routed:
    """A graph over `Pair(params, weights back)` and `Pair(state, memories)`, whose output is `Pair(output, Shown)`.

    `back`: shapes of weights of the way back; `shown`: of what readers read; `empty`: memories at the start of one example.
    """

    graph: Graph
    back: dict[str, jax.ShapeDtypeStruct]
    shown: dict[str, jax.ShapeDtypeStruct]
    empty: dict[str, jax.Array]


@lru_cache(64)
def routed(graph: Graph, route: Route | None) -> Routed:
    """The step of `graph` with the derivatives of a route, analysed anew; the numbers it computes are the same.

    Raises:
        GraphError: nothing reads a population here, or no population spikes, and the route needs it.
    """
    if route is None:
        return Routed(graph, {}, {}, {})
    reading = readers(graph)
    _check(graph, route, reading)
    kept = _memories(graph, route, reading)
    try:
        new, empty, back = _retraced(graph, route, reading, kept, ())
    except GraphError as error:
        alone = lambda m: _retraces(graph, route, reading, {m: kept[m]})
        some = {m: kept[m] for m in kept if alone(m)}
        mixed = tuple(dict.fromkeys(name for name, v in kept if (name, v) not in some))
        if not mixed:
            raise
        if route.kappa is not True:
            raise GraphError(
                f"no memory per neuron can stand before `{mixed[0]}`, since what it reads joins neurons with one another (a norm,"
                " a fixed matrix): use `kappa=False`, or `kappa=True`, which leaves such readers out"
            ) from error
        new, empty, back = _retraced(graph, route, reading, some, mixed)
    first: dict[Value, str] = {}
    for n, r in reading.items():
        first = {**dict(zip(r.parts, _called(n, r))), **first}
    shown = {called: _shape(v) for v, called in first.items()}
    return Routed(_with_all_edges(new) if route.each else new, back, shown, empty)


def _retraced(
    graph: Graph, route: Route, reading: dict[str, Reader], kept: dict[tuple[str, Value], str], mixed: tuple[str, ...]
) -> tuple[Graph, dict[str, jax.Array], dict[str, jax.ShapeDtypeStruct]]:
    """The graph with these memories, their first values, and the shapes of weights back."""
    empty = {key: jnp.zeros_like(_shape(v)) for (_, v), key in kept.items()} | _counters(graph, route)
    back = {n: _shape(r.mark.ins[1]) for n, r in reading.items() if route.own is True or n in (route.own or ())}
    params, state, x = jax.tree.unflatten(graph.in_tree, [_shape(v) for v in graph.program.ins])
    params = Pair(params, {FEEDBACK + n: b for n, b in back.items()})
    way = way_of(graph, route.kappa, route.told, reading, kept, tuple(back), mixed)
    step = _step(graph, route, reading, kept)
    return analysed(step, params, Pair(state, empty), x, **graph.limits, positions=True, way=way), empty, back


def _retraces(graph: Graph, route: Route, reading: dict[str, Reader], kept: dict[tuple[str, Value], str]) -> bool:
    try:
        _retraced(graph, route, reading, kept, ())
    except GraphError:
        return False
    return True


def _shape(a: Atom) -> jax.ShapeDtypeStruct:
    a = a if isinstance(a, Value) else jnp.asarray(a.val)  # type: ignore[assignment]
    return jax.ShapeDtypeStruct(a.shape, a.dtype)  # type: ignore[union-attr]


def _with_all_edges(g: Graph) -> Graph:
    """The same step with an edge for every trained value that has none."""
    names, carried = dict(zip(g.param_names, g.program.ins)), {e.w for e in g.edges}
    loose = [v for v, on in zip(g.frontier, g.trained) if on and v not in carried]
    return replace(
        g, edges=(*g.edges, *(Edge(Own(NONE, v.shape), origin(g.early, names, v), None, v, v) for v in loose))
    )


def _memories(graph: Graph, route: Route, reading: dict[str, Reader]) -> dict[tuple[str, Value], str]:
    """The memory of each part that a reader reads, by name; readers of one part share it if they forget alike."""
    first: dict[Any, str] = {}
    out = {}
    for name, r in reading.items() if route.kappa else ():
        target = remembers_alike(graph, r.mark) if route.kappa is True else ()
        for v, called in zip(r.parts, _called(name, r)) if target is not None else ():
            out[name, v] = first.setdefault((v, target), f"memory before {called}")
    return out


def _called(name: str, r: Reader) -> list[str]:
    """Names of the parts that a reader reads."""
    return [name if n == 0 else f"{name}, part {n + 1}" for n in range(len(r.parts))]


def _counters(graph: Graph, route: Route) -> dict[str, jax.Array]:
    if not route.counts:
        return {}
    return {"steps": jnp.zeros(()), **{f"spikes of {n}": jnp.zeros(v.shape, v.dtype) for n, v in graph.spikes.items()}}


def _check(graph: Graph, route: Route, reading: dict[str, Reader]) -> None:
    if (route.own or route.told) and not reading:
        lacks = (
            "there is no way back to give weights of its own"
            if route.own
            else "there is nothing to teach a population by"
        )
        raise GraphError(
            f"no marked weight reads a population and leaves it, so {lacks}. Read the population through a marked readout "
            "(`vestige.matmul`), or use `d_rtrl()`."
        )
    if route.counts and not graph.spikes:
        raise GraphError("a firing rate is wanted and no population spikes: leave `rate_strength` at 0")


def _step(graph: Graph, route: Route, reading: dict[str, Reader], kept: dict[tuple[str, Value], str]) -> Step:
    """The user's step, read equation by equation, with readers that pass credit as the route says."""
    names, p = {r.mark: name for name, r in reading.items()}, graph.program
    decay = {n: decay_of(graph, reading[n].mark) if route.kappa is True else lambda env: route.kappa for n, _ in kept}

    def step(params: Pair, state: Pair, x: Any) -> tuple[Pair, Pair]:
        env: dict[Value, Any] = {**p.consts, **dict(zip(p.ins, jax.tree.leaves((params.given, state.given, x))))}
        new, shown = dict(state.added), {}
        for e in (*graph.early, *graph.eqns):
            if e not in names:
                run([e], env)
                continue
            name, r = names[e], reading[names[e]]
            # zero, with the slope that credit is to pass through: the reader sees what it always saw
            slope = {}
            for v, called in zip(r.parts, _called(name, r)):
                live = env[v]
                if (name, v) in kept:
                    key = kept[name, v]
                    live = new[key] = env[v] + stop(decay[name](env)) * state.added[key]
                slope[v] = live - stop(live)
                shown.setdefault(v, (called, stop(env[v]) + slope[v]))
            env[e.outs[0]] = _read(graph, route, r, env, slope, params.added.get(FEEDBACK + name))
        counts = _count(graph, state.added, env, new)
        leaves = [env[v] if isinstance(v, Value) else v.val for v in p.outs]
        h, y = jax.tree.unflatten(graph.out_tree, leaves)
        return Pair(h, new), Pair(y, Shown(dict(shown.values()) if route.told else {}, *counts))

    return step


def _read(
    graph: Graph, route: Route, r: Reader, env: Any, slope: dict[Value, Any], back: jax.Array | None
) -> jax.Array:
    """What a reader delivers."""
    op, w = r.mark.params["op"], value_of(env, r.mark.ins[1])
    fixed = dict.fromkeys(slope, 0.0)
    if route.told:
        return mark(op, _input(graph, r.mark.ins[0], env, fixed, False), w)
    if back is None:
        return mark(op, _input(graph, r.mark.ins[0], env, slope, False), w)
    late = mark(op, _input(graph, r.mark.ins[0], env, slope, True), stop(back + w if route.beside else back))
    return mark(op, _input(graph, r.mark.ins[0], env, fixed, False), w) + (late - stop(late))


def _input(graph: Graph, x: Atom, env: Any, slope: dict[Value, Any], alone: bool) -> jax.Array:
    """The input of a reader, its parts with the slopes they are given; `alone`: everything else a constant."""
    if x in slope:
        return stop(env[x]) + slope[x]  # type: ignore[index]
    e = joined(graph, x)
    if e is None:
        return stop(value_of(env, x)) if alone else value_of(env, x)
    return jnp.concatenate([_input(graph, a, env, slope, alone) for a in e.ins], e.params["dimension"])


def _count(graph: Graph, old: dict[str, Any], env: Any, new: dict[str, Any]) -> tuple[dict[str, Any], Any]:
    """Spikes and steps counted so far, put among the new memories."""
    if "steps" not in old:
        return {}, ()
    new["steps"] = old["steps"] + 1
    for n, v in graph.spikes.items():
        new[f"spikes of {n}"] = old[f"spikes of {n}"] + env[v]
    return {n: new[f"spikes of {n}"] for n in graph.spikes}, new["steps"]
