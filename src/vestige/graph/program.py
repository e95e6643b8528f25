"""A step as a flat list of equations: calls inlined, short loops that hold marks unrolled."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import jax

from .._compat import JaxprEqn, Literal, bind, bodies, is_float, open_jaxpr, scan_counts
from ..ops import mark_p
from .errors import GraphError, where

INLINE = {"jit", "pjit", "closed_call", "core_call", "remat2", "checkpoint", "remat"}
CALLS = ("jaxpr", "call_jaxpr", "fun_jaxpr")
LONGEST_UNROLL = 64


@dataclass(frozen=True, eq=False)
class Value:
    """One array of the step; known by identity."""

    shape: tuple[int, ...]
    dtype: Any

    @staticmethod
    def of(var: Any) -> "Value":
        """A new value like a variable of a jaxpr."""
        return Value(var.aval.shape, var.aval.dtype)

    @property
    def size(self) -> int:
        return prod(self.shape)


@dataclass(frozen=True, eq=False)
class Const:
    """A literal operand."""

    val: Any


Atom = Value | Const


@dataclass(frozen=True, eq=False)
class Equation:
    """A JAX equation over our own values."""

    eqn: JaxprEqn
    ins: tuple[Atom, ...]
    outs: tuple[Value, ...]
    calls: tuple[JaxprEqn, ...] = ()

    @property
    def site(self) -> str:
        """Where in the user's program: the equation's own line, or that of the innermost call that has one."""
        return next((at for eqn in (self.eqn, *self.calls) if (at := where(eqn))), "the step")

    @property
    def name(self) -> str:
        return self.eqn.primitive.name

    @property
    def params(self) -> dict[str, Any]:
        return self.eqn.params

    @property
    def reads(self) -> list[Value]:
        return [a for a in self.ins if isinstance(a, Value)]

    @property
    def is_mark(self) -> bool:
        return self.eqn.primitive is mark_p

    def __call__(self, *vals: Any) -> list[Any]:
        return bind(self.eqn, *vals)


@dataclass(frozen=True, eq=False)
class Program:
    """Inputs, equations in order, outputs; `consts` are arrays that the step closed over."""

    ins: tuple[Value, ...]
    eqns: tuple[Equation, ...]
    outs: tuple[Atom, ...]
    consts: dict[Value, Any]


def has(eqn: JaxprEqn, test: Callable[[JaxprEqn], bool]) -> bool:
    """Does this equation, or one inside it, pass the test?"""
    return test(eqn) or any(has(e, test) for body in bodies(eqn) for e in body.eqns)


def has_while(eqn: JaxprEqn) -> bool:
    return has(eqn, lambda e: e.primitive.name == "while")


def body_of(eqn: JaxprEqn) -> Any:
    """The program that a call equation runs."""
    return next(eqn.params[k] for k in CALLS if k in eqn.params)


def flatten(closed: Any) -> Program:
    """A closed jaxpr as a flat `Program`.

    Raises:
        GraphError: a mark inside a loop or branch that cannot be unrolled.
    """
    eqns: list[Equation] = []
    consts: dict[Value, Any] = {}

    def inline(jaxpr: Any, args: Sequence[Atom], calls: tuple[JaxprEqn, ...] = ()) -> list[Atom]:
        inner, arrays = open_jaxpr(jaxpr)
        env: dict[Any, Atom] = dict(zip(inner.invars, args))
        for v, array in zip(inner.constvars, arrays):
            env[v] = held = Value.of(v)
            consts[held] = array
        get = lambda v: Const(v.val) if isinstance(v, Literal) else env[v]
        for eqn in inner.eqns:
            ins = tuple(get(v) for v in eqn.invars)
            if eqn.primitive.name in INLINE:
                outs = inline(body_of(eqn), ins, (eqn, *calls))
            elif eqn.primitive is not mark_p and has(eqn, lambda e: e.primitive is mark_p):
                outs = inline(_unrolled(eqn), ins, (eqn, *calls))
            else:
                made = tuple(Value.of(v) for v in eqn.outvars)
                eqns.append(Equation(eqn, ins, made, calls))
                outs = list(made)
            env.update(zip(eqn.outvars, outs))
        return [get(v) for v in inner.outvars]

    ins = tuple(Value.of(v) for v in closed.jaxpr.invars)
    outs = inline(closed, ins)
    return Program(ins, tuple(eqns), tuple(outs), consts)


def _unrolled(eqn: JaxprEqn) -> Any:
    """A scan that holds a mark, as a program without a loop."""
    length = int(eqn.params.get("length") or 0)
    if eqn.primitive.name != "scan" or length > LONGEST_UNROLL:
        long = f" of {length} turns (unrolled up to {LONGEST_UNROLL})" if length else ""
        raise GraphError(
            f"a trainable operator stands inside `{eqn.primitive.name}`{long} ({where(eqn) or 'the step'}). "
            "Move it out of the loop or branch, or make the loop a short `scan`."
        )
    consts, carries = scan_counts(eqn)
    body = eqn.params["jaxpr"]

    def unrolled(*args: Any) -> list[Any]:
        carry, ys = list(args[consts : consts + carries]), []
        turns = range(length - 1, -1, -1) if eqn.params["reverse"] else range(length)
        for t in turns:
            out = evaluate(body, *args[:consts], *carry, *(a[t] for a in args[consts + carries :]))
            carry = out[:carries]
            ys.append(out[carries:])
        ys = ys[::-1] if eqn.params["reverse"] else ys
        return [*carry, *(jax.numpy.stack(y) for y in zip(*ys))]

    return jax.make_jaxpr(unrolled)(*(jax.ShapeDtypeStruct(v.shape, v.dtype) for v in map(Value.of, eqn.invars)))


def evaluate(closed: Any, *args: Any) -> list[Any]:
    """Interpret a closed jaxpr equation by equation."""
    program, arrays = open_jaxpr(closed)
    env = dict(zip([*program.constvars, *program.invars], [*arrays, *args]))
    get = lambda v: v.val if isinstance(v, Literal) else env[v]
    for eqn in program.eqns:
        env.update(zip(eqn.outvars, bind(eqn, *map(get, eqn.invars))))
    return [get(v) for v in program.outvars]


def run(eqns: Iterable[Equation], env: dict[Value, Any]) -> dict[Value, Any]:
    """Extend `env` by the results of the equations."""
    for e in eqns:
        env.update(zip(e.outs, e(*(a.val if isinstance(a, Const) else env[a] for a in e.ins))))
    return env


def down(eqns: Iterable[Equation], seeds: Iterable[Value], marks: bool = True) -> set[Value]:
    """Every value that depends on the seeds; `marks=False`: by paths that cross no mark."""
    seen = set(seeds)
    for e in eqns:
        if (marks or not e.is_mark) and any(v in seen for v in e.reads):
            seen.update(e.outs)
    return seen


def up(eqns: Sequence[Equation], sinks: Iterable[Atom], marks: bool = True) -> set[Value]:
    """Every value on which the sinks depend."""
    need = {v for v in sinks if isinstance(v, Value)}
    for e in reversed(eqns):
        if (marks or not e.is_mark) and any(v in need for v in e.outs):
            need.update(e.reads)
    return need


# equations whose derivative is zero wherever it exists
FLAT = frozenset(
    """stop_gradient sign floor ceil round iota random_bits random_wrap random_unwrap is_finite argmax argmin
    population_count""".split()
)


def sloped(eqns: Sequence[Equation], sinks: Iterable[Atom]) -> set[Value]:
    """Values that reach the sinks with a derivative: error norms and tests that end in a comparison do not."""
    need = {v for v in sinks if isinstance(v, Value)}
    for e in reversed(eqns):
        if e.name not in FLAT and any(v in need and is_float(v) for v in e.outs):
            need.update(e.reads)
    return need


def producers(eqns: Iterable[Equation]) -> dict[Value, Equation]:
    return {v: e for e in eqns for v in e.outs}


def spikes(eqns: Iterable[Equation]) -> Iterator[Value]:
    """Outputs of surrogate spikes: equations that are flat in value and have a derivative of their own."""
    for e in eqns:
        if not is_float(e.outs[0]):
            continue
        if e.name == "heaviside_surrogate_gradient":
            yield e.outs[0]
        elif e.name.startswith(("custom_jvp_call", "custom_vjp_call")):
            inner = flatten(body_of(e.eqn))
            if not any(v in sloped(inner.eqns, inner.outs) for v in inner.ins):
                yield e.outs[0]
