"""NEURON's side: cases as JSON in, every voltage and spike time out. It runs in an environment and a process of its own.

.venv-neuron/bin/python benchmarks/cells/neuron/simulate.py cases.json recordings.npz
"""

import json
import sys
import time
from pathlib import Path

import numpy as np
from neuron import h

# the channels in mod/, compiled
for library in Path(sys.prefix).glob("*/libnrnmech.*"):
    h.nrn_load_dll(str(library))


def build(sections):
    """Sections of one neuron, by name."""
    made = {}
    for name, said in sections.items():
        sec = made[name] = h.Section(name=name)
        for point, diam in zip(said.get("points", ()), said.get("diams", ()), strict=True):
            sec.pt3dadd(*point, diam)
        if "points" not in said:
            sec.L, sec.diam = said["length"], said["diam"]
        sec.nseg, sec.Ra, sec.cm = said["nseg"], said["Ra"], said["cm"]
    for name, said in sections.items():
        if "parent" in said:
            made[name].connect(made[said["parent"]](said["parent_loc"]), 0.0)
    return made


def cover(made, said):
    """A density mechanism in the membrane of some sections, or of all."""
    for name in made if said["where"] is None else said["where"]:
        made[name].insert(said["kind"])
        for seg in made[name]:
            for key in said.keys() - {"kind", "where"}:
                setattr(getattr(seg, said["kind"]), key, said[key])


def place(made, said):
    """A point process, and a connection for each of its events."""
    name, loc = said["at"]
    point = getattr(h, said["kind"])(made[name](loc))
    for key in said.keys() - {"kind", "at", "events"}:
        setattr(point, key, said[key])
    events = []
    for when, weight in said.get("events", ()):
        source = h.NetCon(None, point)
        source.weight[0] = weight
        events.append((source, when))
    return point, events


def listen(made, places):
    """Compartments there; spike times of each, and what counts them, by section and number."""
    seen = [made[name](loc) for name, loc in places]
    # one counter for each compartment: a second one would take the times from the first
    who = [(seg.sec.name(), int(seg.x * seg.sec.nseg)) for seg in seen]
    counters = {}
    for node, seg in zip(who, seen, strict=True):
        if node not in counters:
            counters[node] = h.NetCon(seg._ref_v, None, sec=seg.sec), h.Vector()
            counters[node][0].threshold = 0.0
            counters[node][0].record(counters[node][1])
    return seen, who, counters


def simulate(case):
    """Voltages after each step at the recorded places `[steps, places]`, and the times of their crossings of 0 mV."""
    h.usetable_hh, h.secondorder = case.get("usetable_hh", 0), case.get("secondorder", 0)
    h.celsius, h.dt = case["celsius"], case["dt"]
    made = build(case["sections"])
    for said in case["densities"]:
        cover(made, said)
    points = [place(made, said) for said in case["points"]]
    seen, who, counters = listen(made, case["record"])
    h.finitialize(case["V_init"])
    for _, events in points:
        for source, when in events:
            source.event(when)
    v = np.zeros((round(case["T"] / case["dt"]), len(seen)))
    for step in range(len(v)):
        h.fadvance()
        v[step] = [seg.v for seg in seen]
    h.fadvance()  # a crossing is seen when the next step begins
    return v, [np.round(np.array(counters[node][1]), 6) for node in who]


def recorded(cases):
    """Arrays of all cases: `name/v`, and `name/spikes/n` for each recorded place."""
    found = {}
    for name, case in cases.items():
        v, spikes = simulate(case)
        found |= {f"{name}/v": v, **{f"{name}/spikes/{n}": times for n, times in enumerate(spikes)}}
    return found


if __name__ == "__main__":
    with open(sys.argv[1]) as file:
        said = json.load(file)
    began = time.perf_counter()
    found = recorded(said)
    np.savez(sys.argv[2], seconds=time.perf_counter() - began, **found)
