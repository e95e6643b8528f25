"""Arguments and events of our classes that are not NEST's parameters one by one: kernels, first states, schemes."""

from collections.abc import Callable
from typing import Any

import numpy as np
import saiunit as u
from replay import Run, stacked

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


def levels(group: list[Run]) -> Arguments:
    """A model of five levels; lists by current and by port."""
    units = {
        **dict.fromkeys(("th_spike_add", "voltage_reset_add"), u.mV),
        **dict.fromkeys(("th_spike_decay", "th_voltage_index", "th_voltage_decay", "asc_decay"), u.ms**-1),
        **dict.fromkeys(("asc_init", "asc_amps"), u.pA), "g": u.nS, "tau_syn": u.ms, "asc_r": u.UNITLESS,
        "voltage_reset_fraction": u.UNITLESS,
    }  # fmt: skip
    flags = ("spike_dependent_threshold", "after_spike_currents", "adapting_threshold")
    each = lambda v: tuple(v.T) if v.ndim > 1 else v
    return {k: each(column(group, k, v)) for k, v in units.items()} | {k: group[0].parameters[k] for k in flags}


def at(**receptors: int) -> Callable[[list[Run]], dict[Any, Any]]:
    """Arriving weights by what we call a receptor, whose number is given."""
    weights = lambda group, n: stacked(group, lambda r: r.arriving(lambda s: s["receptor"] == n))
    return lambda group: {name: weights(group, n) for name, n in receptors.items()}


MADE: dict[str, Callable[[list[Run]], Arguments]] = {"gif_psc_exp": kernels, "izhikevich": simple, "glif_psc": levels}
EVENTS = {"iaf_bw_2001": at(AMPA=1, GABA=2), "glif_psc": at(**{"1": 1, "2": 2})}
