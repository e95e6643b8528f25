"""`vestige compare`: every rule and the baselines on one task, arm by arm; what is done stays done."""

import json
import multiprocessing
import os
import signal
import sys
import time
from argparse import Namespace
from pathlib import Path
from typing import Any

from ..learn.checkpoint import CheckpointError
from .arms import ARMS, BASELINES, RULES
from .entrant import TASKS, Settings, bench
from .errors import Interrupted
from .options import Commands, command, fraction, positive
from .parts import REFERENCE, missing, parts, todo, write
from .standings import finish

EXAMPLES = """
  vestige compare --task copy                        all rules, some minutes a task
  vestige compare --task match --rules d_rtrl es_d_rtrl --seeds 2
  vestige compare --resume runs/compare-copy-20260131-101500
"""


def add(commands: Commands) -> None:
    made = command(
        commands, "compare", "train every learning rule on one task, beside the baselines", EXAMPLES,
        "All from the same weights, on the same data; prints and draws scores, gradient cosines to BPTT, time and memory.",
    )  # fmt: skip
    made.add_argument("--task", choices=list(TASKS), default="copy", help="what to learn (%(default)s)")
    made.add_argument("--rules", nargs="+", choices=list(ARMS), metavar="RULE", help="rules beside the baselines (all)")
    made.add_argument("--seeds", type=positive, default=5, help="networks per rule (%(default)s)")
    made.add_argument("--updates", type=positive, default=300, help="updates of each network (%(default)s)")
    made.add_argument("--neurons", type=positive, default=64, help="recurrent neurons (%(default)s)")
    made.add_argument("--batch", type=positive, default=32, help="sequences per update (%(default)s)")
    made.add_argument("--out", type=Path, default=Path("runs"), help="folder for the folder of results (%(default)s)")
    made.add_argument(
        "--slow", type=fraction, default=0.1, metavar="SECONDS",
        help="rules whose gradient of a batch takes longer are measured and not trained (%(default)s)",
    )  # fmt: skip
    made.add_argument("--jobs", type=positive, help="rules at a time (one a core)")
    made.add_argument("--resume", type=Path, metavar="FOLDER", help="go on with an interrupted one; its settings hold")


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
            raise CheckpointError(f"{args.resume} is no folder of a comparison: {error}") from error
        return args.resume, settings
    rules = tuple(name for name in args.rules or RULES if name not in BASELINES)
    settings = Settings(args.task, rules, args.seeds, args.updates, args.neurons, args.batch, args.slow)
    folder = args.out / f"compare-{args.task}-{time.strftime('%Y%m%d-%H%M%S')}"
    (folder / "parts").mkdir(parents=True)
    write(folder / "settings.json", vars(settings))
    return folder, settings


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


class Bar:
    """Parts done of all, as the folder shows them; those of an earlier start count. Without a screen a line for each tenth."""

    def __init__(self, settings: Settings, arms: list[str], folder: Path):
        self.left = lambda: sum(len(missing(settings, name, folder)) for name in arms)
        self.total, self.said = len(arms) * len(todo(settings)), 0

    def __enter__(self) -> "Bar":
        from tqdm import tqdm

        shape = "{percentage:3.0f}% |{bar}| {n}/{total} runs, {elapsed} so far, {remaining} to go"
        quiet, done = not sys.stderr.isatty(), self.total - self.left()
        self.bar = tqdm(total=self.total, initial=done, disable=quiet, leave=False, bar_format=shape)
        return self

    def look(self) -> None:
        done = self.total - self.left()
        self.bar.update(done - self.bar.n)
        if self.bar.disable and 10 * done // self.total > self.said:
            self.bar.n, self.said = done, 10 * done // self.total
            print(f"  {done} of {self.total} runs, {time.strftime('%H:%M:%S')}", file=sys.stderr, flush=True)

    def __exit__(self, *error: Any) -> None:
        self.bar.close()
