"""Ports of a neuron: each one connection, with a weight that does not change."""

from collections.abc import Hashable, Mapping

import brainstate
import jax
import jax.numpy as jnp
import numpy as np
import saiunit as u

from ..neurons.integrate import Param, Value, read
from .events import fitting, plain
from .receptors import Event, port_name

Weights = Param | Mapping[Hashable, Value] | None


class Ports:
    """Names and weights of the ports of a population, `[*in_size, ports]`, in nS.

    Args:
        owner: said in errors.
        shape: of the population.
        weights: `[ports]` or `[*in_size, ports]` for the ports 0, 1, ...; a mapping of names to `[]` or `[*in_size]`;
            a `brainstate.State` of the first form, which stays itself and is trained; or None.
    """

    def __init__(self, owner: str, shape: tuple[int, ...], weights: Weights = None) -> None:
        self.owner, self.shape, self.started = owner, shape, False
        self.declared: dict[Hashable, jax.Array] = {}
        self.names: dict[Hashable, int] = {}
        self.fixed = weights if isinstance(weights, brainstate.State) else None
        if self.fixed is not None:
            self.state = self.fixed
            self.names = {n: n for n in range(self.weights().shape[-1])}
            return
        self.state = brainstate.ShortTermState(jnp.zeros((*shape, 0)))
        if isinstance(weights, Mapping):
            self.declare(weights)
        elif weights is not None:
            value = plain(read(weights), u.nS, f"{owner}: nmda_weights")
            if value.ndim == 0:
                raise ValueError(f"{owner}: nmda_weights is a number; give [ports], {[*shape, 'ports']} or a mapping")
            self.declare({n: value[..., n] for n in range(value.shape[-1])})

    def weights(self) -> jax.Array:
        """`[*in_size, ports]` in nS.

        Raises:
            ValueError: trained weights do not fit the population.
        """
        value = plain(self.state.value, u.nS, f"{self.owner}: nmda_weights")
        if value.ndim == 0:
            raise ValueError(
                f"{self.owner}: nmda_weights is a number; give [ports], {[*self.shape, 'ports']} or a mapping"
            )
        value = fitting(value, (*self.shape, value.shape[-1]), f"{self.owner}: nmda_weights")
        return jnp.broadcast_to(value, (*self.shape, value.shape[-1]))

    def declare(self, weights: Mapping[Hashable, Value]) -> None:
        """Add ports that a reset and `init_state` keep."""
        found = {port_name(k): self.fit(plain(v, u.nS, f"{self.owner}: a weight"), k) for k, v in weights.items()}
        self.add(found)
        self.declared |= found

    def clear(self) -> None:
        """Forget the ports that events have made."""
        self.started = False
        if self.fixed is None and len(self.names) > len(self.declared):
            self.names, self.state.value = {}, jnp.zeros((*self.shape, 0))
            self.append(self.declared)

    def fit(self, weight: jax.Array, name: Hashable) -> jax.Array:
        """A weight for each neuron."""
        return jnp.broadcast_to(fitting(weight, self.shape, f"{self.owner}: the weight of port {name!r}"), self.shape)

    def missing(self, events: list[Event]) -> dict[Hashable, jax.Array]:
        """Ports that these events would add, with their weights; nothing changes.

        Raises:
            ValueError: a port's weight is not the one it has, or it is too late for a new port.
        """
        now = self.weights() if self.names else None
        new: dict[Hashable, jax.Array] = {}
        for event in events:
            weight = self.fit(event.weight, event.port)
            if event.port in self.names:
                self.same(event.port, weight, now[..., self.names[event.port]])
            elif event.port in new:
                self.same(event.port, weight, new[event.port])
            else:
                new[event.port] = weight
        self.may_add(new)
        return new

    def same(self, port: Hashable, weight: jax.Array, known: jax.Array) -> None:
        """Raise unless a weight is that of its port; within a trace nobody can tell."""
        if isinstance(weight, jax.core.Tracer) or isinstance(known, jax.core.Tracer):
            return
        # the same conductance in another unit is off by rounding
        if np.allclose(weight, known, rtol=1e-6, atol=0.0):
            return
        raise ValueError(
            f"{self.owner}: port {port!r} has the weight {known} nS and got an event of {weight} nS. "
            "A port is one connection with one weight; use another port, or set its weight before the first step."
        )

    def may_add(self, new: Mapping[Hashable, jax.Array]) -> None:
        """Raise if there are new ports and they cannot be added now."""
        if not new:
            return
        names = ", ".join(map(repr, new))
        if self.fixed is not None:
            raise ValueError(
                f"{self.owner}: port {names} is none of 0 ... {len(self.names) - 1}, those of the trained nmda_weights; "
                "make that state wider"
            )
        if self.started or isinstance(self.state.value, jax.core.Tracer):
            raise ValueError(
                f"{self.owner}: port {names} is new; ports can be added only before the first step and outside jit. "
                "Declare it: `nmda_weights=` when the neuron is made, `add_ports` before the first step, or after `reset_state`."
            )

    def add(self, new: Mapping[Hashable, jax.Array]) -> None:
        """Append ports.

        Raises:
            ValueError: one exists with another weight, or it is too late.
        """
        fresh = {k: v for k, v in new.items() if k not in self.names}
        self.may_add(fresh)
        now = self.weights()
        for name in set(new) - set(fresh):
            self.same(name, new[name], now[..., self.names[name]])
        self.append(fresh)

    def append(self, new: Mapping[Hashable, jax.Array]) -> None:
        """As `add`, of what is known to be new."""
        if new:
            now = self.state.value
            self.state.value = jnp.concatenate([now, jnp.stack(list(new.values()), -1)], -1)
            self.names |= {name: now.shape[-1] + k for k, name in enumerate(new)}
