"""The only file of the drivers that knows brainstate: a stateful model as a pure step function, units included."""

from collections.abc import Mapping
from typing import Any

import brainstate
import jax
import jax.numpy as jnp

from ..graph import GraphError

Path = tuple[Any, ...]
Module = brainstate.nn.Module
State = brainstate.State
ParamState = brainstate.ParamState
TraceState = brainstate.ShortTermState
CLOCKS = ("i", "t")


def name(path: Path) -> str:
    return ".".join(map(str, path))


def clock() -> dict[str, Any]:
    """What the environment says of time, if it does: arguments of a step, never constants of it."""
    now = {k: brainstate.environ.get(k, None) for k in CLOCKS}
    return {k: v for k, v in now.items() if v is not None}


def clocks(start: Mapping[str, Any], steps: int, after: int = 0) -> dict[str, Any]:
    """The clock over a sequence that begins so many steps after `start`."""
    dt = {"i": 1, "t": brainstate.environ.get("dt", 0)}
    n = after + jnp.arange(steps) if start else 0
    return {k: v + n * dt[k] for k, v in start.items()}


class Bridge:
    """A model read once: its parameters and states by path, and `step(params, state, (args, clock)) -> (state', output)`.

    States are found again by their path at every use, so that re-initialising the model does not disconnect it.
    """

    def __init__(self, model: Module, args: tuple[Any, ...]):
        self.model = model
        self.fn = brainstate.transform.StatefulFunction(self._call, return_only_write=False)
        inputs = args, clock()
        self._trace(inputs)
        found = {id(s): path for path, s in model.states().items()}
        self.states = self.fn.get_states(inputs)
        self.written = {id(s) for s in self.fn.get_write_states(inputs)}
        # random generators are states of brainstate, not of the model
        self.outside = {("outside", n): s for n, s in enumerate(self.states) if id(s) not in found}
        self.paths = [found.get(id(s), ("outside", n)) for n, s in enumerate(self.states)]
        self.params: list[Path] = list(model.states(ParamState))
        self.dynamic = [p for p, s in zip(self.paths, self.states) if not isinstance(s, ParamState)]
        self.random = {p for p, s in zip(self.paths, self.states) if isinstance(s, brainstate.random.RandomState)}

    def _trace(self, inputs: Any) -> None:
        try:
            self.fn.make_jaxpr(inputs)
        except AttributeError as error:
            if any(isinstance(s, brainstate.HiddenState) for s in self.model.states().values()):
                raise
            raise GraphError(
                f"the model has no states yet ({error}): call `brainstate.nn.init_all_states(model)` before `compile_graph`"
            ) from error
        except ValueError as error:
            if "tree structure" not in str(error):
                raise
            held = [name(p) for p, s in self.model.states().items() if str(jax.tree.structure(s.value)) in str(error)]
            raise GraphError(
                f"the step writes into a state (one of {', '.join(f'`{h}`' for h in held)}) a value of another unit or "
                f"structure than it holds. Convert it, for instance with `.to(unit)`, or start the state so. {error}"
            ) from error

    def _call(self, inputs: Any) -> Any:
        args, now = inputs
        with brainstate.environ.context(**now):
            return self.model(*args)

    def find(self, path: Path) -> State:
        """The state that lies at a path now."""
        if path in self.outside:
            return self.outside[path]
        at: Any = self.model
        for key in path:
            at = at[key] if isinstance(at, (dict, list, tuple)) else getattr(at, key)
        return at

    def read(self, paths: list[Path]) -> dict[Path, Any]:
        return {p: self.find(p).value for p in paths}

    def write(self, values: Mapping[Path, Any]) -> None:
        for path, value in values.items():
            self.find(path).value = value

    def step(self, params: dict[Path, Any], state: dict[Path, Any], inputs: Any) -> tuple[dict[Path, Any], Any]:
        """One pure step."""
        have = {**params, **state}
        values = [have[p] for p in self.paths]
        new, output = self.fn.jaxpr_call(values, inputs)
        moved = {p: v for p, s, v in zip(self.paths, self.states, new) if id(s) in self.written}
        return {p: moved.get(p, old) for p, old in state.items()}, output

    @staticmethod
    def many(values: Mapping[Path, Any], batch: int) -> dict[Path, Any]:
        """States of one example as a batch."""
        return jax.tree.map(lambda a: jnp.broadcast_to(a, (batch, *jnp.shape(a))), dict(values))


def shapes(tree: Any) -> list[tuple[int, ...]]:
    return [jnp.shape(a) for a in jax.tree.leaves(tree)]


def concrete(tree: Any) -> bool:
    """Are these values, not tracers of a transformation?"""
    return not any(isinstance(a, jax.core.Tracer) for a in jax.tree.leaves(tree))
