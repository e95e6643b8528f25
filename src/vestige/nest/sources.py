"""Sources of spikes: Poisson processes and given trains, under NEST's names."""

from collections.abc import Sequence

import brainstate
import jax
import jax.numpy as jnp
import numpy as np
import saiunit as u

from ..neurons.integrate import Value, plain, time_step
from ..neurons.population import Size
from .delay import ends, milliseconds


class Source(brainstate.nn.Module):
    """Something that gives spikes without being asked; it counts the steps since it was reset.

    Args:
        in_size: shape of what it gives.
        start, stop: it gives spikes stamped in start < t <= stop, as NEST's generators.

    Attributes:
        count: steps done.
    """

    def __init__(self, in_size: Size, start: Value = 0.0 * u.ms, stop: Value = np.inf * u.ms) -> None:
        super().__init__()
        self.in_size, self.start, self.stop = in_size, start, stop
        self.varshape = (in_size,) if isinstance(in_size, (int, np.integer)) else tuple(in_size)
        for what, value in (("start", start), ("stop", stop)):
            if not u.have_same_dim(value, 1.0 * u.ms):
                raise u.UnitMismatchError(
                    f"{type(self).__name__}: {what} has the unit {u.get_unit(value)}; ms is needed"
                )

    def init_state(self, batch_size: int | None = None, **kwargs) -> None:
        """Make the clock."""
        self.shape = self.varshape if batch_size is None else (batch_size, *self.varshape)
        self.count = brainstate.ShortTermState(jnp.zeros((), int))

    def reset_state(self, batch_size: int | None = None, **kwargs) -> None:
        """Set the clock to zero."""
        self.shape = self.varshape if batch_size is None else (batch_size, *self.varshape)
        self.count.value = jnp.zeros((), int)

    def step(self) -> jax.Array:
        """Number of this step, from 1, which ends at this many `dt`; the clock moves on."""
        self.count.value = self.count.value + 1
        return self.count.value

    def active(self, now: jax.Array) -> jax.Array:
        """Is a spike of step `now` given?"""
        first, last = (plain(t / time_step(), "start and stop over dt") for t in (self.start, self.stop))
        return (now > first + 1e-4) & (now <= last + 1e-4)


class poisson_generator(Source):
    """Independent Poisson processes: spikes in a step ~ Poisson(rate dt), each step and each place anew.

    Args:
        in_size: shape; NEST gives each target of one generator a train of its own, which is a place here.
        rate: Hz, one or `[*in_size]`.
        start, stop: as for `Source`.
    """

    def __init__(
        self, in_size: Size, rate: Value = 0.0 * u.Hz, start: Value = 0.0 * u.ms, stop: Value = np.inf * u.ms
    ) -> None:
        super().__init__(in_size, start, stop)
        self.rate = _rate(rate, self.varshape)

    def update(self, rate: Value | None = None) -> jax.Array:
        """Numbers of spikes `[..., *in_size]` in this step; `rate` in place of the generator's own, in this step."""
        now = self.step()
        rate = self.rate if rate is None else _rate(rate, self.shape)
        mean = jnp.where(self.active(now), plain(rate * time_step(), "rate times dt"), 0.0).astype(float)
        return drawn(jnp.broadcast_to(mean, self.shape))


def drawn(mean: jax.Array, most: float = 30.0) -> jax.Array:
    """Poisson numbers `[...]` with these means; large means in pieces of `most`, whose numbers add up."""
    mean = jax.lax.stop_gradient(mean)

    def piece(y):
        key, left, count = y
        key, now = jax.random.split(key)
        part = jnp.minimum(left, most)
        return key, left - part, count + inverted(jax.random.uniform(now, part.shape, part.dtype), part)

    first = brainstate.random.split_key(), mean, jnp.zeros_like(mean)
    return jax.lax.while_loop(lambda y: jnp.any(y[1] > 0), piece, first)[-1]


def inverted(place: jax.Array, mean: jax.Array) -> jax.Array:
    """How many of a Poisson law's probabilities, summed up, lie below `place` in [0, 1).

    Several times faster than rejection where there are few spikes in a step.
    """
    # past the mean, a probability too small to be told from rounding counts no more
    above = lambda k, p, below: (place > below) & ((p > 1e-8) | (k <= mean))

    def more(y):
        k, p, below, count = y
        count = count + above(k, p, below)
        p = p * mean / k
        return k + 1.0, p, below + p, count

    none = jnp.exp(-mean)
    first = jnp.ones((), mean.dtype), none, none, jnp.zeros_like(mean)
    return jax.lax.while_loop(lambda y: jnp.any(above(*y[:3])), more, first)[-1]


