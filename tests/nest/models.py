"""Every model that has recorded runs: its class, how its events are made from a run's trains, and how near it must come.

A line's bounds are absolute, in the unit of the recordable (mV, pA, nS, 1); spikes must agree to the step.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from replay import Run, signed

from vestige import nest


@dataclass(frozen=True, eq=False)
class Model:
    """`near`: worst deviation allowed, by recordable; `leave`: runs judged elsewhere, by name."""

    kind: type
    events: Callable[[list[Run]], Any]
    near: dict[str, float]
    leave: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return self.kind.__name__


# the voltage is stored as such: 1.4e-14 mV of rounding at -70 mV, remembered for tau_m / dt = 100 steps
MODELS = [
    Model(nest.iaf_psc_exp, signed, {"V_m": 5e-13, "I_syn_ex": 3e-13, "I_syn_in": 3e-13}),
]
