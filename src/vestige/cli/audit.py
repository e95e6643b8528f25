"""`vestige audit`: how far the online gradient of a user's model is from the true one."""

import json
from argparse import Namespace
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import saiunit as u

from ..learn import Learner, audit
from .errors import Refused
from .laws import LAWS, WHOLE
from .model import Subject, arguments, load
from .options import Commands, command, positive

EXAMPLES = """
  vestige audit model.py:Net --input 12
  vestige audit model.py:Net --input 12 --rule es_d_rtrl --steps 50
  vestige audit model.py:Net --data some.npz        arrays xs [T, B, ...] and targets [T, B, ...]
  vestige audit model.py:Net --input 12 --out audit.png --json
"""


def add(commands: Commands) -> None:
    made = command(
        commands, "audit", "compare a model's online gradient with backpropagation through time", EXAMPLES,
        "On random inputs and targets and the squared error, or on data of yours and the file's own `loss(output, target)`.",
    )  # fmt: skip
    arguments(made)
    made.add_argument(
        "--rule",
        choices=[name for name in LAWS if name not in WHOLE],
        default="d_rtrl",
        help="whose gradient is compared (%(default)s)",
    )
    made.add_argument(
        "--data", type=Path, metavar="FILE", help="a .npz file with xs [T, B, ...] and targets [T, B, ...]"
    )
    made.add_argument("--steps", type=positive, default=20, help="T of random data (%(default)s)")
    made.add_argument("--batch", type=positive, default=4, help="B of random data (%(default)s)")
    made.add_argument("--seed", type=int, default=0, help="of random data (%(default)s)")
    made.add_argument("--out", type=Path, metavar="PICTURE", help="draw the bars into this file")


def run(args: Namespace) -> None:
    """Table, picture, data."""
    subject = load(args.model, args.input, args.dt)
    xs, targets = given(args.data) if args.data is not None else (None, None)
    batch = args.batch if xs is None else xs.shape[1]
    learner = subject.learner(LAWS[args.rule](), batch, positions=args.rule != "rtrl")
    if xs is None:
        xs, targets = drawn(subject, learner, args.steps, args.batch, args.seed)
    found = audit(learner, xs, targets, getattr(subject.file, "loss", None) or square)
    if args.out is not None:
        from ..plots import audit_bars

        args.out.parent.mkdir(parents=True, exist_ok=True)
        audit_bars(found).savefig(args.out)
    print(json.dumps({"model": subject.name, "rule": args.rule, **found.as_dict()}) if args.json else found)
    if args.out is not None and not args.json:
        print(args.out)


def square(output: Any, target: Any) -> jax.Array:
    """Squared error of every number in the output, its units aside."""
    pairs = zip(jax.tree.leaves(output), jax.tree.leaves(target))
    return sum(jnp.square(u.get_mantissa(a) - b).mean() for a, b in pairs)


def drawn(subject: Subject, learner: Learner, steps: int, batch: int, seed: int) -> tuple[Any, Any]:
    """Inputs and targets from a normal distribution; whole numbers and booleans are drawn as zeros and ones."""
    draw = np.random.default_rng(seed)

    def like(a: Any) -> jax.Array:
        shape = (steps, batch, *jnp.shape(a))
        some = draw.normal(size=shape) if jnp.issubdtype(jnp.result_type(a), jnp.inexact) else draw.random(shape) < 0.5
        return jnp.asarray(some, jnp.result_type(a))

    xs = jax.tree.map(like, subject.example)
    graph = learner._ready()[1]
    outputs = jax.tree.unflatten(graph.out_tree, [jnp.zeros(v.shape, v.dtype) for v in graph.program.outs])[1]
    return xs, [like(a) for a in jax.tree.leaves(outputs)]


def given(path: Path) -> tuple[jax.Array, jax.Array]:
    """Data of a file.

    Raises:
        Refused: it is none of ours, or its arrays do not fit one another.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            xs, targets = file["xs"], file["targets"]
    except FileNotFoundError:
        raise
    except Exception as error:
        raise Refused(f"{path}: no .npz file with arrays `xs` and `targets` ({error})") from error
    if xs.ndim < 2 or xs.shape[:2] != targets.shape[:2] or 0 in xs.shape or 0 in targets.shape:
        raise Refused(f"{path}: xs {list(xs.shape)} and targets {list(targets.shape)} must both lead with [T, B]")
    if any(a.dtype.kind not in "fiub" for a in (xs, targets)):
        raise Refused(f"{path}: xs is {xs.dtype} and targets is {targets.dtype}; numbers are needed")
    if not all(np.isfinite(a).all() for a in (xs, targets)):
        raise Refused(f"{path} holds values that are not finite (NaN or infinity): clean them first")
    return jnp.asarray(xs), jnp.asarray(targets)
