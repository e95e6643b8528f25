"""Delays: spikes of past steps, kept with the neurons that sent them."""

import brainstate
import jax
import jax.numpy as jnp
import numpy as np
import saiunit as u

from ..neurons.integrate import Value, time_step
from ..neurons.population import Size


class DelayLine(brainstate.nn.Module):
    """A ring buffer of the last outputs of a population or a source.

    Call it with the spikes at the end of a step: `return self.line(self.neurons(x))`. A spike that step k gave is read with
    a delay of d steps in step k + d, so that one step of delay is the last step's spikes, as in NEST.

    Args:
        in_size: shape of what it keeps.
        delay: the longest delay that is read; a `Projection` that reads from the line sets it.

    Attributes:
        past: `[steps, n]` or `[batch, steps, n]`, with n neurons. turn: the row that is written next.
    """

    def __init__(self, in_size: Size, delay: Value | None = None) -> None:
        super().__init__()
        self.in_size = in_size
        self.varshape = (in_size,) if isinstance(in_size, (int, np.integer)) else tuple(in_size)
        self.n, self.delays = int(np.prod(self.varshape)), list[Value]()
        if delay is not None:
            self.reach(delay)

    def reach(self, delay: Value) -> None:
        """Keep outputs at least this long; before `init_state`.

        Raises:
            UnitMismatchError: not a time. ValueError: not above 0.
        """
        if not u.have_same_dim(delay, 1.0 * u.ms):
            raise u.UnitMismatchError(f"a delay has the unit {u.get_unit(delay)}; ms is needed")
        if not np.all(milliseconds(delay) > 0):
            raise ValueError(f"a delay is {delay}; it must be at least one step, dt")
        self.delays.append(delay)

    def init_state(self, batch_size: int | None = None, **kwargs) -> None:
        """Make an empty line.

        Raises:
            ValueError: a delay that is not a whole number of steps, or no step at all. KeyError: no `dt`.
        """
        rows = max([1, *(int(steps(d).max()) for d in self.delays)])
        lead = () if batch_size is None else (batch_size,)
        self.past = brainstate.ShortTermState(jnp.zeros((*lead, rows, self.n)))
        self.turn = brainstate.ShortTermState(jnp.zeros((), int))

    def reset_state(self, batch_size: int | None = None, **kwargs) -> None:
        """Empty the line."""
        lead = () if batch_size is None else (batch_size,)
        self.past.value = jnp.zeros((*lead, *self.past.value.shape[-2:]))
        self.turn.value = jnp.zeros((), int)

    def update(self, spikes: jax.Array) -> jax.Array:
        """Keep this step's outputs `[..., *in_size]`; returns them.

        Raises:
            ValueError: another shape.
        """
        past, turn = self.past.value, self.turn.value
        wanted = (*past.shape[:-2], *self.varshape)
        if jnp.shape(spikes) != wanted:
            raise ValueError(f"DelayLine: spikes have the shape {jnp.shape(spikes)}, and the line keeps {wanted}")
        row = spikes.reshape(*past.shape[:-2], 1, self.n).astype(past.dtype)
        self.past.value = jax.lax.dynamic_update_slice_in_dim(past, row, turn, past.ndim - 2)
        self.turn.value = (turn + 1) % past.shape[-2]
        return spikes

    def read(self, delay: Value) -> jax.Array:
        """What arrives in this step after a delay, `[..., *in_size]`; before this step's own call."""
        row = self.back(int(steps(delay)))
        return row.reshape((*row.shape[:-1], *self.varshape))

    def back(self, back: int) -> jax.Array:
        """What was sent `back` steps ago, `[..., n]`.

        Raises:
            ValueError: the line is not that long.
        """
        past = self.past.value
        if not 1 <= back <= past.shape[-2]:
            raise ValueError(
                f"DelayLine: {back} steps back, and it keeps {past.shape[-2]}; "
                "give `delay=` the longest delay, and call `init_state` after all projections are made, with the same dt"
            )
        at = (self.turn.value - back) % past.shape[-2]
        return jax.lax.dynamic_index_in_dim(past, at, past.ndim - 2, keepdims=False)


def steps(delay: Value) -> np.ndarray:
    """Delays as whole numbers of steps.

    Raises:
        ValueError: less than one step, or not a whole number of them. KeyError: no `dt`.
    """
    count = ends(delay, "a delay")
    if (count < 1).any():
        raise ValueError(
            f"a delay is {milliseconds(delay).min()} ms and dt is {time_step()}; it must be at least one step"
        )
    return count


def ends(times: Value, what: str) -> np.ndarray:
    """Times as whole numbers of steps.

    Raises:
        ValueError: a time between steps. KeyError: no `dt`.
    """
    dt, ms = float(milliseconds(time_step())), milliseconds(times)
    count = np.rint(ms / dt)
    wrong = np.abs(ms / dt - count) > 1e-2  # single precision keeps three digits of a step in a second
    if wrong.any():
        raise ValueError(
            f"{what} is {ms[wrong].flat[0]:g} ms and dt is {dt:g} ms: it must be a whole number of steps; "
            "choose another time, or a dt that divides it"
        )
    return count.astype(int)


def milliseconds(times: Value) -> np.ndarray:
    """Times in ms, in double precision; bare numbers are taken to be in ms.

    Raises:
        UnitMismatchError: no time.
    """
    if not u.is_dimensionless(times) and not u.have_same_dim(times, 1.0 * u.ms):
        raise u.UnitMismatchError(f"a time has the unit {u.get_unit(times)}; ms is needed")
    return np.asarray(times if u.is_dimensionless(times) else u.Quantity(times).to_decimal(u.ms), float)
