"""What every population has: inputs that others leave for its next step, spikes, a reset."""

from collections.abc import Callable

import brainstate
import jax
import saiunit as u

from .checks import population
from .integrate import Value
from .surrogate import Spike, relu_grad

Input = Value | Callable[..., Value]
Size = int | tuple[int, ...]


class Dynamics(brainstate.nn.Dynamics):
    """A population with an input box for currents and one for deltas (jumps of the state).

    An array left in a box is used once; a callable stays, and is called with what `sum_*_inputs` gets.

    Args:
        in_size: shape of the population, `varshape`.

    Raises:
        ValueError: in_size is no whole number from 1 on, nor a tuple of these.
    """

    def __init__(self, in_size: Size, name: str | None = None) -> None:
        population(in_size, f"{type(self).__name__}: in_size")
        super().__init__(in_size, name=name)
        self._current_inputs: dict[str, Input] = {}
        self._delta_inputs: dict[str, Input] = {}

    @property
    def current_inputs(self) -> dict[str, Input]:
        """Currents waiting for the next step."""
        return self._current_inputs

    @property
    def delta_inputs(self) -> dict[str, Input]:
        """Deltas waiting for the next step."""
        return self._delta_inputs

    def add_current_input(self, key: str, inp: Input, label: str | None = None) -> None:
        """Leave a current, an array or a callable, under a key of its own.

        Raises:
            ValueError: another current waits under this key.
        """
        _leave(self._current_inputs, _tag(key, label), inp, f"current of {type(self).__name__}")

    def add_delta_input(self, key: str, inp: Input, label: str | None = None) -> None:
        """Leave a delta, an array or a callable, under a key of its own.

        Raises:
            ValueError: another delta waits under this key.
        """
        _leave(self._delta_inputs, _tag(key, label), inp, f"delta of {type(self).__name__}")

    def sum_current_inputs(self, init: Value, *args, label: str | None = None) -> Value:
        """`init` plus all currents (of this label); callables get `args`, typically the voltage."""
        return _sum(self._current_inputs, init, args, label, "current")

    def sum_delta_inputs(self, init: Value, *args, label: str | None = None) -> Value:
        """`init` plus all deltas (of this label)."""
        return _sum(self._delta_inputs, init, args, label, "delta")


def _tag(key: str, label: str | None) -> str:
    return key if label is None else f"{label} // {key}"


def _leave(box: dict[str, Input], key: str, inp: Input, what: str) -> None:
    if key in box and box[key] is not inp:
        raise ValueError(
            f"the {what} under '{key}' was not used yet; update the population once per step, or use another key"
        )
    box[key] = inp


def _sum(box: dict[str, Input], total: Value, args: tuple, label: str | None, what: str) -> Value:
    for key in [k for k in box if label is None or k.startswith(f"{label} // ")]:
        part = box[key](*args) if callable(box[key]) else box.pop(key)
        if not u.have_same_dim(total, part):
            raise u.UnitMismatchError(
                f"the {what} input '{key}' has the unit {u.get_unit(part)}; {u.get_unit(total)} is needed"
            )
        total = total + part
    return total


class Neuron(Dynamics):
    """A population that spikes.

    Args:
        in_size: shape of the population.
        spk_fun: from the scaled voltage to spikes; ours, those of braintools, or any function.
        spk_reset: "soft" takes the distance from threshold to reset off the voltage; "hard" sets it to the reset
            value, with no gradient through the height of the spike.
    """

    def __init__(
        self, in_size: Size, spk_fun: Spike = relu_grad, spk_reset: str = "soft", name: str | None = None
    ) -> None:
        super().__init__(in_size, name=name)
        if spk_reset not in ("soft", "hard"):
            raise ValueError(f"{type(self).__name__}: spk_reset is {spk_reset!r}; it can be 'soft' or 'hard'")
        if not callable(spk_fun):
            raise TypeError(
                f"{type(self).__name__}: spk_fun is {type(spk_fun).__name__}; give a surrogate such as ReluGrad()"
            )
        self.spk_fun, self.spk_reset = spk_fun, spk_reset

    def after_spike(self, V: Value, spikes: Value, V_th: Value, V_reset: Value) -> Value:
        """The voltage after the reset of those that spiked."""
        top = V_th if self.spk_reset == "soft" else jax.tree.map(jax.lax.stop_gradient, V)
        return V - (top - V_reset) * spikes

    def get_spike(self, *args) -> Value:
        """Spikes of the stored state, or of the state given."""
        raise NotImplementedError(f"{type(self).__name__}: a neuron says when it spikes in `get_spike`")
