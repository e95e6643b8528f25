"""Recorders: what a scan has stacked, as NEST's recorders give it."""

from dataclasses import dataclass

import numpy as np
import saiunit as u

from ..neurons.integrate import Value, time_step
from .neuron import NESTNeuron


def spike_recorder(spikes: Value, start: Value = 0.0 * u.ms) -> dict[str, np.ndarray | u.Quantity]:
    """`times` (at the end of the step, after `start`) and `senders` (from 0) of spikes `[steps, *in_size]`, in order of time.

    Raises:
        ValueError: no axis of neurons. KeyError: no `dt`.
    """
    spikes = np.asarray(spikes)
    if spikes.ndim < 2:
        raise ValueError(
            f"spike_recorder: spikes have the shape {spikes.shape}; they are [steps, neurons], as a scan stacks them"
        )
    step, sender = np.nonzero(spikes.reshape(len(spikes), -1))
    dt = u.Quantity(time_step()).to_decimal(u.ms)
    # several spikes of one step, as a Poisson source has them, are several events
    many = np.rint(spikes.reshape(len(spikes), -1)[step, sender]).astype(int)
    times = np.round((step + 1) * dt, 9) + u.Quantity(start).to_decimal(u.ms)
    return {"times": np.repeat(times, many) * u.ms, "senders": np.repeat(sender, many)}


@dataclass(frozen=True, eq=False)
class multimeter:
    """Values of a population's recordables, step by step.

    Call it at the end of a step, and let the scan stack what it returns: `{name: [*in_size]}` to `{name: [steps, *in_size]}`.

    Args:
        neurons: the population.
        record_from: names of its recordables.

    Raises:
        ValueError: the population does not record one of them.
    """

    neurons: NESTNeuron
    record_from: tuple[str, ...] = ("V_m",)

    def __post_init__(self) -> None:
        unknown = [n for n in self.record_from if n not in self.neurons.RECORDABLES]
        if unknown:
            raise ValueError(
                f"multimeter: {type(self.neurons).__name__} does not record {unknown}; it records {self.neurons.recordables}"
            )

    def __call__(self) -> dict[str, Value]:
        return self.neurons.record(*self.record_from)


def stamps(steps: int, start: Value = 0.0 * u.ms) -> u.Quantity:
    """Ends of the steps of a stack, `[steps]`: NEST's stamps."""
    dt = u.Quantity(time_step()).to_decimal(u.ms)
    return (np.round(np.arange(1, steps + 1) * dt, 9) + u.Quantity(start).to_decimal(u.ms)) * u.ms
