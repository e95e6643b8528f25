"""Forward mode where reverse mode cannot go: one equation, its layouts, its Jacobian."""

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp

from .._compat import is_float
from .layout import Layout
from .program import Equation, Program, Value, flatten

stop = jax.lax.stop_gradient


def jacobian(f: Callable[..., Any], vals: Sequence[jax.Array], lays: Sequence[Layout]) -> Any:
    """Derivative of `f`, `[N, *out]`: one column per slot of the operands, with ones over all positions at once."""
    total = sum(lay.depth for lay in lays)
    tangents, at = [], 0
    for v, lay in zip(vals, lays):
        none = lambda n, v=v: jnp.zeros((n, *v.shape), v.dtype)
        tangents.append(jnp.concatenate([none(at), lay.basis(v.dtype), none(total - at - lay.depth)]))
        at += lay.depth
    return jax.vmap(lambda *t: jax.jvp(f, tuple(vals), t)[1])(*tangents)


def cross(e: Equation, lays: tuple[list[Layout | None], list[Layout | None]], vals: Sequence[Any]) -> list[Any]:
    """The equation's value, with the derivative of `out + J (v - stop v)`; J by forward mode."""
    ins, outs = lays
    fixed = [stop(v) for v in vals]
    on = [n for n, lay in enumerate(ins) if lay is not None]
    kept = [lay for lay in outs if lay is not None]

    def f(*live: Any) -> list[Any]:
        full = list(fixed)
        for n, a in zip(on, live):
            full[n] = a
        return e(*full)

    value = [stop(o) for o in f(*(fixed[n] for n in on))]
    some = lambda out: [o for o, lay in zip(out, outs) if lay is not None]
    columns = jacobian(lambda *t: some(f(*t)), [fixed[n] for n in on], [ins[n] for n in on])  # type: ignore[misc]
    zero = jnp.concatenate([ins[n].fold(vals[n] - fixed[n]) for n in on], -2)  # type: ignore[union-attr]  # [N, P]
    slopes = iter([lay.unfold(jnp.einsum("nsp,np->sp", stop(lay.fold(c)), zero)) for c, lay in zip(columns, kept)])
    return [o + next(slopes) if lay is not None else o for o, lay in zip(value, outs)]


class _Forward:
    """A `custom_vjp` equation with the forward mode that JAX denies it: the transpose of its own reverse mode."""

    def __init__(self, e: Equation):
        self.e, self.ins, self.outs = e, e.ins, e.outs

    def __call__(self, *vals: Any) -> list[Any]:
        @jax.custom_jvp
        def f(*args: Any) -> list[Any]:
            return self.e(*args)

        @f.defjvp
        def _(primals: Any, tangents: Any) -> Any:
            out, pull = jax.vjp(lambda *a: self.e(*a), *primals)
            return out, jax.linear_transpose(pull, out)(tuple(tangents))[0]

        return f(*vals)


def forwardable(e: Equation) -> Any:
    """The equation, ready for forward mode."""
    return _Forward(e) if e.name.startswith("custom_vjp_call") else e


def pushed(e: Equation) -> tuple[Program, list[int]]:
    """The tangents of the results, as a program of the tangents of the operands at these places; values are inputs after them."""
    values = [a for a in e.ins if isinstance(a, Value)]
    places = [n for n, a in enumerate(e.ins) if isinstance(a, Value) and is_float(a)]
    f = forwardable(e)

    def push(tangents: list[Any], given: list[Any]) -> list[Any]:
        have = iter(given)
        full = [next(have) if isinstance(a, Value) else a.val for a in e.ins]

        def g(*live: Any) -> list[Any]:
            now = dict(zip(places, live))
            return [o for o in f(*(now.get(n, a) for n, a in enumerate(full))) if is_float(o)]

        return jax.jvp(g, tuple(full[n] for n in places), tuple(tangents))[1]

    shape = lambda a: jax.ShapeDtypeStruct(a.shape, a.dtype)
    return flatten(jax.make_jaxpr(push)([shape(e.ins[n]) for n in places], [shape(v) for v in values])), places
