"""Seeded draws of cells: their shape, what sits in their membrane, what is done to them."""

from typing import Any

import numpy as np

LASTS = 30.0  # ms
TIME_STEPS = 0.1, 0.025, 0.05, 0.01  # ms, in turns
SPIKING = {"NaTraub": {"g_Na": (0.03, 0.2)}, "KTraub": {"g_K": (0.003, 0.03)}}
CHANNELS = {
    "KA": {"g_A": (1e-4, 5e-3)}, "KM": {"g_M": (1e-5, 3e-4)}, "KCa": {"g_KCa": (1e-4, 1e-2), "Ca_half": (1e-3, 3e-2)},
    "CaL": {"g_Ca": (1e-5, 1e-3)}, "CaT": {"g_Ca": (1e-5, 1e-3)}, "Ih": {"g_h": (1e-5, 2e-4)},
    "CaPool": {"depth": (0.1, 1.0), "tau": (2.0, 50.0), "rest": (5e-5, 5e-4)},
}  # fmt: skip
Draw = dict[str, Any]


def draws(count: int, seed: int = 0) -> dict[str, Draw]:
    """`count` draws by number; the n-th does not depend on how many there are."""
    return {str(n): draw(n, seed) for n in range(count)}


def draw(n: int, seed: int = 0) -> Draw:
    """The n-th draw: passive, with Hodgkin and Huxley's channels, with the others, in turns."""
    rng = np.random.default_rng([seed, n])
    sections = shape(rng)
    spots = [place(rng, sections) for _ in range(3)]
    return {
        "sections": sections, "densities": membrane(rng, list(sections), n % 3),
        "points": points(rng, sections), "record": [["s0", 0.5], *spots], "dt": TIME_STEPS[n % 4], "T": LASTS,
        "celsius": within(rng, 5.0, 30.0), "V_init": within(rng, -75.0, -60.0),
    }  # fmt: skip


def within(rng: np.random.Generator, low: float, high: float) -> float:
    return float(rng.uniform(low, high))


def over_decades(rng: np.random.Generator, low: float, high: float) -> float:
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def short(x: np.ndarray | float) -> Any:
    """In parts of 1/64: NEURON keeps points in single precision, which has room for these."""
    return (np.round(np.asarray(x) * 64) / 64).tolist()


def shape(rng: np.random.Generator) -> dict[str, Any]:
    """A soma and up to 14 sections that grow from any place of any before; points and cylinders mixed."""
    sections: dict[str, Any] = {
        "s0": cable(rng, within(rng, 8.0, 30.0), within(rng, 8.0, 30.0), 1 + 2 * (rng.uniform() < 0.2))
    }
    for k in range(1, rng.integers(2, 16)):
        one = cable(rng, over_decades(rng, 2.0, 400.0), over_decades(rng, 0.2, 5.0), int(rng.integers(1, 8)))
        where = within(rng, 0.0, 1.0) if rng.uniform() < 0.4 else float(rng.choice([0.0, 1.0, 1.0, 0.5]))
        sections[f"s{k}"] = {**one, "parent": f"s{rng.integers(k)}", "parent_loc": where}
    return sections


def cable(rng: np.random.Generator, length: float, diam: float, nseg: int) -> Draw:
    more = {"nseg": int(nseg), "Ra": within(rng, 35.0, 250.0), "cm": within(rng, 0.5, 2.0)}
    if rng.uniform() < 0.5:
        return {"length": length, "diam": diam, **more}
    many = int(rng.integers(2, 8))
    # at least 1/64 um apart, or two points in a row might be the same
    paces = np.abs(rng.normal(size=(many - 1, 3))) * length / many + 1 / 64
    along = np.concatenate([np.zeros((1, 3)), paces.cumsum(0)]) * rng.choice([-1, 1], 3)
    return {"points": short(along), "diams": short(diam * rng.uniform(0.5, 2.0, many) + 1 / 64), **more}


def membrane(rng: np.random.Generator, names: list[str], kind: int) -> list[Draw]:
    """A leak everywhere; by `kind` nothing else, Hodgkin and Huxley's channels in two strengths, or any of the others."""
    found: list[Draw] = [
        {"kind": "pas", "where": None, "g": over_decades(rng, 1e-5, 3e-4), "e": within(rng, -75.0, -55.0)}
    ]
    with_soma = ["s0", *(name for name in names[1:] if rng.uniform() < 0.4)]
    if kind == 1:
        found += [squid(rng, where) for where in (with_soma, [n for n in names if n not in with_soma]) if where]
    if kind == 2:
        picked = ["NaTraub", "KTraub", *(name for name in CHANNELS if rng.uniform() < 0.5)]
        found += [channel(rng, name, with_soma if rng.uniform() < 0.5 else None) for name in picked]
    return found


def squid(rng: np.random.Generator, where: list[str]) -> Draw:
    return {
        "kind": "hh", "where": where, "gnabar": within(rng, 0.03, 0.3), "gkbar": within(rng, 0.01, 0.08),
        "gl": within(rng, 1e-4, 6e-4), "el": within(rng, -65.0, -50.0),
    }  # fmt: skip


def channel(rng: np.random.Generator, kind: str, where: list[str] | None) -> Draw:
    return {
        "kind": kind,
        "where": where,
        **{key: within(rng, *span) for key, span in (SPIKING | CHANNELS)[kind].items()},
    }


def place(rng: np.random.Generator, sections: dict[str, Any]) -> list[Any]:
    """A place inside a section; its very ends are nodes without membrane in NEURON."""
    return [str(rng.choice(list(sections))), within(rng, 0.001, 0.999)]


def points(rng: np.random.Generator, sections: dict[str, Any]) -> list[Draw]:
    """Up to two pulses of current, up to six synapses with a train each, half of its events on the grid of every step."""
    found: list[Draw] = []
    for _ in range(rng.integers(0, 3)):
        found.append({
            "kind": "IClamp", "at": place(rng, sections), "delay": within(rng, 0.0, 15.0), "dur": within(rng, 1.0, 20.0),
            "amp": within(rng, -0.1, 0.5),
        })  # fmt: skip
    for _ in range(rng.integers(1, 7)):
        e = 0.0 if rng.uniform() < 0.7 else -80.0
        when = rng.uniform(0.0, LASTS - 1.0, rng.integers(1, 20))
        when = np.where(rng.uniform(size=len(when)) < 0.5, np.round(when, 1), when)
        events = [[float(t), over_decades(rng, 1e-4, 1e-2)] for t in when]
        tau = over_decades(rng, 0.1, 5.0)
        kind = str(rng.choice(["ExpSyn", "Exp2Syn", "NMDA"], p=[0.5, 0.4, 0.1]))
        how = {"tau": tau} if kind == "ExpSyn" else {"tau1": tau, "tau2": tau * within(rng, 1.2, 10.0)}
        found.append({"kind": kind, "at": place(rng, sections), "e": e, "events": events, **how})
    return found
