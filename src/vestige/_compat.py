"""Everything that moved between JAX versions: primitives, equations and their inner programs."""

from collections.abc import Iterator
from typing import Any

import jax
import jax.numpy as jnp
from jax.core import ShapedArray
from jax.extend.core import ClosedJaxpr, Jaxpr, JaxprEqn, Literal, Primitive, Var, jaxpr_as_fun
from jax.interpreters import ad, batching, mlir

__all__ = [
    "ClosedJaxpr", "Jaxpr", "JaxprEqn", "Literal", "Primitive", "ShapedArray", "Var",
    "ad", "batching", "bind", "bodies", "is_float", "is_key", "jaxpr_as_fun", "mlir", "open_jaxpr", "scan_counts",
]  # fmt: skip


def bind(eqn: JaxprEqn, *vals: Any) -> list[Any]:
    """Run one equation on `vals`; always a list of results."""
    got = eqn.primitive.get_bind_params(eqn.params)
    # a pair (subfuns, params) before JAX 0.11, a dictionary since
    subfuns, params = got if isinstance(got, tuple) else ((), got)
    out = eqn.primitive.bind(*subfuns, *vals, **params)
    return list(out) if eqn.primitive.multiple_results else [out]


def open_jaxpr(jaxpr: Any) -> tuple[Jaxpr, list[Any]]:
    """An open or closed jaxpr as (jaxpr, constants)."""
    return (jaxpr.jaxpr, list(jaxpr.consts)) if hasattr(jaxpr, "consts") else (jaxpr, [])


def bodies(eqn: JaxprEqn) -> Iterator[Jaxpr]:
    """The programs inside an equation: bodies of loops, branches, calls."""
    for param in eqn.params.values():
        for item in param if isinstance(param, (tuple, list)) else (param,):
            inner = getattr(item, "jaxpr", item)
            if hasattr(inner, "eqns"):
                yield inner


def scan_counts(eqn: JaxprEqn) -> tuple[int, int]:
    """(constants, carries) of a scan, by rank: their parameter names changed in JAX 0.12."""
    body = open_jaxpr(eqn.params["jaxpr"])[0]
    rank = lambda v: len(v.aval.shape)
    carries = sum(rank(a) == rank(b) for a, b in zip(eqn.outvars, body.outvars))
    return sum(rank(a) == rank(b) for a, b in zip(eqn.invars, body.invars)) - carries, carries


def is_key(a: Any) -> bool:
    """Is this an array of random keys, or of other things that are no numbers?"""
    dtype = getattr(a, "dtype", None)
    return dtype is not None and jax.dtypes.issubdtype(dtype, jax.dtypes.extended)


def is_float(a: Any) -> bool:
    """Does this array, aval or shape carry derivatives? Random keys, integers and booleans do not."""
    dtype = getattr(a, "dtype", None)
    return dtype is not None and not is_key(a) and jnp.issubdtype(dtype, jnp.inexact)