class inhomogeneous_poisson_generator(poisson_generator):
    """Poisson processes whose rate is `rate_values[n]` from `rate_times[n]` on, and 0 before the first.

    Args:
        in_size: shape.
        rate_times: `[n]`, rising, whole numbers of steps.
        rate_values: `[n]` or `[n, *in_size]`, Hz.
        start, stop: as for `Source`.
    """

    def __init__(
        self, in_size: Size, rate_times: Value, rate_values: Value, start: Value = 0.0 * u.ms,
        stop: Value = np.inf * u.ms,
    ) -> None:  # fmt: skip
        super().__init__(in_size, start=start, stop=stop)
        times = milliseconds(rate_times)
        if (
            times.ndim != 1
            or not times.size
            or u.math.shape(rate_values)[:1] != times.shape
            or (np.diff(times) <= 0).any()
        ):
            raise ValueError(
                f"inhomogeneous_poisson_generator: rate_times {times.shape} must rise, and have one of rate_values "
                f"{u.math.shape(rate_values)} each"
            )
        self.rate_times, self.rate_values = times, _rate(rate_values, (*times.shape, *self.varshape), lead=1)

    def update(self, rate: Value | None = None) -> jax.Array:
        """Numbers of spikes `[..., *in_size]` in this step."""
        begins = jnp.asarray(ends(self.rate_times, "a time at which the rate changes"))
        n = jnp.searchsorted(begins, self.count.value, side="right") - 1
        values = jnp.asarray(self.rate_values.to_decimal(u.Hz))
        now = jnp.where(n < 0, 0.0, values[jnp.maximum(n, 0)])
        return super().update(now * u.Hz if rate is None else rate)


class spike_generator(Source):
    """Given trains: in the step that ends at a spike's time, its weight times its multiplicity.

    Args:
        spike_times: ms, not falling, whole numbers of steps above 0: one train `[k]` for an `in_size` of 1, or a list
            of trains, one for each place.
        spike_weights: like the times; 1 each unless given. They multiply the weight of the connection.
        spike_multiplicities: like the times; 1 each unless given.
        start, stop: as for `Source`.

    Raises:
        ValueError: lengths that differ, times that fall. When first run with a `dt`: times between steps.
    """

    def __init__(
        self, spike_times: Value | Sequence[Value], spike_weights: Value | Sequence[Value] | None = None,
        spike_multiplicities: Value | Sequence[Value] | None = None, start: Value = 0.0 * u.ms,
        stop: Value = np.inf * u.ms,
    ) -> None:  # fmt: skip
        times = [milliseconds(t) for t in _trains(spike_times)]
        super().__init__(len(times), start, stop)
        height = [np.ones(t.shape) for t in times]
        for what, given in (("spike_weights", spike_weights), ("spike_multiplicities", spike_multiplicities)):
            rows = height if given is None else [np.asarray(g, float) for g in _trains(given)]
            if [r.shape for r in rows] != [t.shape for t in times]:
                raise ValueError(f"spike_generator: {what} must be one a spike, {[len(t) for t in times]}")
            height = height if given is None else [h * r for h, r in zip(height, rows)]
        for t in times:
            if t.ndim != 1 or (np.diff(t) < 0).any() or (t <= 0).any():
                raise ValueError("spike_generator: the times of a train rise, and lie above 0")
        order = np.argsort(np.concatenate(times), kind="stable")
        self.times = np.concatenate(times)[order]
        self.heights = np.concatenate(height)[order]
        self.senders = np.repeat(np.arange(len(times)), [len(t) for t in times])[order]

    def update(self) -> jax.Array:
        """Weights `[..., n]` of the spikes of this step."""
        now, at = self.step(), ends(self.times, "a spike's time")
        begins = np.searchsorted(at, np.arange(at.max(initial=0) + 2))
        most = int(np.diff(begins).max(initial=0))  # spikes in one step
        out = jnp.zeros(self.in_size)
        if not most:
            return jnp.broadcast_to(out, self.shape)
        # as many places as the fullest step has; those that belong to later steps count nothing
        first = jnp.asarray(begins)[jnp.minimum(now, len(begins) - 1)]
        piece = lambda a: jax.lax.dynamic_slice_in_dim(jnp.asarray(np.pad(a, (0, most))), first, most)
        height = jnp.where((piece(at) == now) & self.active(now), piece(self.heights), 0.0)
        return jnp.broadcast_to(out.at[piece(self.senders)].add(height.astype(out.dtype)), self.shape)


def _trains(given: Value | Sequence[Value]) -> list[Value]:
    one = isinstance(given, (u.Quantity, np.ndarray, jax.Array)) and given.ndim == 1
    return [given] if one or (len(given) and all(isinstance(g, (int, float)) for g in given)) else list(given)


def _rate(rate: Value, shape: tuple[int, ...], lead: int = 0) -> Value:
    """A rate that broadcasts to `shape`; one that has its first `lead` axes alone gets the others."""
    if not u.have_same_dim(rate, 1.0 * u.Hz):
        raise u.UnitMismatchError(f"a rate has the unit {u.get_unit(rate)}; Hz is needed")
    have = u.math.shape(rate)
    have = (*have, *(1,) * (len(shape) - lead)) if lead and len(have) == lead else have
    # broadcasts from the right: each axis is one, or the shape's own
    if len(have) > len(shape) or any(a not in (1, b) for a, b in zip(have[::-1], shape[::-1])):
        raise ValueError(f"a rate of the shape {u.math.shape(rate)} does not fit {shape}")
    number = u.get_mantissa(rate)
    if not isinstance(number, jax.core.Tracer) and np.any(np.asarray(number) < 0):
        raise ValueError(f"a rate is {rate}; it must not be below 0 Hz")
    return u.math.asarray(rate).reshape(have)
