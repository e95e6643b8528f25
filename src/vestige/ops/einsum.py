"""Weights that multiply and sum: dense, elementwise, grouped, shared over rows; all one subscript string."""

from dataclasses import dataclass
from string import ascii_letters

import jax
import jax.numpy as jnp


@dataclass(frozen=True)
class Einsum:
    """`y = einsum(spec, x, w)`, for instance `"i,io->o"` (dense), `"o,o->o"` (elementwise), `"gi,gio->go"` (grouped).

    Raises:
        ValueError: a subscript repeats inside one operand, or one of the weight reaches neither input nor output.
    """

    spec: str

    def __post_init__(self) -> None:
        x, w, y = self.parts
        if any(len(set(p)) < len(p) for p in (x, w, y)) or not (x + w + y).isalpha() or not w:
            raise ValueError(f"einsum {self.spec!r}: use letters, each once in an operand, e.g. 'i,io->o'")
        if not set(y) <= set(x + w) or not set(w) <= set(x + y):
            raise ValueError(
                f"einsum {self.spec!r}: an output subscript needs an operand, a weight's one input or output"
            )

    @property
    def parts(self) -> tuple[str, str, str]:
        ops, _, y = self.spec.replace(" ", "").partition("->")
        x, _, w = ops.partition(",")
        return x, w, y

    @property
    def _shared(self) -> str:
        """Output subscripts over which one weight is used again and again."""
        return "".join(c for c in self.parts[2] if c not in self.parts[1])

    def _reduce(self, x: jax.Array, g: jax.Array, out: str) -> jax.Array:
        k = next(c for c in ascii_letters if c not in self.spec)
        return jnp.einsum(f"{k}{self.parts[0]},{k}{self.parts[2]}->{out}", x, g)

    def apply(self, x: jax.Array, w: jax.Array) -> jax.Array:
        return jnp.einsum(self.spec, x, w)

    def correlate(self, x: jax.Array, g: jax.Array) -> jax.Array:
        return self._reduce(x, g, self.parts[1])

    def imprint(self, x: jax.Array, g: jax.Array) -> jax.Array:
        return self._reduce(x, g, self._shared + self.parts[1])

    def at_post(self, v: jax.Array) -> jax.Array:
        y, lay = self.parts[2], self._shared + self.parts[1]
        v = jnp.transpose(v, [y.index(c) for c in lay if c in y])
        return jnp.expand_dims(v, [n for n, c in enumerate(lay) if c not in y])

    def drain(self, e: jax.Array) -> jax.Array:
        return e.sum(tuple(range(len(self._shared))))


def dense(rank: int = 1) -> Einsum:
    """`y = x @ w` with `w: [in, out]` and `x` of the given rank; leading axes share the weight."""
    lead = ascii_letters[: rank - 1]
    return Einsum(f"{lead}y,yz->{lead}z")


def diagonal(rank: int = 1) -> Einsum:
    """`y = x * w` with `x` and `w` of one shape."""
    axes = ascii_letters[:rank]
    return Einsum(f"{axes},{axes}->{axes}")
