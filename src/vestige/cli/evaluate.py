"""`vestige evaluate`: saved weights, tested again."""

import json
from argparse import Namespace
from pathlib import Path

import brainstate
import numpy as np

from ..tasks.classifier import STEP
from .job import restore, test
from .options import Commands, command

EXAMPLES = """
  vestige evaluate runs/watch-20260131-101500/seed-0.npz
  vestige evaluate runs/watch-20260131-101500/seed-0.npz --json
"""


def add(commands: Commands) -> None:
    made = command(commands, "evaluate", "test saved weights again", EXAMPLES)
    made.add_argument("weights", type=Path, help="a .npz file that `vestige train` saved")


def run(args: Namespace) -> None:
    """Test accuracy, whole and by class."""
    with brainstate.environ.context(dt=STEP):
        task, recipe, learner, notes = restore(args.weights)
        said = test(learner, task, recipe)
    now = float(np.mean(said == task.test.y))
    each = {str(c): float(np.mean(said[task.test.y == n] == n)) for n, c in enumerate(task.classes)}
    if args.json:
        print(json.dumps({**notes, "accuracy": now, "saved": notes["accuracy"], "classes": each}))
        return
    print(
        f"{task.name}, {notes['rule']}, seed {notes['seed']}: test accuracy {now:.1%} (when saved: {notes['accuracy']:.1%})"
    )
    for name, part in each.items():
        print(f"  {name:<6}{part:6.1%}")
