"""The parts of a comparison: what each run leaves, one file each, whole or not at all."""

import json
import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from ..graph import GraphError
from ..learn import checkpoint as files
from .entrant import POINTS, RATES, VALIDATION, Entrant, Learned, Settings, cosine
from .network import READOUT

REFERENCE = "bptt"


def todo(settings: Settings, slow: bool = False) -> list[str]:
    """The parts of an arm, in their order; each is one file."""
    if slow:
        return ["cost", "angles"]
    return ["cost", *(f"rate-{rate}" for rate in RATES), *(f"seed-{seed}" for seed in range(settings.seeds))]


def part(folder: Path, name: str, what: str) -> Path:
    return folder / "parts" / f"{name}.{what}.json"


def missing(settings: Settings, name: str, folder: Path) -> list[str]:
    """Parts of an arm that are not done; none if the rule does not apply."""
    if part(folder, name, "refused").exists():
        return []
    cost = part(folder, name, "cost")
    slow = cost.exists() and json.loads(cost.read_text())["slow"]
    return [what for what in todo(settings, slow) if not part(folder, name, what).exists()]


def parts(settings: Settings, name: str, folder: Path) -> Iterator[None]:
    """Do what is left of an arm; yields after each part."""
    try:
        entrant = Entrant(settings, name)
        while left := missing(settings, name, folder):
            write(part(folder, name, left[0]), done(entrant, name, left[0], folder))
            yield
    except GraphError as error:
        write(part(folder, name, "refused"), {"reason": str(error)})


def done(entrant: Entrant, name: str, what: str, folder: Path) -> dict[str, Any]:
    """What the part's file is to hold."""
    kind, _, number = what.partition("-")
    if kind == "cost":
        return entrant.cost()
    if kind == "angles":
        return {"cosines": at_reference(entrant, [entrant.start(0)] * len(POINTS), folder, 0)}
    if kind == "seed":
        return one_seed(entrant, name, int(number), best_rate(folder, name), folder)
    found = entrant.train(VALIDATION, float(number))
    score = None if found.diverged else entrant.score(found.points[-1], entrant.trials.valid)
    return {"rate": float(number), "score": score, "losses": found.losses}


def best_rate(folder: Path, name: str) -> float:
    """The rate with the best validation score; of equal ones the smallest."""
    tried = [json.loads(part(folder, name, f"rate-{rate}").read_text()) for rate in RATES]
    return max(tried, key=lambda row: -1.0 if row["score"] is None else row["score"])["rate"]


def one_seed(entrant: Entrant, name: str, seed: int, rate: float, folder: Path) -> dict[str, Any]:
    """Train, test, and compare gradients: at the weights that BPTT's run had at the points, and at this run's own."""
    found, trials = entrant.train(seed, rate), entrant.trials
    scores = [entrant.score(point, trials.test) for point in found.points]
    own = found.points + [found.points[-1]] * (len(POINTS) - len(found.points))
    truth = reference(entrant.settings)
    at_own = [truth.direction(point._replace(lasting=truth.carry.lasting)) for point in own]
    if name == REFERENCE:
        files.save(kept(folder, seed), ([point.params for point in own], at_own))
    return {
        "rate": rate, "diverged": found.diverged, "score": trials.chance if found.diverged else scores[-1],
        "scores": scores, "losses": found.losses, "firing": entrant.firing(found.points[-1]),
        "cosines": at_reference(entrant, own, folder, seed), "own_cosines": angles(entrant, own, at_own),
    }  # fmt: skip


def kept(folder: Path, seed: int) -> Path:
    return folder / "parts" / f"{REFERENCE}.points-{seed}.npz"


def at_reference(entrant: Entrant, own: list[Learned], folder: Path, seed: int) -> list[float | None]:
    """Cosines at the weights of BPTT's run, with what the rule itself keeps at its own."""
    size = sum(np.size(a) for name, a in own[0].params.items() if name not in READOUT)
    like = [point.params for point in own], [np.zeros(size)] * len(own)
    params, true = files.load(kept(folder, seed), like)[0]
    return angles(entrant, [point._replace(params=p) for point, p in zip(own, params)], true)


def angles(entrant: Entrant, points: list[Learned], true: list[Any]) -> list[float | None]:
    return [cosine(entrant.direction(point), np.asarray(way)) for point, way in zip(points, true)]


@cache
def reference(settings: Settings) -> Entrant:
    """BPTT, to compare gradients with."""
    return Entrant(settings, REFERENCE)


def write(path: Path, content: dict[str, Any]) -> None:
    """A JSON file, whole or not at all."""
    draft = path.with_name(f".{path.name}.{os.getpid()}.part")
    draft.write_text(json.dumps(content, indent=2) + "\n")
    os.replace(draft, path)
