"""One step around its own values: what each weight does to its population, and what the population does to itself."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from .program import Const, Value, run
from .solver import forwardable, jacobian
from .types import Graph, Group

stop = jax.lax.stop_gradient


class Pushed(NamedTuple):
    """In place of dh'/dh of a large block: the values around which tangents are pushed, `needs(group)` in order."""

    values: list[jax.Array]


def needs(g: Graph, q: Group) -> list[Value]:
    """The values that a population's step reads from outside it."""
    made = {v for e in q.eqns for v in e.outs}
    read = [v for e in q.eqns for v in e.reads] + [g.h_out[i] for i in q.states] + [g.h_in[i] for i in q.states]
    return list(dict.fromkeys(v for v in read if isinstance(v, Value) and v not in made and v not in g.program.consts))


def _advance(g: Graph, q: Group, env: dict[Value, Any], source: Sequence[Value]) -> Callable[..., jax.Array]:
    """The new block `[S, P]` of a population as a function of some of the values it reads."""
    steps = [forwardable(e) for e in q.eqns]

    def advance(*vals: Any) -> jax.Array:
        new = run(steps, {**env, **dict(zip(source, vals))})
        return q.fold([new[g.h_out[i]] for i in q.states])  # type: ignore[index]

    return advance


def linearize(
    g: Graph, static: Sequence[jax.Array], saved: Sequence[jax.Array]
) -> tuple[list[Any], list[Any], list[Any]]:
    """`pre`: x per edge; `post`: dh'/dy per edge `[S, *out]`; `trans`: dh'/dh per group `[S, S, P]`, or `Pushed`."""
    env = {**g.program.consts, **dict(zip([*g.frontier, *g.saved], [*static, *saved]))}
    post: list[Any] = [None] * len(g.edges)
    trans: list[Any] = []
    for q in g.groups:
        edges = [g.edges[n] for n in q.edges]
        states = [] if q.pushed else list(zip((g.h_in[i] for i in q.states), q.layouts))
        source, lays = zip(*states, *((e.y, e.layout) for e in edges))
        columns = jacobian(_advance(g, q, env, source), [env[v] for v in source], lays)  # [(S) + depths, S, P]
        at = 0 if q.pushed else q.S
        trans.append(Pushed([env[v] for v in needs(g, q)]) if q.pushed else jnp.swapaxes(columns[:at], 0, 1))
        for n, e in zip(q.edges, edges):
            assert e.layout is not None
            post[n] = e.layout.unfold(jnp.swapaxes(columns[at : at + e.layout.depth], 0, 1))
            at += e.layout.depth
    one = lambda e: jnp.ones((), e.y.dtype)
    pre = [one(e) if e.x is None else e.x.val if isinstance(e.x, Const) else env[e.x] for e in g.edges]
    return stop((pre, post, trans))


def jacobians(g: Graph, trans: Sequence[Any]) -> list[Any]:
    """dh'/dh per group `[K, S, S, P]` of a window, also where tangents are pushed."""
    return [_formed(g, q, d) if isinstance(d, Pushed) and not q.large else d for q, d in zip(g.groups, trans)]


def _formed(g: Graph, q: Group, trans: Pushed) -> jax.Array:
    eye = jnp.broadcast_to(
        jnp.eye(q.S, dtype=jnp.result_type(*(g.h_in[i].dtype for i in q.states)))[..., None], (q.S, q.S, q.P)
    )
    return jax.vmap(lambda now: jnp.swapaxes(transport(g, q, now, eye), 0, 1))(trans)


def transport(g: Graph, q: Group, trans: Any, v: jax.Array) -> jax.Array:
    """`dh'/dh v` for tangents `v [N, S, P]` of one population at one step."""
    if not isinstance(trans, Pushed):
        return jnp.einsum("ijp,njp->nip", trans, v)
    env = {**g.program.consts, **dict(zip(needs(g, q), trans.values))}
    h = [g.h_in[i] for i in q.states]
    advance = _advance(g, q, env, h)
    return jax.vmap(lambda *t: jax.jvp(advance, tuple(env[a] for a in h), t)[1])(*q.unfold(v))
