"""`vestige train`: several runs, what they are compared with, and the files they leave."""

import json
import multiprocessing
import signal
import sys
import time
from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import jax
import numpy as np

from ..learn import checkpoint as files
from ..tasks import Task, logistic_regression
from .job import Job, Outcome, train
from .recipe import RECIPES
from .report import draw, table


class Interrupted(Exception):
    """Ctrl-C; says what is kept."""


def run(args: Namespace) -> None:
    """Train, compare, report."""
    began = time.time()
    folder, settings = open_folder(args)
    task = RECIPES[settings["task"]].make()
    line = 0 if sys.stderr.isatty() else None
    seeds = [(seed, False) for seed in range(settings["seeds"])] + [(0, True)] * settings["frozen"]
    jobs = [
        Job(settings["task"], settings["rule"], seed, folder, settings["epochs"], frozen, line)
        for seed, frozen in seeds
    ]
    print(
        f"{task.name}: {task.about}. {len(task.train)} training and {len(task.test)} test sequences -> {folder}",
        flush=True,
    )
    outcomes = all_of(jobs, min(args.jobs, len(jobs)), folder)
    finish(task, settings, outcomes, folder, time.time() - began)


def open_folder(args: Namespace) -> tuple[Path, dict]:
    """A new folder with the settings in it, or those of the run to be resumed."""
    if args.resume is not None:
        try:
            return args.resume, json.loads((args.resume / "settings.json").read_text())
        except OSError as error:
            raise files.CheckpointError(f"{args.resume} is no folder of a run: {error}") from error
    epochs = args.epochs or RECIPES[args.task].epochs
    settings = {"task": args.task, "rule": args.rule, "seeds": args.seeds, "epochs": epochs, "frozen": args.frozen}
    folder = args.out / f"{args.task}-{time.strftime('%Y%m%d-%H%M%S')}"
    folder.mkdir(parents=True)
    (folder / "settings.json").write_text(json.dumps(settings, indent=2) + "\n")
    return folder, settings


def all_of(jobs: list[Job], workers: int, folder: Path) -> list[Outcome]:
    """Outcomes in the order of the jobs."""
    try:
        if workers == 1:
            return [train(job) for job in jobs]
        with pool(workers) as send:
            return send(jobs)
    except KeyboardInterrupt:
        kept = [job for job in jobs if job.checkpoint.exists()]
        said = [f"  {job.checkpoint} (after epoch {len(files.notes(job.checkpoint)['rows'])})" for job in kept]
        lines = ["interrupted; the last checkpoints:", *said] if kept else ["interrupted before the first checkpoint"]
        raise Interrupted("\n".join([*lines, f"go on with: vestige train --resume {folder}"])) from None


@contextmanager
def pool(workers: int) -> Iterator:
    """Worker processes, one core each. Ctrl-C ends them; what they had saved is whole."""
    context = multiprocessing.get_context("spawn")
    lock, lines = context.RLock(), context.Queue()
    for n in range(workers):
        lines.put(n)
    with context.Pool(workers, initializer=enter, initargs=(lock, lines)) as made:
        # a result that is waited for without a limit would not see Ctrl-C
        yield lambda jobs: [f.get(1e9) for f in [made.apply_async(work, (job,)) for job in jobs]]


def enter(lock, lines) -> None:
    """In a new worker: leave Ctrl-C to the parent, and share the screen."""
    from tqdm import tqdm

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    tqdm.set_lock(lock)
    work.line = lines.get()


def work(job: Job) -> Outcome:
    return train(job if job.line is None else Job(**{**vars(job), "line": work.line}))


def finish(task: Task, settings: dict, outcomes: list[Outcome], folder: Path, seconds: float) -> None:
    """Print and save what was learned."""
    ours = [o for o in outcomes if not o.job.frozen]
    references = {"chance": task.chance, "logistic regression": logistic_regression(task)}
    if settings["frozen"]:
        references["recurrence frozen"] = outcomes[-1].accuracy
    accuracies = [o.accuracy for o in ours]
    metrics = {
        **settings, "accuracy": float(np.mean(accuracies)), "accuracies": accuracies, "references": references,
        "firing": float(np.mean([o.firing for o in ours])), "seconds": round(seconds, 1), "jax": jax.__version__,
        "history": {o.job.name: o.rows for o in outcomes},
    }  # fmt: skip
    (folder / "metrics.json").write_text(json.dumps(metrics, indent=2) + "\n")
    print(table(task, metrics))
    for path in draw(task, ours, references, folder):
        print(f"  {path}")
    for outcome in outcomes:
        outcome.job.checkpoint.unlink(missing_ok=True)
    print(f"  {ours[0].job.weights}   test it again: vestige evaluate {ours[0].job.weights}")
    print(f"{seconds:.0f} s")
