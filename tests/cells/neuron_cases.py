"""Cells and what is done to them, for NEURON and for vestige: plain data, in ms, mV, um, nA, uS, S/cm2, ohm cm and uF/cm2."""

import json
import zlib
from typing import Any

Case = dict[str, Any]
SAMPLED = 0.2  # ms between stored voltages
DTS = 0.1, 0.025, 0.01

CABLE = {"length": 1000.0, "diam": 2.0, "Ra": 100.0, "cm": 1.0}
AXON = {"length": 1500.0, "diam": 2.0, "Ra": 35.4, "cm": 1.0}

# every way to meet: four ends in one point, three at either end of the root, children inside a section, at the start of
# another that begins inside, and two at one place; coordinates are whole quarters, which NEURON's single precision holds
TREE = {
    "soma": {
        "points": [[0, 0, 0], [8, 0, 0], [20, 2, 0]], "diams": [12, 18.5, 9], "nseg": 1, "Ra": 120.0, "cm": 1.0,
    },
    "apical": {
        "points": [[20, 2, 0], [60, 10, 4], [61, 10, 4], [130, -6, 0], [240, 0, 12]], "diams": [4, 3, 2.25, 2.5, 1.5],
        "nseg": 5, "Ra": 150.0, "cm": 1.5, "parent": "soma", "parent_loc": 1.0,
    },
    "axon": {"length": 200.0, "diam": 1.5, "nseg": 4, "Ra": 70.0, "cm": 0.9, "parent": "soma", "parent_loc": 1.0},
    "basal": {"length": 130.0, "diam": 2.0, "nseg": 3, "Ra": 120.0, "cm": 1.2, "parent": "soma", "parent_loc": 0.0},
    "low": {
        "points": [[0, 0, 0], [-30, -40, 0], [-90, -40, 5]], "diams": [2.5, 1, 1.75], "nseg": 2, "Ra": 90.0, "cm": 1.0,
        "parent": "soma", "parent_loc": 0.0,
    },
    "left": {"length": 90.0, "diam": 0.75, "nseg": 2, "Ra": 150.0, "cm": 1.5, "parent": "apical", "parent_loc": 1.0},
    "mid": {"length": 60.0, "diam": 1.0, "nseg": 1, "Ra": 150.0, "cm": 1.5, "parent": "apical", "parent_loc": 1.0},
    "right": {"length": 120.0, "diam": 0.5, "nseg": 3, "Ra": 200.0, "cm": 1.5, "parent": "apical", "parent_loc": 1.0},
    "oblique": {"length": 80.0, "diam": 1.0, "nseg": 2, "Ra": 150.0, "cm": 1.5, "parent": "apical", "parent_loc": 0.5},
    "twin": {"length": 50.0, "diam": 0.5, "nseg": 1, "Ra": 150.0, "cm": 1.0, "parent": "oblique", "parent_loc": 0.0},
    "spine": {"length": 2.0, "diam": 0.25, "nseg": 1, "Ra": 150.0, "cm": 1.0, "parent": "right", "parent_loc": 0.5},
    "neck": {"length": 1.5, "diam": 0.75, "nseg": 1, "Ra": 150.0, "cm": 1.0, "parent": "spine", "parent_loc": 1.0},
}  # fmt: skip
DENDRITES = [name for name in TREE if name not in ("soma", "axon")]
SEEN = [["axon", 0.9], ["soma", 0.5], ["apical", 0.5], ["right", 0.9], ["neck", 0.5]]


def fingerprint(case: Case) -> int:
    """A number that recordings keep, so that they are known to be of this case."""
    return zlib.crc32(json.dumps(case).encode())


def near(case: Case, spikes: bool) -> float:
    """How near voltages are to be, mV: both sides take the same steps, and spikes amplify the rounding.

    Where a current is not linear in the voltage, NEURON's slope is a quotient of differences, ours the derivative.
    """
    curved = {"CaT", "NMDA"} & {said["kind"] for said in case["densities"] + case["points"]}
    return 1e-3 if curved else 1e-6 if spikes else 1e-9


def clamp(section: str, loc: float, delay: float, dur: float, amp: float) -> dict[str, Any]:
    return {"kind": "IClamp", "at": [section, loc], "delay": delay, "dur": dur, "amp": amp}


def synapse(kind: str, section: str, loc: float, e: float, events: list[list[float]], **taus: float) -> dict[str, Any]:
    """`events`: time and weight of each."""
    return {"kind": kind, "at": [section, loc], "e": e, "events": events, **taus}


def passive(sections: Any, dt: float, points: list[dict[str, Any]], record: list[list[Any]]) -> Case:
    return {
        "sections": sections, "densities": [{"kind": "pas", "where": None, "g": 1e-4, "e": -65.0}], "points": points,
        "record": record, "dt": dt, "T": 50.0, "celsius": 6.3, "V_init": -70.0,
    }  # fmt: skip


