"""`vestige stream`: a network that learns while the world changes, beside the same network frozen, and others."""

import json
import sys
import time
from argparse import ArgumentTypeError, Namespace
from pathlib import Path
from typing import Any

import numpy as np

from .. import plots
from ..learn.checkpoint import CheckpointError
from ..tasks import Stream
from .drifting import RECIPES, Recipe, Settings, logistic_regression, network, without_looking
from .errors import Interrupted
from .options import Commands, command, positive

EXAMPLES = """
  vestige stream rainfall                fifty years of weather, day after day
  vestige stream watch --seeds 3         wrist movements, wearer after wearer
  vestige stream rainfall --late 30      every label comes 30 days late
  vestige stream --resume runs/stream-rainfall-20260131-101500
"""


def add(commands: Commands) -> None:
    made = command(
        commands, "stream", "learn from data that change and do not end, each item predicted before it is learned", EXAMPLES,
        "The same network online and frozen after a while, beside online logistic regression; prequential scores, and a picture.",
    )  # fmt: skip
    made.add_argument("task", nargs="?", default="rainfall", choices=list(RECIPES), help="what comes (%(default)s)")
    made.add_argument("--seeds", type=positive, default=1, help="networks to average (%(default)s)")
    made.add_argument("--late", type=whole, default=0, metavar="N", help="items before a label comes (%(default)s)")
    made.add_argument("--items", type=positive, help="items of the stream (all)")
    made.add_argument("--out", type=Path, default=Path("runs"), help="folder for the folder of results (%(default)s)")
    made.add_argument("--resume", type=Path, metavar="FOLDER", help="go on with an interrupted one; its settings hold")


def whole(text: str) -> int:
    """A whole number of at least 0."""
    if not (text.isascii() and text.isdigit()):
        raise ArgumentTypeError(f"{text!r} is not a whole number of at least 0")
    return int(text)


def run(args: Namespace) -> None:
    """Follow the stream, compare, report."""
    folder, settings, task = open_folder(args)
    say = lambda text: print(text, file=sys.stderr if args.json else sys.stdout, flush=True)
    say(f"{task.name}: {task.about}; {settings.items} items of {task.steps} steps -> {folder}")
    try:
        arms = follow(task, settings, folder, say)
    except KeyboardInterrupt:
        raise Interrupted(f"interrupted; go on with: vestige stream --resume {folder}") from None
    found = results(settings, arms)
    (folder / "results.json").write_text(json.dumps(found, indent=2) + "\n")
    draw(task, settings, arms, folder)
    print(json.dumps({**found, "folder": str(folder)}) if args.json else table(settings, found))
    say(f"  {folder / 'drift.png'}")


def open_folder(args: Namespace) -> tuple[Path, Settings, Stream]:
    """A new folder with the settings in it, or those of the one to be resumed; and the data."""
    if args.resume is None:
        task = RECIPES[args.task].make()  # what is missing shows before there is a folder
        items = min(args.items or len(task), len(task))
        settings = Settings(args.task, args.seeds, args.late, items)
        folder = args.out / f"stream-{args.task}-{time.strftime('%Y%m%d-%H%M%S')}"
        folder.mkdir(parents=True)
        (folder / "settings.json").write_text(json.dumps(vars(settings), indent=2) + "\n")
        return folder, settings, task
    try:
        settings = Settings(**json.loads((args.resume / "settings.json").read_text()))
        return args.resume, settings, RECIPES[settings.task].make()
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise CheckpointError(f"{args.resume} is no folder of a stream: {error}") from error


def follow(task: Stream, settings: Settings, folder: Path, say: Any) -> dict[str, np.ndarray]:
    """Hits of each arm, [runs, items]."""
    recipe, n = RECIPES[settings.task], settings.items
    arms = {}
    for name, frozen in (("network, online", False), (f"network, frozen after {recipe.frozen_after}", True)):
        runs = [network(task, settings, folder, seed, frozen, True) for seed in range(settings.seeds)]
        arms[name] = np.stack(runs)
        say(f"  {name}: {np.nanmean(arms[name]):.1%} of all items")
    y, classes = task.y[:n], len(task.classes)
    for what, x, rate in (
        ("spikes", task.x[:n].mean(1), recipe.linear[0]),
        ("numbers", task.features[:n], recipe.linear[1]),
    ):
        arms[f"logistic regression on {what}"] = logistic_regression(x, y, classes, rate, settings.late)[None]
    return arms | {name: hits[None] for name, hits in without_looking(y, settings.late).items()}


def results(settings: Settings, arms: dict[str, np.ndarray]) -> dict[str, Any]:
    """Prequential accuracy of each arm and run, over all items and over the parts of the stream."""
    recipe = RECIPES[settings.task]
    found = {
        name: {part: [float(np.nanmean(run[span])) if np.isfinite(run[span]).any() else None for run in hits]
               for part, span in parts(recipe).items()}
        for name, hits in arms.items()
    }  # fmt: skip
    return {**vars(settings), "accuracy": found}


def parts(recipe: Recipe) -> dict[str, slice]:
    return {
        "all": slice(None), f"before {recipe.tuned}": slice(recipe.tuned),
        f"from {recipe.judged_from}": slice(recipe.judged_from, None), f"last {recipe.over}": slice(-recipe.over, None),
    }  # fmt: skip


def table(settings: Settings, found: dict[str, Any]) -> str:
    recipe = RECIPES[settings.task]
    names = list(parts(recipe))
    lines = [f"\nprequential accuracy, {settings.seeds} seed(s), labels {settings.late} items late"]
    lines.append(f"  {'':<32}" + "".join(f"{name:>13}" for name in names))
    for arm, scores in found["accuracy"].items():
        cells = [scores[name] for name in names]
        lines.append(f"  {arm:<32}" + "".join(f"{'-' if c[0] is None else f'{np.mean(c):.1%}':>13}" for c in cells))
    lines.append(f"  rates and sizes were chosen on the first {recipe.tuned} items")
    return "\n".join(lines)


def draw(task: Stream, settings: Settings, arms: dict[str, np.ndarray], folder: Path) -> None:
    """The windowed accuracy of each arm along the stream."""
    recipe = RECIPES[settings.task]
    shown = {name: hits for name, hits in arms.items() if "label" not in name}
    marks = {recipe.frozen_after: "frozen"} | (
        {task.drift: "drift"} if task.drift not in (None, recipe.frozen_after) else {}
    )
    level = {"commonest label": float(np.nanmean(arms["commonest label so far"]))}
    figure = plots.drift(shown, over=recipe.over, marks=marks, references=level, title=task.about)
    figure.savefig(folder / "drift.png")
