"""The step as it stands, with some ways of credit cut: what a dropped path would have carried is what they take away."""

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp

from .program import Atom, Const, Equation, Value, up
from .report import Path
from .solver import cross
from .types import Graph

Env = dict[Value, Any]
Gates = list[tuple[Path, jax.Array]]


def cut_step(
    g: Graph, paths: Sequence[Path], keep: jax.Array, static: Sequence[Any], state: Sequence[Any], x: Sequence[Any]
) -> list[Any]:
    """New state and output, leaf by leaf, as the plain step gives them; their derivative lacks the paths that are not kept.

    Equations that reverse mode cannot cross are crossed by forward mode.

    Args:
        paths: of `g.report.paths`; keep `[len(paths)]`: booleans, one a path.
        static: the frontier; state, x: leaves of the state that enters and of the input.
    """
    env = {**g.program.consts, **dict(zip(g.frontier, static)), **dict(zip(g.program.ins[g.n_params :], [*state, *x]))}
    gates = list(zip(paths, keep))
    always = [gate for gate in gates if not gate[0].states]
    now = _walk(g, env, None, always, g.program.outs)
    new = dict.fromkeys(range(g.n_state))
    for at, mine in _by_states(g, gates).items():
        held = {v: _gate(env[v], k) for p, k in (gates[n] for n in mine) if p.mark is None for v in p.cut}
        late = _walk(g, {**env, **held}, now, always + [gates[n] for n in mine], [g.h_out[i] for i in at])
        new.update({i: _value(late, g.h_out[i]) for i in at})
    return [*new.values(), *(_value(now, v) for v in g.program.outs[g.n_state :])]


def _by_states(g: Graph, gates: Gates) -> dict[tuple[int, ...], tuple[int, ...]]:
    """States that inherit through the same gates, and the numbers of these."""
    through: dict[tuple[int, ...], list[int]] = {}
    for i in range(g.n_state):
        through.setdefault(tuple(n for n, (p, _) in enumerate(gates) if i in p.states), []).append(i)
    return {tuple(at): mine for mine, at in through.items()}


def _walk(g: Graph, start: Env, now: Env | None, gates: Gates, outs: Sequence[Atom]) -> Env:
    """The values behind `outs`. Marks read their inputs in `now` (None: in these values themselves), through their gates."""
    env, need = dict(start), up(g.eqns, outs, marks=now is None)
    for e in (e for e in g.eqns if any(v in need for v in e.outs)):
        args = [_value(env, a) for a in e.ins if not e.is_mark]
        if e.is_mark:
            args = [_input(g, e, env if now is None else now, gates), _value(env, e.ins[1])]
        env.update(zip(e.outs, _apply(g, e, args)))
    return env


def _input(g: Graph, mark: Equation, env: Env, gates: Gates) -> Any:
    """What a mark reads, with the values that its gates close held constant."""
    mine = [(p, k) for p, k in gates if p.mark is mark.outs[0]]
    env = {**env, **{v: _gate(env[v], k) for p, k in mine for v in p.cut}}
    for e in mine[0][0].cone if mine else ():
        env.update(zip(e.outs, _apply(g, e, [_value(env, a) for a in e.ins])))
    return _value(env, mark.ins[0])


def _apply(g: Graph, e: Equation, args: list[Any]) -> list[Any]:
    return cross(e, g.solvers[e], args) if e in g.solvers else e(*args)


def _gate(v: Any, keep: jax.Array) -> Any:
    return jnp.where(keep, v, jax.lax.stop_gradient(v))


def _value(env: Env, a: Atom) -> Any:
    return a.val if isinstance(a, Const) else env[a]
