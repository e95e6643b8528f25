"""`vestige tasks`: what there is to learn."""

import json
from argparse import Namespace
from typing import Any

from ..tasks import Task, Trials, copy, evidence, flipflop, match
from .options import Commands, command
from .recipe import RECIPES

EXAMPLES = """
  vestige tasks
  vestige tasks --json
"""


def add(commands: Commands) -> None:
    command(commands, "tasks", "list the tasks", EXAMPLES)


def run(args: Namespace) -> None:
    """Sizes of all tasks."""
    rows, lines = [], []
    for recipe in RECIPES.values():
        task = recipe.make()
        shape = f"{task.steps} steps x {task.n_in} units, {len(task.classes)} classes"
        lines.append(f"{task.name:<8} {task.about}: {len(task.train)} + {len(task.test)} sequences of {shape}")
        rows.append(row(task, len(task.classes), len(task.train)))
    for task in (copy(), match(), evidence(), flipflop()):
        shape = f"{task.steps} steps of {task.dt:g} ms x {task.n_in} units, {task.n_out} outputs"
        lines.append(
            f"{task.name:<8} {task.about}: sequences without end + {len(task.test)} of {shape}; chance {task.chance:.0%}"
        )
        rows.append(row(task, task.n_out, None))
    print(json.dumps(rows) if args.json else "\n".join(lines))


def row(task: Task | Trials, n_out: int, train: int | None) -> dict[str, Any]:
    """The same as data; `train` is None where sequences never run out."""
    same = {name: getattr(task, name) for name in ("name", "about", "steps", "n_in", "chance")}
    return {**same, "n_out": n_out, "train": train, "test": len(task.test)}
