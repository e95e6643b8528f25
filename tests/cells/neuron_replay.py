"""Plays cases that NEURON has played: those of one tree and one time step are the neurons of one population."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import groupby

import brainstate
import jax
import numpy as np
import saiunit as u
from neuron_cases import Case

from vestige import cells

OHM_CM, CM = u.ohm * u.cmetre, u.ufarad / u.cmeter2
TWO = {"tau1": "tau_rise", "tau2": "tau_decay", "e": "E"}
# what NEURON and vestige name in two ways
OURS = {
    "pas": ("Leak", {"g": "g_L", "e": "E_L"}),
    "hh": ("HH", {"gnabar": "g_Na", "gkbar": "g_K", "gl": "g_L", "el": "E_L"}),
    "ExpSyn": ("ExpSyn", {"e": "E"}),
    "Exp2Syn": ("Exp2Syn", TWO),
    "NMDA": ("NMDA", TWO),
}


@dataclass
class Played:
    """Voltages after each step at the recorded places, `[steps, places]`; spikes that the cell sent out, in ms."""

    v: np.ndarray
    spikes: np.ndarray
    dt: float
    crossings: list[np.ndarray] = field(init=False)

    def __post_init__(self) -> None:
        above = self.v > 0.0
        up = above & ~np.pad(above, ((1, 0), (0, 0)))[:-1]
        self.crossings = [self.dt * (np.flatnonzero(k) + 1) for k in up.T]


def morphology(sections: dict) -> cells.Morphology:
    m = cells.Morphology()
    for name, said in sections.items():
        more = {"nseg": said["nseg"], "Ra": said["Ra"] * OHM_CM, "cm": said["cm"] * CM}
        if "points" in said:
            m.add_point_section(name, np.array(said["points"], float) * u.um, np.array(said["diams"]) * u.um, **more)
        else:
            m.add_cylinder_section(name, said["length"] * u.um, said["diam"] * u.um, **more)
    for name, said in sections.items():
        if "parent" in said:
            m.connect(name, said["parent"], said["parent_loc"])
    return m


def mechanism(said: Sequence[Sequence[dict]]) -> cells.Mechanism:
    """Mechanisms of one kind, from what each neuron says of each."""
    kind, names = OURS.get(said[0][0]["kind"], (said[0][0]["kind"], {}))
    make = getattr(cells, kind)
    units = make().units
    of = lambda key: np.array([[one[key] for one in neuron] for neuron in said]) * units[names.get(key, key)]
    return make(**{names.get(key, key): of(key) for key in said[0][0].keys() - {"kind", "where", "at", "events"}})


def arriving(said: Sequence[Sequence[dict]], steps: int, dt: float) -> np.ndarray:
    """Weights in uS, `[steps, neurons, places]`: an event is of the step whose beginning is nearest, the earlier of two."""
    x = np.zeros((steps, len(said), len(said[0])))
    for n, neuron in enumerate(said):
        for k, one in enumerate(neuron):
            for when, weight in one.get("events", ()):
                x[int(np.ceil(when / dt - 0.5)), n, k] += weight
    return x


def by_kind(case: Case) -> dict[str, list[dict]]:
    found: dict[str, list[dict]] = {}
    for said in case["points"]:
        found.setdefault(said["kind"], []).append(said)
    return found


def alike(case: Case) -> str:
    """What the neurons of one population have in common."""
    layout = [[d["kind"], d["where"]] for d in case["densities"]], [[p["kind"], p["at"]] for p in case["points"]]
    return json.dumps([case["sections"], layout, case["dt"], case["T"], case["celsius"], case["record"]])


def groups(cases: dict[str, Case]) -> list[dict[str, Case]]:
    """Cases that one program plays."""
    key = lambda name: alike(cases[name])
    return [{name: cases[name] for name in names} for _, names in groupby(sorted(cases, key=key), key)]


def cell_of(group: Sequence[Case]) -> cells.MultiCompartment:
    one = group[0]
    first = np.array([[case["V_init"]] for case in group])
    tree = morphology(one["sections"])
    V_init = np.broadcast_to(first, (len(group), tree.n_compartments)) * u.mV
    cell = cells.MultiCompartment(
        len(group), tree, V_init, celsius=one["celsius"], spike_at=tuple(one["record"][0])
    )  # fmt: skip
    for k, said in enumerate(one["densities"]):
        cell.insert(mechanism([[case["densities"][k]] for case in group]), said["where"], f"density{k}")
    for kind, points in by_kind(one).items():
        cell.insert(mechanism([by_kind(case)[kind] for case in group]), [tuple(p["at"]) for p in points], kind)
    return cell


def play(group: dict[str, Case], precision: int = 64) -> dict[str, Played]:
    """All cases of a group, in one compiled loop."""
    cases = list(group.values())
    one, steps = cases[0], round(cases[0]["T"] / cases[0]["dt"])
    inputs = {
        kind: arriving([by_kind(case)[kind] for case in cases], steps, one["dt"])
        for kind in by_kind(one)
        if kind != "IClamp"
    }
    with brainstate.environ.context(dt=one["dt"] * u.ms, precision=precision):
        cell = cell_of(cases)
        brainstate.nn.init_all_states(cell)
        seen = np.concatenate([cell.tree.find(tuple(place)) for place in one["record"]])

        def step(x: dict[str, jax.Array]) -> tuple[jax.Array, jax.Array]:
            spikes = cell.update(**{kind: w * u.uS for kind, w in x.items()})
            return cell.V.value.to_decimal(u.mV)[:, seen], spikes

        loop = lambda x: brainstate.transform.for_loop(step, x, length=steps)
        v, spikes = map(np.asarray, brainstate.transform.jit(loop)(inputs))
    times = one["dt"] * np.arange(1, steps + 1)
    return {name: Played(v[:, n], times[spikes[:, n] > 0], one["dt"]) for n, name in enumerate(group)}
