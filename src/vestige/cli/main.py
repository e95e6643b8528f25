"""The command line: what can be asked, and how errors are told."""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

# small networks run slower on several threads than on one; read when jax starts, not when it is imported
os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false")
os.environ.setdefault("OMP_NUM_THREADS", "1")
# several networks may share one GPU
os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")

EXAMPLES = """examples:
  vestige train                          wrist movements, three seeds, some two minutes
  vestige train digits                   handwritten digits, ten seconds
  vestige train --rule es_d_rtrl --seeds 1
  vestige train --resume runs/watch-20260131-101500
  vestige evaluate runs/watch-20260131-101500/seed-0.npz
  vestige compare --task match           every rule and the baselines on one task
"""

COMPARISONS = """examples:
  vestige compare --task copy                        all rules, some minutes a task
  vestige compare --task match --rules d_rtrl es_d_rtrl --seeds 2
  vestige compare --resume runs/compare-copy-20260131-101500
"""
TASKS = ("copy", "match", "evidence", "flipflop", "watch")


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(
        "vestige", description="Online learning with eligibility traces.", epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    commands = top.add_subparsers(dest="command", required=True, metavar="command")
    train = commands.add_parser(
        "train", help="train a recurrent spiking network online", epilog=EXAMPLES,
        description="Train a recurrent network of LIF and ALIF neurons online, and compare it.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    train.add_argument(
        "task", nargs="?", default="watch", choices=["watch", "digits"], help="what to learn (%(default)s)"
    )
    train.add_argument("--rule", default="d_rtrl", choices=["d_rtrl", "es_d_rtrl"], help="learning rule (%(default)s)")
    train.add_argument("--seeds", type=positive, help="networks to train and average (watch: 3, digits: 1)")
    train.add_argument("--epochs", type=positive, help="passes over the training sequences (as tuned for the task)")
    train.add_argument("--out", type=Path, default=Path("runs"), help="folder for the run's folder (%(default)s)")
    train.add_argument("--jobs", type=positive, help="networks at a time (watch: one a core, digits: 1)")
    train.add_argument(
        "--no-frozen", dest="frozen", action="store_false", help="without the run with frozen recurrence"
    )
    train.add_argument("--resume", type=Path, metavar="FOLDER", help="go on with an interrupted run; its settings hold")
    compare = commands.add_parser(
        "compare", help="train every learning rule on one task, beside the baselines", epilog=COMPARISONS,
        description="Train learning rules and baselines on one task, from the same weights, on the same data; print and "
        "draw scores, gradient cosines to BPTT, time and memory.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    compare.add_argument("--task", choices=TASKS, default="copy", help="what to learn (%(default)s)")
    compare.add_argument("--rules", nargs="+", metavar="RULE", help="rules beside the baselines (all)")
    compare.add_argument("--seeds", type=positive, default=5, help="networks per rule (%(default)s)")
    compare.add_argument("--updates", type=positive, default=300, help="updates of each network (%(default)s)")
    compare.add_argument("--neurons", type=positive, default=64, help="recurrent neurons (%(default)s)")
    compare.add_argument("--batch", type=positive, default=32, help="sequences per update (%(default)s)")
    compare.add_argument(
        "--out", type=Path, default=Path("runs"), help="folder for the folder of results (%(default)s)"
    )
    compare.add_argument(
        "--slow", type=float, default=0.1, metavar="SECONDS",
        help="rules whose gradient of a batch takes longer are measured and not trained (%(default)s)",
    )  # fmt: skip
    compare.add_argument("--jobs", type=positive, help="rules at a time (one a core)")
    compare.add_argument(
        "--resume", type=Path, metavar="FOLDER", help="go on with an interrupted one; its settings hold"
    )
    compare.add_argument("--json", action="store_true", help="print results as JSON instead of a table")
    evaluate = commands.add_parser("evaluate", help="test saved weights again")
    evaluate.add_argument("weights", type=Path, help="a .npz file that `vestige train` saved")
    commands.add_parser("tasks", help="list the tasks")
    return top


def positive(text: str) -> int:
    """A whole number of at least 1."""
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at least 1")
    return int(text)


def main(argv: Sequence[str] | None = None) -> int:
    """Exit status: 0 done, 1 failed with a message, 2 bad arguments, 130 interrupted."""
    args = parser().parse_args(argv)
    from ..learn.checkpoint import CheckpointError
    from ..tasks import DataError
    from .train import Interrupted

    try:
        {"train": train, "compare": compare, "evaluate": evaluate, "tasks": tasks}[args.command](args)
    except Interrupted as said:
        print(f"\n{said}", file=sys.stderr)
        return 130
    except (DataError, CheckpointError, FileNotFoundError, FloatingPointError, ModuleNotFoundError) as error:
        print(f"vestige: {error}", file=sys.stderr)
        return 1
    return 0


def train(args: argparse.Namespace) -> None:
    from .train import run

    # the digits train faster than a second process starts
    args.seeds = args.seeds or (3 if args.task == "watch" else 1)
    args.jobs = args.jobs or (os.cpu_count() or 1 if args.task == "watch" else 1)
    run(args)


def compare(args: argparse.Namespace) -> None:
    from .arms import ARMS
    from .compare import run

    unknown = [name for name in args.rules or () if name not in ARMS]
    if unknown:
        parser().error(f"no rule named {', '.join(unknown)}; there are {', '.join(ARMS)}")
    run(args)


def evaluate(args: argparse.Namespace) -> None:
    import brainstate
    import numpy as np

    from ..tasks.classifier import STEP
    from .job import restore, test

    with brainstate.environ.context(dt=STEP):
        task, recipe, learner, notes = restore(args.weights)
        said = test(learner, task, recipe)
    now = np.mean(said == task.test.y)
    print(
        f"{task.name}, {notes['rule']}, seed {notes['seed']}: test accuracy {now:.1%} (when saved: {notes['accuracy']:.1%})"
    )
    for number, name in enumerate(task.classes):
        print(f"  {name:<6}{np.mean(said[task.test.y == number] == number):6.1%}")


def tasks(args: argparse.Namespace) -> None:
    from ..tasks import copy, evidence, flipflop, match
    from .recipe import RECIPES

    for recipe in RECIPES.values():
        task = recipe.make()
        shape = f"{task.steps} steps x {task.n_in} units, {len(task.classes)} classes"
        print(f"{task.name:<8} {task.about}: {len(task.train)} + {len(task.test)} sequences of {shape}")
    for task in (copy(), match(), evidence(), flipflop()):
        shape = f"{task.steps} steps of {task.dt:g} ms x {task.n_in} units, {task.n_out} outputs"
        print(
            f"{task.name:<8} {task.about}: sequences without end + {len(task.test)} of {shape}; chance {task.chance:.0%}"
        )
