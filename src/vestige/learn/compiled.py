"""`jax.jit` for functions of a graph: large arrays that the graph holds are passed to a program, not written into it."""

from collections.abc import Callable
from functools import lru_cache, partial, update_wrapper
from typing import Any

import jax

from .._compat import jaxpr_as_fun
from ..graph import Graph
from ..ops import Operator

LARGE = 1 << 20  # elements; from here on a compiler that sees them as constants takes seconds, and copies them


def compiled(f: Callable[..., Any], static: int, donate: tuple[int, ...] = (), **options: Any) -> Callable[..., Any]:
    """`jax.jit` of `f(*static, *arrays)`, whose first `static` arguments are fixed and the first of all a graph; `donate`:
    arguments that may be written over. Inside another program a graph that holds large arrays gets none of its own, so that
    they can be passed to that one."""
    plain = jax.jit(f, static_argnums=tuple(range(static)), donate_argnums=donate, **options)

    @lru_cache
    def made(fixed: tuple[Any, ...], tree: Any, types: Any, wide: bool) -> tuple[list[Any], Callable[..., Any]]:
        args = jax.tree.unflatten(tree, [jax.ShapeDtypeStruct(t.shape, t.dtype, weak_type=t.weak_type) for t in types])
        closed, out = jax.make_jaxpr(partial(f, *fixed), return_shape=True)(*args)
        shape = jax.tree.structure(out)

        def run(consts: list[Any], *args: Any) -> Any:
            return jax.tree.unflatten(shape, jaxpr_as_fun(closed.replace(consts=consts))(*jax.tree.leaves(args)))

        return closed.consts, jax.jit(run, donate_argnums=tuple(n - static + 1 for n in donate), **options)

    def call(*args: Any) -> Any:
        if not holds(args[0]):
            return plain(*args)
        leaves, tree = jax.tree.flatten(args[static:])
        if any(isinstance(a, jax.core.Tracer) for a in leaves):
            return f(*args)
        consts, run = made(args[:static], tree, tuple(map(jax.typeof, leaves)), jax.config.jax_enable_x64)
        return run(consts, *args[static:])

    return update_wrapper(call, plain)


@lru_cache
def holds(graph: Graph) -> bool:
    """Does it hold arrays large enough to matter, such as the indices of a sparse matrix?"""
    held = [*graph.program.consts.values(), *(a for edge in graph.edges for a in arrays(edge.op))]
    return sum(a.size for a in held) >= LARGE


def arrays(op: Operator) -> list[jax.Array]:
    """Arrays that an operator is made of, or an operator inside it."""
    of = list(vars(op).values())
    return [a for a in of if isinstance(a, jax.Array)] + [
        a for part in of if hasattr(part, "apply") for a in arrays(part)
    ]
