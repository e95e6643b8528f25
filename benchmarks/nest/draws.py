"""Seeded draws of parameters and inputs for NEST's models: times on the grid, trains that meet, silences that do not fit it."""

import zlib
from typing import Any

import numpy as np
from ranges import MODELS, Ranges, Span, Train

LASTS = 200.0  # ms
TIME_STEPS = 0.1, 0.05, 0.2  # ms, in turns
LONGEST = 30  # steps of delay
SELDOM = 1 / 8

Draw = dict[str, Any]


def draws(model: str, count: int, seed: int = 0) -> dict[str, Draw]:
    """`count` draws by name, as the recorded runs are written; the n-th does not depend on how many there are."""
    return {f"{model}/{n}": draw(model, n, seed) for n in range(count)}


def draw(model: str, n: int, seed: int = 0) -> Draw:
    """The n-th draw of a model."""
    rng, ranges, dt = np.random.default_rng([seed, zlib.crc32(model.encode()), n]), MODELS[model], TIME_STEPS[n % 3]
    return {
        "model": model, "dt": dt, "T": LASTS, "parameters": parameters(rng, ranges), "spikes": trains(rng, ranges, dt),
        **currents(rng, ranges, dt),
    }  # fmt: skip


def within(rng: np.random.Generator, span: Span) -> float:
    return float(rng.uniform(*span))


def seldom(rng: np.random.Generator) -> bool:
    return bool(rng.uniform() < SELDOM)


def parameters(rng: np.random.Generator, ranges: Ranges) -> dict[str, Any]:
    """Parameters, the silence and the first voltage."""
    found: dict[str, Any] = {k: within(rng, span) for k, span in ranges.parameters.items()}
    for one, other in ranges.alike:
        found |= {one: found[other]} if seldom(rng) else {}
    found |= {k: options[rng.integers(len(options))] for k, options in ranges.choices.items()}
    found |= {k: [within(rng, span) for span in spans] for k, spans in ranges.lists.items()}
    if ranges.together:
        found |= ranges.together[rng.integers(len(ranges.together))]
    if ranges.silences:
        found["t_ref"] = float(rng.choice(ranges.silences)) if rng.uniform() < 0.5 else within(rng, (0.0, 8.0))
    found["V_m"] = within(rng, ranges.high if seldom(rng) else ranges.start)
    return found


def currents(rng: np.random.Generator, ranges: Ranges, dt: float) -> dict[str, Any]:
    """Up to five steps of a current."""
    at = np.unique(rng.integers(1, round(0.9 * LASTS / dt), rng.integers(0, 6)))
    steps = [[on_grid(k, dt), within(rng, ranges.current)] for k in at]
    return {"current_steps": steps, "current_delay": on_grid(rng.integers(1, LONGEST + 1), dt)}


def trains(rng: np.random.Generator, ranges: Ranges, dt: float) -> list[dict[str, Any]]:
    """Trains at every receptor; half of the arrivals are from one pool, so that spikes of several trains meet."""
    steps, many = round(LASTS / dt), round(ranges.rate * LASTS)
    pool, found = rng.integers(LONGEST + 1, steps, many), []
    for kind in ranges.trains:
        for _ in range(rng.integers(0, kind.most + 1)):
            count = rng.integers(1, many + 1)
            shared = rng.choice(pool, count // 2)
            arrive = np.unique(np.concatenate([shared, rng.integers(LONGEST + 1, steps, count - count // 2)]))
            found.append(train(rng, kind, arrive, dt))
    return found


def train(rng: np.random.Generator, kind: Train, arrive: np.ndarray, dt: float) -> dict[str, Any]:
    """A train whose spikes arrive at these steps; in one of four every spike has a multiplicity."""
    delay = int(rng.integers(1, LONGEST + 1))
    many = {"multiplicities": rng.integers(1, 4, len(arrive)).tolist()} if rng.uniform() < 0.25 else {}
    return {
        "times": [on_grid(k - delay, dt) for k in arrive], "weight": within(rng, kind.weight), "receptor": kind.receptor,
        "delay": on_grid(delay, dt), **many,
    }  # fmt: skip


def on_grid(step: int, dt: float) -> float:
    return round(int(step) * dt, 6)
