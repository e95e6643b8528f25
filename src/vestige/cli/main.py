"""The command line: one module a command, and how errors are told."""

import argparse
import os
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path

# small networks run slower on several threads than on one; read when jax starts, not when it is imported
os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false")
# several networks may share one GPU
os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")

from ..graph import GraphError
from ..learn.checkpoint import CheckpointError
from ..tasks import DataError
from . import audit, bench, compare, evaluate, explain, stream, tasks, train
from .errors import Interrupted, Refused
from .options import preset

COMMANDS = {
    "train": train, "evaluate": evaluate, "compare": compare, "stream": stream, "explain": explain, "audit": audit,
    "bench": bench, "tasks": tasks,
}  # fmt: skip
# these say what happened, where and what to do
TOLD = (DataError, CheckpointError, GraphError, Refused, OSError, FloatingPointError, ModuleNotFoundError)
OURS = Path(__file__).parents[1]
EXAMPLES = """examples:
  vestige train                          wrist movements, three seeds, some two minutes
  vestige train digits                   handwritten digits, ten seconds
  vestige compare --task match           every rule and the baselines on one task
  vestige stream rainfall                learn while the weather changes
  vestige explain model.py:Net --input 12
  vestige train --help                   each command has examples of its own

exit status: 0 done, 1 failed with a message, 2 bad arguments, 130 interrupted
"""


def parser() -> tuple[argparse.ArgumentParser, dict[str, argparse.ArgumentParser]]:
    """The whole parser, and that of each command by name."""
    top = argparse.ArgumentParser(
        "vestige", description="Online learning with eligibility traces, for spiking and recurrent networks.", epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    top.add_argument("--traceback", action="store_true", help="show where an error came from")
    commands = top.add_subparsers(dest="command", required=True, metavar="command")
    for module in COMMANDS.values():
        module.add(commands)
    return top, commands.choices


def main(argv: Sequence[str] | None = None) -> int:
    """Exit status: 0 done, 1 failed with a message, 2 bad arguments, 130 interrupted."""
    top, each = parser()
    args = top.parse_args(argv)
    if args.config is not None or args.set:
        preset(each[args.command], args.config, args.set)
        args = top.parse_args(argv)
    try:
        COMMANDS[args.command].run(args)
    except (Interrupted, KeyboardInterrupt) as said:
        print(f"\n{said or 'interrupted'}", file=sys.stderr)
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # nobody reads any more
        return 1
    except Exception as error:
        if args.traceback:
            raise
        print(f"vestige: {told(error)}", file=sys.stderr)
        return 1
    return 0


def told(error: Exception) -> str:
    """An error in a line; one that was not foreseen with its kind and place."""
    stack = traceback.extract_tb(error.__traceback__)
    if isinstance(error, TOLD) or (isinstance(error, ValueError) and Path(stack[-1].filename).is_relative_to(OURS)):
        return str(error)
    frames = [f for f in stack if "site-packages" not in f.filename]
    where = f" ({Path(frames[-1].filename).name}:{frames[-1].lineno})" if frames else ""
    first = str(error).strip().split("\n\n")[0]
    return f"{type(error).__name__}: {first}{where}; `vestige --traceback ...` shows the way there"
