"""What must hold of parameters, states, inputs, targets and masks before anything runs."""

from types import ModuleType
from typing import Any

import jax
import jax.numpy as jnp

from .._compat import is_float
from ..graph import Graph, GraphError, Pair
from ..rules import Rule


def check_rule(graph: Graph, rule: Rule) -> None:
    params, *_ = jax.tree.unflatten(graph.in_tree, range(graph.in_tree.num_leaves))
    if isinstance(params, Pair):
        raise GraphError(
            "this graph was rewritten for a rule already (as `learner.graph` of a rule with kappa, feedback or counts is), and "
            "takes states that the rule adds: give the graph that `trace_graph` returned, or call `learner.gradients`"
        )
    if rule.scope == "full" and rule.route is not None and rule.route.kappa is not False:
        raise ValueError("a rule of scope `full` follows credit through a readout itself: its route needs no kappa")
    if rule.scope != "full" and not graph.positions:
        raise GraphError(
            "this rule follows populations position by position; trace the step with `trace_graph(..., positions=True)`"
        )


def check_params(graph: Graph, params: Any) -> None:
    _fits("parameter", graph.param_names, params, [v.shape for v in graph.program.ins[: graph.n_params]])


def inputs_like(graph: Graph, xs: Any) -> Any:
    """Inputs in the precision in which the graph was traced; booleans and integers may stand for numbers.

    Raises:
        ValueError: numbers where the step takes integers or booleans.
    """
    leaves, tree = jax.tree.flatten(xs)
    want = graph.program.ins[graph.n_params + graph.n_state :]
    for leaf, v in zip(leaves, want):
        if is_float(jnp.asarray(leaf)) and not is_float(v):
            raise ValueError(
                f"an input is {jnp.result_type(leaf)}, and the graph was traced for {v.dtype}: convert it first"
            )
    return jax.tree.unflatten(tree, [jnp.asarray(a, v.dtype) if is_float(v) else a for a, v in zip(leaves, want)])


def check_sequence(graph: Graph, params: Any, state: Any, batch: int | None, xs: Any, targets: Any, mask: Any) -> int:
    """The number of steps, if everything fits.

    Raises:
        ValueError: says what does not fit, and what would.
    """
    ins, n, m = graph.program.ins, graph.n_params, graph.n_params + graph.n_state
    lead = () if batch is None else (batch,)
    check_params(graph, params)
    _fits("state", graph.state_names, state, [(*lead, *v.shape) for v in ins[n:m]])
    T = _steps(xs, [v.shape for v in ins[m:]], batch)
    wrong = [jnp.shape(a) for a in jax.tree.leaves(targets) if jnp.shape(a)[:1] != (T,)]
    if wrong:
        raise ValueError(
            f"targets of shape {wrong[0]} do not lead with T = {T}: "
            f"give one target a step, for instance jnp.broadcast_to(y, ({T}, *y.shape))"
        )
    if mask is not None and jnp.shape(mask) not in ((T,), (T, *lead)):
        also = f" or [T, B] = [{T}, {batch}]" if batch else ""
        raise ValueError(f"mask has shape {jnp.shape(mask)}; it is [T] = [{T}]{also}")
    return T


def _fits(what: str, names: tuple[str, ...], tree: Any, want: list[tuple[int, ...]]) -> None:
    got = [jnp.shape(a) for a in jax.tree.leaves(tree)]
    if len(got) != len(want):
        raise ValueError(f"{len(got)} {what}s, and the graph was traced with {len(want)}: {', '.join(names)}")
    for name, a, b in zip(names, got, want):
        if a != b:
            raise ValueError(
                f"{what} `{name}` has shape {a}, and the graph was traced for {b}. "
                "Start again with `trace_graph` and `init(..., batch_size=)`."
            )


def _steps(xs: Any, want: list[tuple[int, ...]], batch: int | None) -> int:
    leaves = jax.tree.leaves(xs)
    rank = 1 if batch is None else 2
    if [jnp.shape(a)[rank:] for a in leaves] != want or any(jnp.ndim(a) < rank for a in leaves):
        lead = "[T, ...]" if batch is None else f"[T, {batch}, ...]"
        raise ValueError(
            f"inputs have shapes {[jnp.shape(a) for a in leaves]}; the graph was traced for {lead} with one example of {want}"
        )
    if not leaves:
        raise ValueError(
            "inputs hold no array, so the number of steps is unknown; give each step something, such as its time"
        )
    lengths = {jnp.shape(a)[0] for a in leaves}
    if len(lengths) != 1 or 0 in lengths:
        raise ValueError(f"inputs lead with {sorted(lengths)} steps; all must lead with the same T of at least 1")
    if batch is not None and any(jnp.shape(a)[1] != batch for a in leaves):
        raise ValueError(
            f"inputs have a batch of {[jnp.shape(a)[1] for a in leaves]}, the carry one of {batch}: "
            "start again with `init(..., batch_size=)`"
        )
    return lengths.pop()


def check_modulator(rule: Rule, modulator: Any, T: int, batch: int | None) -> Any:
    """The modulator `[T, (B,) ...]`, if the rule takes one.

    Raises:
        ValueError: it is missing, not asked for, or does not lead with time (and batch).
    """
    if not rule.teach.modulated:
        if modulator is not None:
            raise ValueError(
                "this rule takes no modulator; use `three_factor()` or `reward_modulated()`, or leave it out"
            )
        return None
    if modulator is None:
        raise ValueError(
            "this rule needs a modulator: `gradients(..., modulator=m)` with m of shape [T], one number a step"
        )
    modulator, lead = jnp.asarray(modulator, float), (T,) if batch is None else (T, batch)
    if modulator.shape == (T,):
        return jnp.broadcast_to(modulator.reshape(T, *(1,) * (len(lead) - 1)), lead)
    if modulator.shape[: len(lead)] != lead:
        raise ValueError(f"modulator has shape {modulator.shape}; it is [T] = [{T}], or leads with {list(lead)}")
    return modulator


def same_function(f: Any, g: Any) -> bool:
    """Are these the same function: one object, or one piece of code over the same values? Global data may have changed."""
    code = lambda h: (getattr(h, "__code__", h), getattr(h, "__defaults__", None), getattr(h, "__kwdefaults__", None))
    cells = lambda h: [id(c.cell_contents) for c in getattr(h, "__closure__", None) or ()]
    if f is g or code(f) != code(g) or cells(f) != cells(g):
        return f is g
    read = [f.__globals__[n] for n in f.__code__.co_names if n in f.__globals__] if hasattr(f, "__code__") else []
    return all(callable(v) or isinstance(v, ModuleType) for v in read)


def steps_of(xs: Any) -> int:
    """The T of inputs that lead with time."""
    leaves: list[Any] = jax.tree.leaves(xs)
    if not leaves or any(jnp.ndim(a) == 0 for a in leaves):
        raise ValueError("inputs must lead with time: [T, ...] or [T, B, ...]")
    return leaves[0].shape[0]
