"""A trace in two parts: states that remember an input alike in all neurons keep one memory of it, the others one a weight."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from ..graph import Edge, Graph, uniform
from .types import pre_shape, trace_shape
from .unshared import imprints, roll


class Parted(NamedTuple):
    """Of the states A that `uniform` tells, `alike [A, *in]`: `e_A[i, o] = alike_A[i]`; of the others, `own [S - A, *unshared]`
    (None: there are none)."""

    alike: jax.Array
    own: jax.Array | None


def slots(graph: Graph, edge: Edge) -> tuple[np.ndarray, np.ndarray]:
    """The states of the edge's block whose trace is alike for all neurons, and the others."""
    alike = np.isin(np.arange(edge.of(graph.groups).S), uniform(graph).get(edge, ()))
    return np.flatnonzero(alike), np.flatnonzero(~alike)


def none(graph: Graph, edge: Edge, w: Any) -> Any:
    """A trace of zeros."""
    A, B = slots(graph, edge)
    e, x = trace_shape(edge, w), pre_shape(edge, w)
    own = jnp.zeros((len(B), *e.shape), e.dtype) if len(B) else None
    return Parted(jnp.zeros((len(A), *x.shape), e.dtype), own) if len(A) else own


def formed(graph: Graph, edge: Edge, x: jax.Array, late: jax.Array) -> Any:
    """The trace `sum_t late_t x_t` of factors: `x [K, *in]`, `late [K, S, *out]`."""
    A, B = slots(graph, edge)
    own = imprints(edge, x, late[:, B] if len(A) else late) if len(B) else None
    if not len(A):
        return own
    gain = late[:, A].reshape(len(late), len(A), -1)[..., 0]
    return Parted(jnp.einsum("ka,k...->a...", gain, x), own)


def moved(graph: Graph, edge: Edge, D: jax.Array, e: Any) -> Any:
    """`D e`, `D [S, S, P]`: what is alike acts on the others as a product of factors."""
    if not isinstance(e, Parted):
        return roll(edge, D, e)
    A, B = slots(graph, edge)
    alike, own = jnp.einsum("ij,j...->i...", D[np.ix_(A, A)][..., 0], e.alike), e.own
    if own is not None:
        own = roll(edge, D[np.ix_(B, B)], own)
        late = edge.spread(D[np.ix_(B, A)])
        for n in range(len(A)):  # one by one each is a part of the sum, and no array of its own
            own = own + imprints(edge, e.alike[n : n + 1], late[None, :, n])
    return Parted(alike, own)


def read(graph: Graph, edge: Edge, wanted: jax.Array, e: Any) -> tuple[list[Any], Any]:
    """What meets the signal `[S, *out]`: pairs of input and signal, and a pair of signal and trace."""
    if not isinstance(e, Parted):
        return [], (wanted, e)
    A, B = slots(graph, edge)
    return [(e.alike, edge.share(wanted[A]))], None if e.own is None else (wanted[B], e.own)


def whole(graph: Graph, edge: Edge, e: Any) -> jax.Array:
    """The trace as one array `[S, *unshared]`, to look at."""
    if not isinstance(e, Parted):
        return e
    A, B = slots(graph, edge)
    each = jnp.eye(len(A) + len(B), dtype=e.alike.dtype)[A]
    out = imprints(
        edge, e.alike, jnp.broadcast_to(each.reshape(*each.shape, *(1,) * len(edge.out)), (*each.shape, *edge.out))
    )
    return out if e.own is None else out.at[B].set(e.own)
