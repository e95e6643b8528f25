"""What `vestige compare` says at the end: one row an arm, as a table, as data, as a figure."""

import json
import platform
from pathlib import Path
from typing import Any

import jax
import numpy as np

from .. import plots
from .arms import ARMS, BASELINES
from .entrant import HELD_OUT, POINTS, RATES, VALIDATION, Settings, bench

Row = dict[str, Any]
HEADS = ("", "score", "cosine", "own cosine", "online ms", "window ms", "trace kB", "program MB", "rate")


def finish(settings: Settings, arms: list[str], folder: Path, as_json: bool) -> None:
    """Print and save what came out."""
    rows = ordered([gather(settings, name, folder) for name in arms])
    trials = bench(settings.task, settings.neurons).trials
    results = {
        **vars(settings), "chance": trials.chance, "about": trials.about, "rates": RATES, "points": POINTS,
        "jax": jax.__version__, "python": platform.python_version(), "rows": rows,
    }  # fmt: skip
    (folder / "results.json").write_text(json.dumps(results, indent=2) + "\n")
    notes = noted(settings, rows)
    (folder / "table.md").write_text(markdown(rows) + "\n\n" + "\n".join(f"* {note}" for note in notes) + "\n")
    if as_json:
        print(json.dumps(results, indent=2))
    else:
        print(f"\n{trials.name}: {trials.about}. {trials.steps} steps of {trials.dt:g} ms; chance {trials.chance:.1%}")
        print(plain(rows))
        print("\n".join(f"  {note}" for note in notes))
    # last, because it needs a package that may be missing
    drawn(settings, rows).savefig(folder / f"{settings.task}.png")
    if not as_json:
        print("\n".join(f"  {folder / name}" for name in (f"{settings.task}.png", "table.md", "results.json")))


def gather(settings: Settings, name: str, folder: Path) -> Row:
    """One arm: mean and standard deviation over seeds, cosines over seeds and points after the first."""
    read = lambda what: json.loads((folder / "parts" / f"{name}.{what}.json").read_text())
    row: Row = {"arm": name, "title": ARMS[name].title, "baseline": name in BASELINES}
    if (folder / "parts" / f"{name}.refused.json").exists():
        return {**row, "refused": read("refused")["reason"]}
    row |= read("cost")
    if row["slow"]:
        found = read("angles")["cosines"]
        return {
            **row,
            "score": None,
            "scores": [],
            "cosine": mean_of([{"cosines": found}], "cosines"),
            "own_cosine": None,
        }
    seeds = [read(f"seed-{seed}") for seed in range(settings.seeds)]
    scores = [s["score"] for s in seeds]
    return {
        **row, "rate": seeds[0]["rate"], "score": float(np.mean(scores)), "scores": scores,
        "score_sd": float(np.std(scores, ddof=1)) if len(scores) > 1 else 0.0,
        "cosine": mean_of(seeds, "cosines"), "own_cosine": mean_of(seeds, "own_cosines"),
        "cosines": [s["cosines"] for s in seeds], "own_cosines": [s["own_cosines"] for s in seeds],
        "firing": float(np.mean([s["firing"] for s in seeds])), "diverged": sum(s["diverged"] for s in seeds),
        "curves": [s["scores"] for s in seeds], "losses": [s["losses"] for s in seeds],
    }  # fmt: skip


def mean_of(seeds: list[Row], key: str) -> float | None:
    """Mean over seeds and points; None where there is nothing to average."""
    found = [c for s in seeds for c in s[key] if c is not None]
    return float(np.mean(found)) if found else None


def ordered(rows: list[Row]) -> list[Row]:
    """Baselines as they are listed, then rules by score, then those that were not trained, then those that do not apply."""
    score = lambda row: row.get("score") or -1.0
    rank = lambda row: (not row["baseline"], "refused" in row, 0.0 if row["baseline"] else -score(row))
    return sorted(rows, key=rank)


