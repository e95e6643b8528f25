"""Marks through which the rest of the network reads a population: where credit comes back from."""

from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from .._compat import is_float
from .draft import origin
from .program import Atom, Equation, Value, down, up
from .readings import prelude
from .types import Graph


@dataclass(frozen=True, eq=False)
class Reader:
    """A mark that reads populations; `parts`: what of its input comes from those that it does not feed in turn."""

    mark: Equation
    parts: tuple[Value, ...]


def readers(graph: Graph) -> dict[str, Reader]:
    """Marks that read a population without feeding it again, by the name of their weight."""
    params, found = dict(zip(graph.param_names, graph.program.ins)), {}
    leads = _leads(graph)
    for e in (e for e in graph.eqns if e.is_mark):
        targets = _reached(graph, down(graph.eqns, e.outs))
        ahead = lambda s: s not in targets and not any(leads[t][s] for t in targets)  # noqa: B023
        parts = [v for v in pieces(graph, e.ins[0]) if (source := _sources(graph, v)) and all(map(ahead, source))]
        if parts:
            name = origin(graph.early, params, e.ins[1])
            found[name if name not in found else f"{name} ({len(found) + 1})"] = Reader(e, tuple(dict.fromkeys(parts)))
    return found


def pieces(graph: Graph, x: Atom) -> list[Value]:
    """What a value is put together from: the parts of a concatenation, or itself."""
    if not isinstance(x, Value) or not is_float(x):
        return []
    made = joined(graph, x)
    return [x] if made is None else [v for a in made.ins for v in pieces(graph, a)]


def joined(graph: Graph, x: Atom) -> Equation | None:
    """The concatenation that makes a value."""
    return next((e for e in graph.eqns if x in e.outs and e.name == "concatenate"), None)


def _sources(graph: Graph, x: Value) -> list[int]:
    """Populations of whose states, or of what drives them, a value is made without a mark between."""
    need = up(graph.eqns, [x], marks=False)
    states = lambda q: {v for i in q.states for v in (graph.h_in[i], graph.h_out[i])}
    own = lambda q: states(q) | {graph.edges[n].y for n in q.edges}
    return [n for n, q in enumerate(graph.groups) if own(q) & need]


def _reached(graph: Graph, seen: set[Value]) -> list[int]:
    return [n for n, q in enumerate(graph.groups) if any(graph.h_out[i] in seen for i in q.states)]


def _leads(graph: Graph) -> np.ndarray:
    """From which population paths lead to which, in any number of steps."""
    n = len(graph.groups)
    leads = np.zeros((n, n), bool)
    for s, q in enumerate(graph.groups):
        leads[s, _reached(graph, down(graph.eqns, [graph.h_in[i] for i in q.states]))] = True
    for k in range(n):
        leads |= leads[:, k : k + 1] & leads[k]
    return leads


def value_of(env: dict[Value, Any], a: Atom) -> Any:
    return env[a] if isinstance(a, Value) else a.val


def fan_in(graph: Graph) -> dict[str, int]:
    """How many inputs one output of each reader has: of a sparse one, on average."""
    count = lambda w, y: w.size // max(w.shape[-1] if len(w.shape) > 1 else y.size, 1)
    atom = lambda a: a if isinstance(a, Value) else jnp.asarray(a.val)
    return {name: max(count(atom(r.mark.ins[1]), r.mark.outs[0]), 1) for name, r in readers(graph).items()}


def reader_weights(graph: Graph, params: Any) -> dict[str, jax.Array]:
    """The weights of all readers, by name."""
    env = {**graph.program.consts, **dict(zip(graph.frontier, prelude(graph, params)))}
    return {name: jnp.asarray(value_of(env, r.mark.ins[1])) for name, r in readers(graph).items()}


def fits(back: dict[str, Any], want: dict[str, Any]) -> None:
    """Raises ValueError unless weights back are named and shaped as the readers' own."""
    unknown = sorted(set(back) - set(want))
    if unknown:
        raise ValueError(f"feedback for {unknown}: no reader of a population has this weight; there are {sorted(want)}")
    for name, b in back.items():
        if jnp.shape(b) != want[name].shape:
            raise ValueError(
                f"feedback for `{name}` has shape {jnp.shape(b)}; it takes the place of that weight, of shape {want[name].shape}"
            )
