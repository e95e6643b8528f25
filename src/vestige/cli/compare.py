"""`vestige compare`: every rule and the baselines on one task, arm by arm; what is done stays done."""

import json
import multiprocessing
import os
import signal
import sys
import time
from argparse import Namespace
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from ..graph import GraphError
from ..learn import checkpoint as files
from .arms import BASELINES, RULES
from .entrant import POINTS, RATES, VALIDATION, Entrant, Settings, bench, cosine
from .standings import finish
from .train import Interrupted

REFERENCE = "bptt"


def run(args: Namespace) -> None:
    """Compare, report."""
    if args.resume is None:
        bench(args.task, args.neurons)  # what is missing shows before there is a folder
    folder, settings = open_folder(args)
    arms = [*BASELINES, *settings.rules]
    told = f"{settings.task}: {len(arms)} arms, {settings.seeds} seeds, {settings.updates} updates -> {folder}"
    print(told, file=sys.stderr if args.json else sys.stdout, flush=True)
    waves = [[REFERENCE], [name for name in arms if name != REFERENCE]]  # the others are measured at its weights
    workers = args.jobs or os.cpu_count() or 1
    try:
        with Bar(settings, arms, folder) as bar:
            for wave in waves:
                play(settings, wave, folder, workers, bar)
    except KeyboardInterrupt:
        raise Interrupted(f"interrupted; what is done is kept\ngo on with: vestige compare --resume {folder}") from None
    finish(settings, arms, folder, args.json)


def open_folder(args: Namespace) -> tuple[Path, Settings]:
    """A new folder with the settings in it, or those of the comparison to be resumed."""
    if args.resume is not None:
        try:
            settings = Settings(**json.loads((args.resume / "settings.json").read_text()))
        except (OSError, ValueError, TypeError) as error:
            raise files.CheckpointError(f"{args.resume} is no folder of a comparison: {error}") from error
        return args.resume, settings
    rules = tuple(name for name in args.rules or RULES if name not in BASELINES)
    settings = Settings(args.task, rules, args.seeds, args.updates, args.neurons, args.batch)
    folder = args.out / f"compare-{args.task}-{time.strftime('%Y%m%d-%H%M%S')}"
    (folder / "parts").mkdir(parents=True)
    write(folder / "settings.json", vars(settings))
    return folder, settings


def todo(settings: Settings) -> list[str]:
    """The parts of an arm, in their order; each is one file."""
    return ["cost", *(f"rate-{rate}" for rate in RATES), *(f"seed-{seed}" for seed in range(settings.seeds))]


def part(folder: Path, name: str, what: str) -> Path:
    return folder / "parts" / f"{name}.{what}.json"


def play(settings: Settings, names: list[str], folder: Path, workers: int, bar: "Bar") -> None:
    """Some arms, as many at a time as there are workers."""
    names = [name for name in names if missing(settings, name, folder)]
    if min(workers, len(names)) <= 1:
        for name in names:
            for _ in parts(settings, name, folder):
                bar.look()
        return
    start = multiprocessing.get_context("spawn").Process
    running: dict[str, Any] = {}
    try:
        while names or running:
            while names and len(running) < workers:
                name = names.pop(0)
                running[name] = start(target=work, args=(settings, name, folder))
                running[name].start()
            time.sleep(0.2)
            bar.look()
            ended = {name: process for name, process in running.items() if process.exitcode is not None}
            for name, process in ended.items():
                del running[name]
                if process.exitcode:
                    raise ArmError(f"`{name}` failed (status {process.exitcode}); go on with --resume {folder}")
    finally:
        for process in running.values():
            process.terminate()
            process.join()


class ArmError(RuntimeError):
    """An arm's process ended without a result; what it said is on the screen."""


def work(settings: Settings, name: str, folder: Path) -> None:
    """In a process of its own, which leaves Ctrl-C to its parent."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for _ in parts(settings, name, folder):
        pass


def missing(settings: Settings, name: str, folder: Path) -> list[str]:
    """Parts of an arm that are not done; none if the rule does not apply."""
    if part(folder, name, "refused").exists():
        return []
    return [what for what in todo(settings) if not part(folder, name, what).exists()]


def parts(settings: Settings, name: str, folder: Path) -> Iterator[None]:
    """Do what is left of an arm; yields after each part."""
    try:
        entrant = Entrant(settings, name)
        for what in missing(settings, name, folder):
            write(part(folder, name, what), done(entrant, name, what, folder))
            yield
    except GraphError as error:
        write(part(folder, name, "refused"), {"reason": str(error)})


def done(entrant: Entrant, name: str, what: str, folder: Path) -> dict[str, Any]:
    """What the part's file is to hold."""
    kind, _, number = what.partition("-")
    if kind == "cost":
        return entrant.cost()
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
    kept, shared = folder / "parts" / f"{REFERENCE}.points-{seed}.npz", ([point.params for point in own], at_own)
    if name == REFERENCE:
        files.save(kept, shared)
    there = [point._replace(params=params) for point, params in zip(own, files.load(kept, shared)[0][0])]
    angles = lambda points, true: [cosine(entrant.direction(p), np.asarray(d)) for p, d in zip(points, true)]
    return {
        "rate": rate, "diverged": found.diverged, "score": trials.chance if found.diverged else scores[-1],
        "scores": scores, "losses": found.losses, "firing": entrant.firing(found.points[-1]),
        "cosines": angles(there, files.load(kept, shared)[0][1]), "own_cosines": angles(own, at_own),
    }  # fmt: skip


@cache
def reference(settings: Settings) -> Entrant:
    """BPTT, to compare gradients with."""
    return Entrant(settings, REFERENCE)


def write(path: Path, content: dict[str, Any]) -> None:
    """A JSON file, whole or not at all."""
    draft = path.with_name(f".{path.name}.{os.getpid()}.part")
    draft.write_text(json.dumps(content, indent=2) + "\n")
    os.replace(draft, path)


class Bar:
    """Parts done of all, as the folder shows them; those of an earlier start count."""

    def __init__(self, settings: Settings, arms: list[str], folder: Path):
        self.left = lambda: sum(len(missing(settings, name, folder)) for name in arms)
        self.total = len(arms) * len(todo(settings))

    def __enter__(self) -> "Bar":
        from tqdm import tqdm

        shape = "{percentage:3.0f}% |{bar}| {n}/{total} runs, {elapsed} so far, {remaining} to go"
        quiet, done = not sys.stderr.isatty(), self.total - self.left()
        self.bar = tqdm(total=self.total, initial=done, disable=quiet, leave=False, bar_format=shape)
        return self

    def look(self) -> None:
        self.bar.update(self.total - self.left() - self.bar.n)

    def __exit__(self, *error: Any) -> None:
        self.bar.close()
