"""What sits at points of the membrane, and what is injected there: the base of synapses, and current clamps."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import saiunit as u

from ..neurons.integrate import Param, Value, time_step
from .mechanism import Mechanism, Numbers
from .tree import Tree


class Point(Mechanism):
    """What sits at points, whatever the area there: conductances in uS, currents in nA.

    Several may sit in one compartment: `cell.insert(synapse, [("dend", 0.5), ("dend", 0.5)])` has two, with an input each.
    """

    def membrane(self, tree: Tree) -> np.ndarray:
        return np.ones(len(self.at))

    def arriving(self, x: Value, unit: u.Unit) -> jax.Array:
        """What arrives in this step, as a plain number of `unit`.

        Args:
            x: `[*pop_size, k]`, `[*pop_size]` where there is one place, a batch leading either; or one number for all.

        Raises:
            UnitMismatchError: it has another unit. ValueError: it has another shape.
        """
        if not u.have_same_dim(x, unit):
            raise u.UnitMismatchError(
                f"{type(self).__name__}: what arrives has the unit {u.get_unit(x)}; one like {unit} is needed"
            )
        x = jnp.asarray(u.Quantity(x).to_decimal(unit))
        pop = self.shape[:-1]
        if x.ndim == 0 or _ends(x, self.shape):
            return x
        if self.shape[-1] == 1 and _ends(x, pop):
            return x[..., None]
        short = f" or {pop}" if self.shape[-1] == 1 else ""
        raise ValueError(
            f"{type(self).__name__}: what arrives has the shape {x.shape}; give {self.shape}{short}, "
            "the population's and its places', with a batch in front if there is one"
        )


def reach(x: jax.Array, shape: tuple[int, ...]) -> jax.Array:
    """What arrives, of the shape of the states that it meets.

    Raises:
        ValueError: it is for a batch that they do not have.
    """
    try:
        return jnp.broadcast_to(x, shape)
    except ValueError:
        raise ValueError(f"what arrives has the shape {x.shape}; the states here were made as {shape}") from None


def _ends(x: jax.Array, shape: tuple[int, ...]) -> bool:
    return x.ndim >= len(shape) and x.shape[x.ndim - len(shape) :] == shape


class Clamp(Point):
    """A current into the cell, as large as what arrives in this step: `i = -x`; none where nothing arrives.

    `cell(clamp=x)` with `x: [*pop_size, k]`, a current.
    """

    def state(self) -> Numbers:
        return Numbers(amp=jnp.zeros(()))

    def receive(self, p: Numbers, s: Numbers, x: Value) -> Numbers:
        return Numbers(amp=self.arriving(x, u.nA))

    def current(self, p: Numbers, s: Numbers, v: jax.Array, ions: Numbers) -> jax.Array:
        return -reach(s.amp, v.shape).astype(v.dtype)


class IClamp(Point):
    """A pulse of current into the cell.

        i = -amp   while   delay <= t + dt / 2 < delay + dur,   else 0

    `t` is the time since the states were made, at the beginning of a step; a step is held by what is on in its middle.

    Args:
        delay, dur: when it begins and how long it lasts. amp: its size.

    Attributes:
        steps: how many went by, a whole number.

    Source: NEURON's `IClamp`.
    """

    def __init__(self, delay: Param = 0.0 * u.ms, dur: Param = np.inf * u.ms, amp: Param = 0.0 * u.nA) -> None:
        super().__init__()
        self.take(u.ms, delay=delay, dur=dur)
        self.take(u.nA, amp=amp)

    def first(self, p: Numbers, v: jax.Array, ions: Numbers) -> dict[str, jax.Array]:
        return {"steps": jnp.zeros(v.shape, jnp.int32)}

    def current(self, p: Numbers, s: Numbers, v: jax.Array, ions: Numbers) -> jax.Array:
        middle = (s.steps + 0.5) * u.Quantity(time_step()).to_decimal(u.ms)
        on = (p.delay <= middle) & (middle < p.delay + p.dur)
        return jnp.where(on, -p.amp, 0.0).astype(v.dtype)

    def advance(
        self, p: Numbers, s: Numbers, v: jax.Array, ions: Numbers, flow: Any, dt: float
    ) -> dict[str, jax.Array]:
        return {"steps": s.steps + 1}
