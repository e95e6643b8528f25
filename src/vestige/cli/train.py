"""`vestige train`: several runs, what they are compared with, and the files they leave."""

import json
import multiprocessing
import os
import signal
import sys
import time
from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, redirect_stdout
from pathlib import Path

import jax
import numpy as np

from ..learn import checkpoint as files
from ..tasks import Task, logistic_regression
from .errors import Interrupted
from .job import Job, Outcome, train
from .options import Commands, command, fraction, positive
from .recipe import RECIPES
from .report import draw, table

EXAMPLES = """
  vestige train                          wrist movements, three seeds, some two minutes
  vestige train digits                   handwritten digits, ten seconds
  vestige train speech                   spoken digits, made once, then two minutes
  vestige train --rule es_d_rtrl --seeds 1
  vestige train --config run.toml --set epochs=5
  vestige train --resume runs/watch-20260131-101500
"""


def add(commands: Commands) -> None:
    made = command(
        commands, "train", "train a recurrent spiking network online", EXAMPLES,
        "LIF and ALIF neurons, compared with what does without learning in time. The run's folder keeps settings, a checkpoint "
        "while it lasts, a log (.jsonl) of each network, weights, figures and metrics.json.",
    )  # fmt: skip
    made.add_argument("task", nargs="?", default="watch", choices=list(RECIPES), help="what to learn (%(default)s)")
    made.add_argument("--rule", default="d_rtrl", choices=["d_rtrl", "es_d_rtrl"], help="learning rule (%(default)s)")
    made.add_argument("--seeds", type=positive, help="networks to train and average (watch: 3, others: 1)")
    made.add_argument("--epochs", type=positive, help="passes over the training sequences (as tuned for the task)")
    made.add_argument("--rate", type=fraction, help="learning rate of Adam at the start (as tuned)")
    made.add_argument("--neurons", type=positive, help="recurrent neurons (as tuned)")
    made.add_argument("--batch", type=positive, help="sequences at a time (as tuned)")
    made.add_argument(
        "--update-every", type=updates, metavar="K", help="update inside sequences, every K steps (at their end)"
    )
    made.add_argument("--out", type=Path, default=Path("runs"), help="folder for the run's folder (%(default)s)")
    made.add_argument("--jobs", type=positive, help="networks at a time (one a core; digits: 1)")
    made.add_argument("--no-frozen", dest="frozen", action="store_false", help="without the run with frozen recurrence")
    made.add_argument(
        "--log-updates", action="store_true", help="a line of the log for every update, not each epoch alone"
    )
    made.add_argument("--resume", type=Path, metavar="FOLDER", help="go on with an interrupted run; its settings hold")


def updates(text: str) -> int | str:
    """`end`, or a number of steps."""
    return text if text == "end" else positive(text)


def run(args: Namespace) -> None:
    """Train, compare, report."""
    # the digits train faster than a second process starts
    args.seeds = args.seeds or RECIPES[args.task].seeds
    args.jobs = args.jobs or (1 if args.task == "digits" else os.cpu_count() or 1)
    began = time.time()
    settings = settings_of(args)
    task = RECIPES[settings["task"]].make()  # first: without data there is no folder either
    folder = args.resume or new_folder(args, settings)
    line = 0 if sys.stderr.isatty() else None
    seeds = [(seed, False) for seed in range(settings["seeds"])] + [(0, True)] * settings["frozen"]
    kept = {name: settings[name] for name in ("task", "rule", "epochs", "changes")}
    more = {"folder": folder, "line": line, "log_updates": settings.get("log_updates", False)}
    jobs = [Job(seed=seed, frozen=frozen, **kept, **more) for seed, frozen in seeds]
    told = f"{task.name}: {task.about}. {len(task.train)} training and {len(task.test)} test sequences -> {folder}"
    print(told, file=sys.stderr if args.json else sys.stdout, flush=True)
    with redirect_stdout(sys.stderr) if args.json else nullcontext():
        outcomes = all_of(jobs, min(args.jobs, len(jobs)), folder)
    finish(task, settings, outcomes, folder, time.time() - began, args.json)


def settings_of(args: Namespace) -> dict:
    """What is asked for, or what the run to be resumed was asked for."""
    if args.resume is not None:
        try:
            found = json.loads((args.resume / "settings.json").read_text())
            seeds, epochs, frozen = found["seeds"], found["epochs"], found["frozen"]
            Job(found["task"], found["rule"], 0, args.resume, epochs, frozen, changes=found["changes"]).recipe  # noqa: B018
            range(seeds + frozen)
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise files.CheckpointError(f"{args.resume} is no folder of a run: {error}") from error
        return found
    epochs = args.epochs or RECIPES[args.task].epochs
    changes = {"rate": args.rate, "n_rec": args.neurons, "batch_size": args.batch, "update_every": args.update_every}
    return {
        "task": args.task, "rule": args.rule, "seeds": args.seeds, "epochs": epochs, "frozen": args.frozen,
        "changes": {name: value for name, value in changes.items() if value is not None}, "log_updates": args.log_updates,
    }  # fmt: skip


def new_folder(args: Namespace, settings: dict) -> Path:
    """A new folder with the settings in it."""
    folder = args.out / f"{args.task}-{time.strftime('%Y%m%d-%H%M%S')}"
    folder.mkdir(parents=True)
    (folder / "settings.json").write_text(json.dumps(settings, indent=2) + "\n")
    return folder


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


def finish(task: Task, settings: dict, outcomes: list[Outcome], folder: Path, seconds: float, as_json: bool) -> None:
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
    print(json.dumps(metrics) if as_json else table(task, metrics))
    drawn = draw(task, ours, references, folder)
    for outcome in outcomes:
        outcome.job.checkpoint.unlink(missing_ok=True)
    if as_json:
        return
    print("\n".join(f"  {path}" for path in [*drawn, *(o.job.log for o in outcomes)]))
    print(f"  {ours[0].job.weights}   test it again: vestige evaluate {ours[0].job.weights}")
    print(f"{seconds:.0f} s")
