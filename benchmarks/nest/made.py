"""Arguments of our classes that are not NEST's parameters one by one: kernels, first states, schemes of all neurons."""

from collections.abc import Callable
from typing import Any

import numpy as np
import saiunit as u
from replay import Run

Arguments = dict[str, Any]


def column(group: list[Run], name: str, unit: u.Unit) -> u.Quantity:
    """A parameter of each run."""
    return np.array([r.parameters[name] for r in group]) * unit


def kernels(group: list[Run]) -> Arguments:
    """Of the adaptation: one array for each kernel."""
    each = lambda name, unit: tuple(np.array([r.parameters[name] for r in group]).T * unit)
    units = {"tau_sfa": u.ms, "q_sfa": u.mV, "tau_stc": u.ms, "q_stc": u.pA}
    return {name: each(name, unit) for name, unit in units.items()}


def simple(group: list[Run]) -> Arguments:
    """Numbers whose names mean currents and conductances elsewhere."""
    units = {"a": u.UNITLESS, "b": u.UNITLESS, "c": u.mV, "d": u.mV}
    return {
        "U_initializer": column(group, "U_m", u.mV), **{k: column(group, k, unit) for k, unit in units.items()},
        "consistent_integration": group[0].parameters["consistent_integration"],
    }  # fmt: skip


MADE: dict[str, Callable[[list[Run]], Arguments]] = {"gif_psc_exp": kernels, "izhikevich": simple}
