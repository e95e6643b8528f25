"""Spikes for a neuron with numbered receptors, one after the other: tuples and dicts, as NEST's connections say them."""

from collections.abc import Hashable, Mapping
from typing import Any, NamedTuple

import jax
import saiunit as u

from ..neurons.integrate import Value
from .events import plain

RECEPTORS = {"AMPA": 1, "GABA": 2, "NMDA": 3}
_FIELDS = {
    "receptor": ("receptor_type", "receptor"),
    "weight": ("weight",),
    "times": ("multiplicity",),
    "port": ("port", "rport", "synapse_id"),
}


class Event(NamedTuple):
    """Spikes at one receptor: a weight in nS, and how many."""

    receptor: str
    weight: jax.Array
    times: jax.Array
    port: Hashable


def receptor(given: Any) -> str:
    """ "AMPA", "GABA" or "NMDA", from a name, a number or a string of digits.

    Raises:
        ValueError: there is no such receptor.
    """
    said = given.strip() if isinstance(given, str) else given
    if isinstance(said, str) and said in RECEPTORS:
        return said
    try:
        number = int(said)
    except (TypeError, ValueError):
        number = None
    by_number = {v: k for k, v in RECEPTORS.items()}
    if number not in by_number or (not isinstance(said, str) and number != said):
        raise ValueError(f"there is no receptor {given!r}; there are {RECEPTORS}, by name or by number")
    return by_number[number]


def port_name(given: Any) -> Hashable:
    """The name of a port: None is 0, a string of digits its number.

    Raises:
        ValueError: it is not hashable.
    """
    if isinstance(given, str):
        given = given.strip()
        return int(given) if given.isdigit() else given
    try:
        hash(given)
    except TypeError:
        raise ValueError(
            f"a port's name must be hashable, {type(given).__name__} is not; use a number, a string or a tuple"
        ) from None
    return 0 if given is None else given


def event(given: Any, ports: tuple[str, ...] = ("NMDA",)) -> Event:
    """One event, from a tuple or a dict.

        (receptor, weight)                                      {"receptor": ..., "weight": ...}, and as wanted
        (receptor, weight, times)   at a receptor without ports     "multiplicity": ...
        (receptor, weight, port)    at one with ports               "port": ... (or "rport" or "synapse_id")
        (receptor, weight, port, times)

    Raises:
        ValueError: it is none of these. UnitMismatchError: the weight is not in nS, or the multiplicity has a unit.
    """
    said = _from_dict(given) if isinstance(given, Mapping) else _from_tuple(given, ports)
    weight = plain(said["weight"], u.nS, "the weight of a spike event")
    times = plain(said.get("times", 1.0), u.UNITLESS, "the multiplicity of a spike event")
    return Event(receptor(said["receptor"]), weight, times, port_name(said.get("port")))


def _from_tuple(given: Any, ports: tuple[str, ...]) -> dict[str, Value]:
    if not isinstance(given, (tuple, list)) or len(given) not in (2, 3, 4):
        raise ValueError(
            f"a spike event is a tuple of 2, 3 or 4 or a dict, not {given!r}; for instance ('NMDA', 1. * u.nS, port, 1.0)"
        )
    last = ("port",) if receptor(given[0]) in ports else ("times",)
    return dict(zip(("receptor", "weight", *(last if len(given) == 3 else ("port", "times"))), given))


def _from_dict(given: Mapping[str, Any]) -> dict[str, Any]:
    known = {key: field for field, keys in _FIELDS.items() for key in keys}
    said = {known[k]: v for k, v in given.items() if k in known}
    unknown = [k for k in given if k not in known]
    if unknown or "receptor" not in said or "weight" not in said:
        raise ValueError(
            f"a spike event as a dict needs 'receptor' (or 'receptor_type') and 'weight', and knows {sorted(known)}; "
            f"this one has {sorted(map(str, given))}"
        )
    return said
