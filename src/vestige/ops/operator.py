"""What an operator is: how a weight array is laid out between its inputs and its outputs."""

from dataclasses import dataclass
from typing import Protocol

import jax
import jax.numpy as jnp


class Operator(Protocol):
    """A frozen value, linear in `w`; it never sees a batch, a rule or a state.

    * `apply(x, w) -> y`: one example.
    * `correlate(x, g) -> [*w]`: sum over the leading axis of the gradient of `<g, y>` by `w`.
    * the *unshared* layout of a trace, with one entry per weight *and* output that uses it:
      `imprint(x, g) -> [*e]` is `correlate` before outputs are summed, `at_post(v)` lays values of the outputs
      `[*y]` over it (same rank as `[*e]`, broadcastable), `drain(e) -> [*w]` sums it back.
    """

    def apply(self, x: jax.Array, w: jax.Array) -> jax.Array: ...
    def correlate(self, x: jax.Array, g: jax.Array) -> jax.Array: ...
    def imprint(self, x: jax.Array, g: jax.Array) -> jax.Array: ...
    def at_post(self, v: jax.Array) -> jax.Array: ...
    def drain(self, e: jax.Array) -> jax.Array: ...


class Unshared:
    """Operators whose every weight feeds one output alone: the trace lies as the weight does."""

    def imprint(self, x: jax.Array, g: jax.Array) -> jax.Array:
        return self.correlate(x, g)  # type: ignore[attr-defined]

    def drain(self, e: jax.Array) -> jax.Array:
        return e


@dataclass(frozen=True)
class Mapped:
    """`jax.vmap` of an operator inside a step: over inputs with one weight, or over stacked weights."""

    op: Operator
    over_x: bool
    over_w: bool

    def apply(self, x: jax.Array, w: jax.Array) -> jax.Array:
        return jax.vmap(self.op.apply, (0 if self.over_x else None, 0 if self.over_w else None))(x, w)

    def correlate(self, x: jax.Array, g: jax.Array) -> jax.Array:
        if self.over_w:
            return jax.vmap(self.op.correlate, (1 if self.over_x else None, 1))(x, g)
        return self.op.correlate(x.reshape(-1, *x.shape[2:]), g.reshape(-1, *g.shape[2:]))

    def imprint(self, x: jax.Array, g: jax.Array) -> jax.Array:
        return jax.vmap(self.op.imprint, (1 if self.over_x else None, 1))(x, g)

    def at_post(self, v: jax.Array) -> jax.Array:
        return jax.vmap(self.op.at_post)(v)

    def drain(self, e: jax.Array) -> jax.Array:
        each = jax.vmap(self.op.drain)(e)
        return each if self.over_w else jnp.sum(each, 0)