def cells(row: Row) -> list[str]:
    if "refused" in row:
        return [row["title"], f"does not apply: {sentence(row['refused'])}"]
    cos = lambda c: "-" if c is None else f"{c:.3f}"
    score = "not trained"
    if row["score"] is not None:
        score = f"{100 * row['score']:.1f} +- {100 * row['score_sd']:.1f}"
    program = "-" if row["program_bytes"] is None else f"{row['program_bytes'] / 1e6:.2f}"
    return [
        row["title"], score, cos(row["cosine"]), cos(row["own_cosine"]), f"{row['online_ms']:.3f}",
        f"{row['window_ms']:.3f}", f"{row['trace_bytes'] / 1e3:.1f}", program, f"{row['rate']:g}" if "rate" in row else "-",
    ]  # fmt: skip


def sentence(reason: str) -> str:
    """The first sentence."""
    head = reason.split(". ")[0].strip()
    return head if head.endswith(".") else head + "."


def plain(rows: list[Row]) -> str:
    lines = [list(HEADS), *map(cells, rows)]
    width = max(len(line[0]) for line in lines)
    widths = [max(len(line[n]) for line in lines if len(line) > n > 0 and len(line) > 2) for n in range(1, len(HEADS))]
    told = []
    for first, *rest in lines:
        rest = rest if len(rest) == 1 else [cell.rjust(w) for cell, w in zip(rest, widths)]
        told.append("  ".join(["", first.ljust(width), *rest]))
    return "\n".join(told)


def markdown(rows: list[Row]) -> str:
    lines = [list(HEADS), ["---"] * len(HEADS), *(c + [""] * (len(HEADS) - len(c)) for c in map(cells, rows))]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def noted(settings: Settings, rows: list[Row]) -> list[str]:
    """What one must know to read the table."""
    rates = ", ".join(f"{rate:g}" for rate in RATES)
    points = ", ".join(f"{p:.0%}" for p in POINTS)
    notes = [
        f"score: % of the test, mean +- standard deviation over {settings.seeds} seeds; every arm starts from the same "
        f"weights and sees the same {settings.updates} batches of {settings.batch}, {settings.neurons} neurons",
        f"cosine: with BPTT's gradient, of all weights before the readout, at the weights of BPTT's own run ({points} of "
        f"the training); own cosine: at the weights of the arm's run; {HELD_OUT} held-out batches each",
        f"rate: of {rates} the best on the validation sequences, seed {VALIDATION}; Adam, or RMSprop where said",
        "online ms: one step of the batch with the rule's trace moved at every step (BPTT: the whole sequence at once); "
        "window ms: the same gradient as trained with; quickest of some runs, compilation excluded",
        "trace kB: carried from step to step by one example; program MB: intermediate results of the online program, batch "
        f"of {settings.batch}; BPTT's grows with the sequence",
    ]
    lost = [f"{row['title']} {row['diverged']}" for row in rows if row.get("diverged")]
    slow = [row["title"] for row in rows if row.get("slow")]
    if slow:
        notes.append(
            f"not trained, the gradient of a batch takes more than {settings.slow:g} processor s (cosine: one seed, what the "
            f"rule keeps as it is at first): {'; '.join(slow)}; see --slow, --neurons, --batch"
        )
    for alike in same(rows):
        notes.append(f"the same gradient on this network, before anything is learned: {'; '.join(alike)}")
    return notes + ([f"runs that diverged and count as chance: {', '.join(lost)}"] if lost else [])


def same(rows: list[Row]) -> list[list[str]]:
    """Titles of arms whose gradients have the same direction at the first weights."""
    sets: list[list[Row]] = []
    for row in (row for row in rows if row.get("fingerprint")):
        near = [s for s in sets if np.allclose(s[0]["fingerprint"], row["fingerprint"], atol=1e-4)]
        near[0].append(row) if near else sets.append([row])
    return [[row["title"] for row in s] for s in sets if len(s) > 1]


def drawn(settings: Settings, rows: list[Row]):
    trials = bench(settings.task, settings.neurons).trials
    shown = [row for row in rows if "refused" not in row]
    return plots.comparison(
        [row["title"] for row in shown], [row["scores"] for row in shown], [row["cosine"] for row in shown],
        [row["own_cosine"] for row in shown], chance=trials.chance, baselines=sum(row["baseline"] for row in shown),
        title=f"{trials.name}: {trials.about}",
    )  # fmt: skip