def axon(dt: float, nseg: int, T: float, amp: float, record: list[list[Any]], celsius: float = 6.3) -> Case:
    """Squid axon: a spike that runs along it, or one compartment that spikes on and on."""
    length = AXON["length"] if nseg > 1 else 20.0
    return {
        "sections": {"axon": {**AXON, "length": length, "nseg": nseg}},
        "densities": [{"kind": "hh", "where": None, "gnabar": 0.12, "gkbar": 0.036, "gl": 0.0003, "el": -54.3}],
        "points": [clamp("axon", 0.5 / nseg, 2.0, T - 5.0, amp)], "record": record, "dt": dt, "T": T,
        "celsius": celsius, "V_init": -65.0,
    }  # fmt: skip


def branched(dt: float, active: bool, amp: float, weight: float) -> Case:
    """The tree; one program of ours plays all of these with one `dt`."""
    strength = 1.0 if active else 0.0
    # on the grid of every dt, and off all of them
    events = [[3.0, weight], [3.0, weight / 2], [7.013, weight], [7.058, weight], [21.3, weight]]
    late = [[5.041, weight], [12.0, 2 * weight], [20.994, weight / 4]]
    return {
        "sections": TREE,
        "densities": [
            {"kind": "pas", "where": DENDRITES, "g": 5e-5, "e": -70.0},
            {"kind": "hh", "where": ["soma", "axon"], "gnabar": 0.15 * strength, "gkbar": 0.04 * strength,
             "gl": 0.0004, "el": -60.0},
        ],
        "points": [
            clamp("apical", 0.5, 4.0, 22.0, amp),
            synapse("ExpSyn", "right", 0.9, 0.0, events, tau=1.5),
            synapse("ExpSyn", "right", 0.9, 10.0, late, tau=0.3),
            synapse("Exp2Syn", "basal", 0.5, -5.0, late, tau1=0.4, tau2=5.0),
            synapse("Exp2Syn", "neck", 0.5, 0.0, events, tau1=0.2, tau2=1.7),
        ],
        "record": SEEN, "dt": dt, "T": 40.0, "celsius": 16.3, "V_init": -66.0,
    }  # fmt: skip


def channels(dt: float) -> Case:
    """All channels, the pool and the synapse that NEURON has not of its own."""
    kinds = {
        "NaTraub": {"g_Na": 0.05}, "KTraub": {"g_K": 0.005}, "KA": {"g_A": 0.001}, "KM": {"g_M": 1e-4},
        "CaL": {"g_Ca": 5e-4}, "CaT": {"g_Ca": 5e-4}, "Ih": {"g_h": 4e-5}, "KCa": {"g_KCa": 0.002, "Ca_half": 0.002},
    }  # fmt: skip
    events = [[4.0, 1e-3], [6.013, 2e-3], [30.0, 4e-3], [31.3, 4e-3]]
    return {
        "sections": {
            "soma": {"length": 20.0, "diam": 20.0, "nseg": 1, "Ra": 100.0, "cm": 1.0},
            "dend": {"length": 300.0, "diam": 2.0, "nseg": 3, "Ra": 100.0, "cm": 1.0, "parent": "soma", "parent_loc": 1.0},
        },
        "densities": [
            {"kind": "pas", "where": None, "g": 1e-4, "e": -70.0},
            # a pool in one of two sections with channels that see calcium
            {"kind": "CaPool", "where": ["soma"], "depth": 0.5, "tau": 20.0, "rest": 2.4e-4},
            *({"kind": kind, "where": None, **more} for kind, more in kinds.items()),
        ],
        "points": [clamp("soma", 0.5, 10.0, 45.0, 0.8), synapse("NMDA", "dend", 0.9, 0.0, events, tau1=0.5, tau2=20.0)],
        "record": [["soma", 0.5], ["dend", 0.9]], "dt": dt, "T": 60.0, "celsius": 34.0, "V_init": -68.0,
    }  # fmt: skip


def cable(nseg: int) -> dict[str, Any]:
    return {"cable": {**CABLE, "nseg": nseg}}


ALONG = [["cable", 0.01], ["cable", 0.5], ["cable", 0.99]]
CASES: dict[str, Case] = {
    "cable of 1": passive(cable(1), 0.1, [clamp("cable", 0.5, 5.0, 30.0, 0.1)], [["cable", 0.5]]),
    "cable of 5": passive(cable(5), 0.1, [clamp("cable", 0.1, 5.0, 30.0, 0.1)], ALONG),
    "cable of 41": passive(cable(41), 0.025, [clamp("cable", 0.01, 5.0, 30.0, 0.1)], ALONG),
    "channels": channels(0.025),
    **{f"spiking at {dt}": axon(dt, 1, 60.0, 0.01, [["axon", 0.5]]) for dt in DTS},
    **{
        f"axon at {dt}": axon(dt, 31, 30.0, 0.6, [["axon", 0.01], ["axon", 0.5], ["axon", 0.99]], 10.0)
        for dt in DTS[:2]
    },
    **{
        f"tree, {name} at {dt}": branched(dt, active, amp, weight)
        for dt in DTS
        for name, active, amp, weight in [
            ("passive, current", False, 0.15, 0.0),
            ("passive, synapses", False, 0.0, 2e-4),
            ("spikes, current", True, 1.0, 0.0),
            ("spikes, synapses", True, 0.4, 6e-3),
        ]
    },
}
