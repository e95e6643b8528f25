"""`vestige tasks`: what there is to learn."""

import json
from argparse import Namespace
from dataclasses import asdict

from .catalogue import Listed, listed
from .options import Commands, command

EXAMPLES = """
  vestige tasks
  vestige tasks --json
"""


def add(commands: Commands) -> None:
    command(commands, "tasks", "list the tasks, and what is missing for them", EXAMPLES)


def run(args: Namespace) -> None:
    """Sizes of all tasks; no data is opened."""
    found = listed()
    print(json.dumps([asdict(task) for task in found]) if args.json else "\n".join(map(line, found)))


def line(task: Listed) -> str:
    """A task in a line, and in another what to do where its data is missing."""
    if task.train is None:
        count, kinds = f"sequences without end + {task.test}", f"{task.n_out} outputs"
    elif task.test is None:
        count, kinds = f"a stream of {task.train} items", f"{task.n_out} classes"
    else:
        count, kinds = f"{task.train} + {task.test} sequences", f"{task.n_out} classes"
    said = f"{task.name:<13} {task.about}: {count} of {task.steps} steps x {task.n_in} units, {kinds}; chance {task.chance:.0%}"
    return said if task.missing is None else f"{said}\n{'':<13} missing: {task.missing}"
