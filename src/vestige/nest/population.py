"""What all of NEST's populations share: checked parameters, states made from their first values."""

from collections.abc import Callable

import brainstate
import numpy as np
import saiunit as u

from ..neurons.checks import check
from ..neurons.integrate import Param, Value, param, read
from ..neurons.population import Dynamics

First = dict[str, tuple[type[brainstate.State], Value]]


class Population(Dynamics):
    """A population whose states are listed once, in `first`."""

    def parameter(self, name: str, value: Param | Callable[[tuple[int, ...]], Value]) -> Param:
        """A parameter of this population.

        Raises:
            ValueError: an array does not fit, or holds NaN; the error says which.
        """
        try:
            made = param(value, self.varshape)
        except ValueError as error:
            raise ValueError(f"{type(self).__name__}: {name}: {error}") from None
        check(type(self).__name__, name, made)
        return made

    def above(self, name: str, least: Value, or_equal: bool = False) -> None:
        """Raise unless a parameter is larger than `least`.

        Raises:
            UnitMismatchError: it has another unit. ValueError: it is too small.
        """
        value = read(getattr(self, name))
        self.unit(name, least)
        if not np.all(value >= least if or_equal else value > least):
            raise ValueError(
                f"{type(self).__name__}: {name} is {value}; it must be {'at least' if or_equal else 'above'} {least}"
            )

    def unit(self, name: str, like: Value) -> None:
        """Raise unless a parameter has the unit of `like`."""
        value = read(getattr(self, name))
        if not u.have_same_dim(value, like):
            raise u.UnitMismatchError(
                f"{type(self).__name__}: {name} has the unit {u.get_unit(value)}; {u.get_unit(like)} is needed"
            )

    def init_state(self, batch_size: int | None = None, **kwargs) -> None:
        """Make the states."""
        states = self.first(batch_size)
        # kept, since a first value may be drawn: `first` is not called again for the names
        self.state_names = tuple(states)
        for name, (kind, value) in states.items():
            setattr(self, name, kind(value))

    def reset_state(self, batch_size: int | None = None, **kwargs) -> None:
        """Set the states to their first values."""
        for name, (_, value) in self.first(batch_size).items():
            getattr(self, name).value = value

    def first(self, batch_size: int | None) -> First:
        """Class and first value of each state, by name."""
        raise NotImplementedError(f"{type(self).__name__}: a population says what its first states are in `first`")

    def full(self, value: Value | Callable[[tuple[int, ...]], Value], batch_size: int | None) -> Value:
        """`value`, a number, `[*in_size]` or a callable of the shape, for every neuron."""
        value = value(self.varshape) if callable(value) else value
        return value * brainstate.nn.init.param(brainstate.nn.init.Constant(1.0), self.varshape, batch_size)
