"""One step, read several ways: the same numbers, other derivatives."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import jax
import jax.numpy as jnp

from ..ops import Operator
from .needed import CARRY, INPUT, NOW, SEEN, driven, taking_part
from .program import Atom, Const, Equation, Value, down, run, up
from .solver import cross, forwardable
from .types import Edge, Graph, Group

if TYPE_CHECKING:
    from .draft import Draft

stop = jax.lax.stop_gradient


def read_apart(
    d: "Draft", edges: Sequence[Edge], groups: Sequence[Group]
) -> tuple[frozenset[Value], tuple[Value, ...]]:
    """`fresh`: values of this step that a mark may read with their history: new states, and what lies past the last mark
    of its own group. `saved`: values that linearisation needs again."""
    fresh = {v for v in d.h_out if isinstance(v, Value)}
    for q in groups:
        marks = [edges[n] for n in q.edges if edges[n].x is not None]
        ahead = up(d.eqns, [e.x for e in marks if e.x is not None])
        ys = {e.y for e in marks}
        fresh |= (down(q.eqns, ys) - ys - ahead) & {v for e in q.eqns for v in e.outs}
    want = {v for e in edges for v in (e.x, e.y) if isinstance(v, Value)}
    for q in groups:
        made = {v for e in q.eqns for v in e.outs}
        want |= {v for e in q.eqns for v in e.reads if v not in made} | {d.h_in[i] for i in q.states}
        want |= {v for v in (d.h_out[i] for i in q.states) if isinstance(v, Value) and v not in made}
    static = {*d.frontier, *d.program.consts}
    every = [*d.program.ins, *(v for e in d.eqns for v in e.outs)]
    return frozenset(fresh), tuple(v for v in every if v in want - static)


class Step(NamedTuple):
    """What one step gives: new state, output, new state leaves as others read them, the values to linearise around,
    spikes by population."""

    state: Any
    output: Any
    seen: list[Any]
    saved: list[jax.Array]
    spikes: dict[str, jax.Array]


def prelude(g: Graph, params: Any) -> list[jax.Array]:
    """The values that depend on parameters alone and that the step reads: the frontier."""
    env = run(g.early, {**g.program.consts, **dict(zip(g.program.ins, jax.tree.leaves(params)))})
    return [env[v] for v in g.frontier]


def plain_step(
    g: Graph, static: Sequence[jax.Array], state: Sequence[Any], x: Sequence[Any], outs: Sequence[Atom]
) -> list[Any]:
    """The step as it stands, leaf by leaf: no reading, no nudge; `outs` of its program, ready for forward mode."""
    env = {**g.program.consts, **dict(zip(g.frontier, static)), **dict(zip(g.program.ins[g.n_params :], [*state, *x]))}
    need = up(g.eqns, outs)
    env = run([forwardable(e) for e in g.eqns if any(v in need for v in e.outs)], env)
    return [v.val if isinstance(v, Const) else env[v] for v in outs]


class Readings:
    """The environments of one step, by reading.

    * `now`: everything live.
    * `input`: what a mark reads. The previous state is a constant, this step's fresh values are not.
    * `carry`: what the next step inherits. Marks' inputs are constants, so credit that crosses time stays in its group.
    * `seen`: what the output reads: `now`, with the new states as independent values (+ `delta`).

    An equation is run in those readings alone in which something needs it.
    """

    def __init__(self, g: Graph, local: bool, delta: Sequence[jax.Array | None] | None):
        self.envs: tuple[dict[Value, Any], ...] = ({}, {}, {}, {})
        self.local, self.fresh, self.driven = local, g.fresh, driven(g)
        self.delta = dict(zip(g.h_out, delta)) if delta is not None else {}

    def put(self, v: Value, vals: dict[int, Any]) -> None:
        shift = self.delta.get(v)
        if shift is not None and NOW in vals:
            vals = {**vals, **dict.fromkeys((SEEN, INPUT), vals[NOW] + shift)}
        elif v in self.fresh and NOW in vals:
            vals = {**vals, INPUT: vals[NOW]}
        for n, a in vals.items():
            self.envs[n][v] = a

    def same(self, v: Value, a: Any) -> None:
        for env in self.envs:
            env[v] = a

    def get(self, which: int, a: Any) -> Any:
        return a.val if isinstance(a, Const) else self.envs[which][a]

    def value(self, v: Value) -> jax.Array:
        """The number that it is, in whichever reading: they differ in derivatives alone."""
        return stop(next(env[v] for env in self.envs if v in env))

    def mark(self, e: Equation, w: Any, nudge: Any, traced: bool) -> None:
        op: Operator = e.params["op"]
        x = self.get(INPUT, e.ins[0])
        plain = op.apply(x, w)
        y = late = plain + nudge
        # no credit passes an input from outside; one reading then serves for all
        if self.local and (e.ins[0] in self.driven or not traced):
            # a weight without a trace must not be reached from later steps of the window either
            late = stop(plain) + (nudge if traced else 0)
        self.put(e.outs[0], {NOW: y, INPUT: y, CARRY: late, SEEN: y})

    def apply(self, e: Equation, solvers: Any, readings: Sequence[int]) -> None:
        outs: dict[int, list[Any]] = {}
        args = {n: [self.get(n, a) for a in e.ins] for n in readings}
        for n, a in args.items():
            # readings that agree on the operands share the result: most equations are run once
            twin = next((m for m in outs if all(p is q for p, q in zip(a, args[m]))), None)
            outs[n] = outs[twin] if twin is not None else cross(e, solvers[e], a) if e in solvers else e(*a)
        for k, v in enumerate(e.outs):
            self.put(v, {n: o[k] for n, o in outs.items()})


def forward(
    g: Graph, static: Sequence[jax.Array], state: Any, x: Any,
    nudge: Sequence[jax.Array], delta: Sequence[jax.Array | None] | None, local: bool,
) -> Step:  # fmt: skip
    """One step. `static` is the frontier; `nudge[n]` is added to what edge `n` delivers, so that its cotangent is that edge's
    learning signal; `delta` is added to what *others* read of the new states; `local` cuts credit at marks."""
    r = Readings(g, local, delta)
    first = {e.y: n for n, e in reversed(list(enumerate(g.edges)))}
    for v, c in g.program.consts.items():
        r.same(v, c)
    moving = [*jax.tree.leaves(state), *jax.tree.leaves(x)]
    for n, (v, a) in enumerate(zip(g.program.ins[g.n_params :], moving)):
        r.put(v, {NOW: a, INPUT: stop(a) if local and n < g.n_state else a, CARRY: a, SEEN: a})
    const = dict(zip(g.frontier, static))
    for v, a in const.items():
        a = stop(a) + nudge[first[v]] if v in first else a
        r.put(v, {NOW: a, INPUT: a, CARRY: stop(a) if local and v in g.untraced else a, SEEN: a})
    on = taking_part(g, delta is not None)
    for e in g.eqns:
        if e.is_mark and on[e]:
            w = e.ins[1]
            shift = nudge[first[e.outs[0]]] if e.outs[0] in first else jnp.zeros((), e.outs[0].dtype)
            value = w.val if isinstance(w, Const) else const[w] if w in const else g.program.consts[w]
            r.mark(e, stop(value), shift, w not in g.untraced)
        elif on[e]:
            r.apply(e, g.solvers, on[e])
    h = [r.get(CARRY, v) for v in g.h_out]
    y = [r.get(SEEN, v) for v in g.program.outs[g.n_state :]]
    h, y = jax.tree.unflatten(g.out_tree, h + y)
    seen, saved = [r.get(SEEN, v) for v in g.h_out], [r.value(v) for v in g.saved]
    return Step(h, y, seen, saved, {name: r.value(v) for name, v in g.spikes.items()})
