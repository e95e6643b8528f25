"""A user's model from a file: `model.py:Net`, with an example of its input."""

import argparse
import importlib.util
import inspect
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import brainstate
import jax
import jax.numpy as jnp
import numpy as np
import saiunit as u

from ..graph import Graph
from ..learn import Learner
from ..rules import Rule, tbptt
from .errors import Refused

State = dict[Any, Any]


@dataclass(frozen=True)
class Subject:
    """A model, made anew by `make`, its module, an example of its input, and a loss of its own, if the file has one."""

    name: str
    make: Callable[[], brainstate.nn.Module]
    file: ModuleType
    example: tuple[Any, ...]

    def learner(self, rule: Rule, batch: int | None = None, positions: bool = True) -> Learner:
        """The rule bound to a fresh model.

        Raises:
            GraphError: the rule cannot learn this model.
        """
        made = Learner(self.make(), rule)
        made.positions = positions
        made.compile_graph(*self.example, batch_size=batch)
        return made

    def core(self, positions: bool = True) -> tuple[Graph, State, State, Any]:
        """(graph, parameters, states, one input) for the pure core."""
        learner = self.learner(tbptt(), positions=positions)
        made, graph = learner._ready()
        return graph, made.read(made.params), made.read(made.dynamic), learner._example


def arguments(made: argparse.ArgumentParser, required: bool = True) -> None:
    """What a command that takes a model asks for."""
    many = {} if required else {"nargs": "?"}
    made.add_argument(
        "model", **many, help="`model.py:Net`: a class without arguments, a function that makes one, or a model"
    )
    made.add_argument(
        "--input",
        metavar="SHAPE",
        help="shape of one input, `12` or `3,28,28`; else the file's `example` (array or function)",
    )
    made.add_argument("--dt", type=float, help="step of the simulation in ms, if the file sets none (1)")


def load(spec: str, shape: str | None, dt: float | None) -> Subject:
    """Import the file, find the model and an example of its input.

    Raises:
        Refused: there is no such file, name or model, or no example; or the file itself fails, where it does.
    """
    path, _, name = spec.rpartition(":")
    if not path or not name:
        raise Refused(f"{spec!r} names no model: write the file and the name in it, such as model.py:Net")
    file = imported(Path(path))
    if dt is not None or brainstate.environ.get("dt", None) is None:
        brainstate.environ.set(dt=(1.0 if dt is None else dt) * u.ms)
    found = getattr(file, name, None)
    if found is None:
        there = [
            n for n, v in vars(file).items() if _makes(v) and getattr(v, "__module__", file.__name__) == file.__name__
        ]
        raise Refused(f"{path} holds no `{name}`; it has {', '.join(there) or 'no model'}")
    make = maker(found, spec)
    return Subject(name, make, file, example_of(file, make, shape))


def imported(path: Path) -> ModuleType:
    """The file as a module; its folder is searched for what it imports, as if it were run."""
    if not path.is_file():
        raise Refused(f"{path} is no file")
    spec = importlib.util.spec_from_file_location(path.stem, path.resolve())
    if spec is None or spec.loader is None:
        raise Refused(f"{path} is no Python file")
    sys.path.insert(0, str(path.resolve().parent))
    made = importlib.util.module_from_spec(spec)
    theirs(lambda: spec.loader.exec_module(made), path)
    return made


def theirs(run: Callable[[], Any], path: Path) -> Any:
    """Run something of the user's; an error is told with the line of the file."""
    try:
        return run()
    except (Exception, SystemExit) as error:
        frames = [f for f in traceback.extract_tb(error.__traceback__) if Path(f.filename).name == path.name]
        where = f", line {frames[-1].lineno}" if frames else ""
        raise Refused(f"{path}{where}: {type(error).__name__}: {error}") from error


def _makes(found: Any) -> bool:
    is_class = isinstance(found, type) and issubclass(found, brainstate.nn.Module)
    return is_class or isinstance(found, brainstate.nn.Module) or inspect.isfunction(found)


def maker(found: Any, spec: str) -> Callable[[], brainstate.nn.Module]:
    """A function that gives the model in its first state."""
    path = Path(spec.rpartition(":")[0])
    if not _makes(found):
        raise Refused(f"{spec} is {type(found).__name__}: no module of brainstate, and no function that makes one")
    model = found if isinstance(found, brainstate.nn.Module) else theirs(found, path)
    if not isinstance(model, brainstate.nn.Module):
        raise Refused(
            f"{spec} gives {type(model).__name__}, not a module of brainstate; for a plain step see `trace_graph`"
        )
    if not model.states(brainstate.HiddenState):
        theirs(lambda: brainstate.nn.init_all_states(model), path)
    start = {key: state.value for key, state in model.states().items()}

    def make() -> brainstate.nn.Module:
        for key, state in model.states().items():
            state.value = start[key]
        return model

    return make


def example_of(file: ModuleType, make: Callable[[], brainstate.nn.Module], shape: str | None) -> tuple[Any, ...]:
    """One input of the model, as a tuple of its arguments."""
    if shape is not None:
        return (jnp.zeros(sizes(shape)),)
    found = getattr(file, "example", None)
    if callable(found):
        found = theirs(found, Path(file.__file__ or "the file"))
    if found is None:
        size = getattr(make(), "in_size", None)
        if not size:
            raise Refused(
                "what does the model read? Give `--input 12`, or set `example = jax.numpy.zeros(12)` in the file"
            )
        found = jnp.zeros(size)
    found = found if isinstance(found, tuple) else (found,)
    try:
        return jax.tree.map(jnp.asarray, found, is_leaf=lambda a: not isinstance(a, (tuple, dict, u.Quantity)))
    except (TypeError, ValueError) as error:
        raise Refused(f"`example` is no array: {error}") from error


def sizes(text: str) -> tuple[int, ...]:
    """`3,28,28` as a shape."""
    parts = text.replace("x", ",").split(",")
    if not all(p.strip().isascii() and p.strip().isdigit() and int(p) > 0 for p in parts):
        raise Refused(f"--input {text}: sizes are whole numbers of at least 1 with commas between, such as 3,28,28")
    if np.prod([float(p) for p in parts]) > 1e9:
        raise Refused(f"--input {text}: one input of more than a billion numbers")
    return tuple(map(int, parts))
