"""Counts the products of a program: floating-point operations, and the bytes of what they read and write."""

import math
from typing import Any

import jax
from jax.interpreters.partial_eval import dce_jaxpr


def products(fun, *args) -> tuple[int, int]:
    """(operations, bytes) of all matrix products and convolutions that the result of `fun` needs, loops as often as they run."""
    jaxpr = jax.make_jaxpr(fun)(*args).jaxpr
    return _count(dce_jaxpr(jaxpr, [True] * len(jaxpr.outvars))[0])


def _count(jaxpr: Any) -> tuple[int, int]:
    flops = moved = 0
    for eqn in jaxpr.eqns:
        times = eqn.params.get("length", 1) if eqn.primitive.name == "scan" else 1
        for inner in _inside(eqn):
            f, b = _count(inner)
            flops, moved = flops + times * f, moved + times * b
        if eqn.primitive.name in ("dot_general", "conv_general_dilated"):
            flops += 2 * _terms(eqn)
            moved += sum(math.prod(v.aval.shape) * v.aval.dtype.itemsize for v in (*eqn.invars, *eqn.outvars))
    return flops, moved


def _terms(eqn: Any) -> int:
    """Multiplications of one product."""
    out, right = math.prod(eqn.outvars[0].aval.shape), eqn.invars[1].aval.shape
    if eqn.primitive.name == "dot_general":
        (left_axes, _), _ = eqn.params["dimension_numbers"]
        return out * math.prod(eqn.invars[0].aval.shape[n] for n in left_axes)
    spec = eqn.params["dimension_numbers"].rhs_spec  # (out channels, in channels, *space)
    return out * math.prod(right[n] for n in spec[1:])


def _inside(eqn: Any):
    for param in eqn.params.values():
        for item in param if isinstance(param, (tuple, list)) else (param,):
            inner = getattr(item, "jaxpr", item)
            if hasattr(inner, "eqns"):
                yield inner
