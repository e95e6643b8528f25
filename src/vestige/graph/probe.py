"""A primitive without a rule is asked: does its derivative mix the leading axis?"""

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from .._compat import is_float
from .program import Equation


def mixes(e: Equation, rows: Sequence[int], vals: Sequence[Any]) -> bool:
    """Does scaling each row of the tangents of operands `rows` by its own factor not scale the rows of the result alike?

    Factors are distinct reals: a mask of +-1 cannot see two neurons of equal sign. What cannot be differentiated mixes.
    """
    rng = np.random.default_rng(0)
    lead = e.outs[0].shape[0]

    def point(n: int) -> jax.Array:
        if vals[n] is not None:
            return jnp.asarray(vals[n])
        a: Any = e.ins[n]
        return jnp.asarray(rng.normal(size=a.shape) * 0.2 + 1.5 if is_float(a) else np.zeros(a.shape), a.dtype)

    with jax.ensure_compile_time_eval():
        args = [point(n) for n in range(len(e.ins))]
        factor = rng.uniform(1, 2, lead)
        scale = lambda a: a * jnp.asarray(factor.reshape(-1, *(1,) * (a.ndim - 1)), a.dtype)

        def f(*live: Any) -> list[Any]:
            full = list(args)
            for n, a in zip(rows, live):
                full[n] = a
            return [o for o in e(*full) if is_float(o)]

        at = [args[n] for n in rows]
        tangents = [jnp.asarray(rng.normal(size=a.shape), a.dtype) for a in at]
        try:
            plain = jax.jvp(f, at, tangents)[1]
            scaled = jax.jvp(f, at, [scale(t) for t in tangents])[1]
        except (NotImplementedError, TypeError, ValueError):
            return True
        tol = 1e-3 if any(o.dtype.itemsize < 8 for o in plain) else 1e-8
        return not all(
            np.allclose(scale(a), b, rtol=tol, atol=tol * float(jnp.abs(b).max() + 1e-30))
            for a, b in zip(plain, scaled)
        )
