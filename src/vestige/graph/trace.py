"""From a step function to a `Graph`."""

from collections.abc import Callable
from typing import Any

import jax

from .._compat import is_float
from .draft import Draft
from .errors import GraphError
from .explain import explain
from .groups import analyse
from .program import FLAT, Equation, Program, Value, down, flatten, spikes, up
from .readings import read_apart
from .report import AS_IT_IS, Way
from .types import Graph

Step = Callable[[Any, Any, Any], tuple[Any, Any]]


def trace_graph(
    step: Step, params: Any, state: Any, x: Any,
    *, max_own: int = 16, max_block: int | None = None, positions: bool = True,
) -> Graph:  # fmt: skip
    """Analyse `step(params, state, x) -> (state', y)` for one example, without a batch axis.

    Args:
        step: a pure function; trainable interactions go through `vestige.matmul` and its like.
        params, state, x: trees of arrays (or shapes), as `step` takes them.
        max_own: a position may own this many elements of one unmarked parameter (or as many as its block has states);
            beyond, that parameter gets its own step's gradient only.
        max_block: above this many states per position, dh'/dh is not formed: traces are pushed by forward mode. Unless given:
            above 48, and from 16 on where a position's traces have no more columns than states, which is cheaper.
        positions: prove that populations couple position by position, as every rule but `rtrl()` and `tbptt()` needs.
            `False` skips the proof.

    Raises:
        GraphError: the step mixes positions, hides a trainable operator, or does not return the state it took.
    """
    return analysed(step, params, state, x, max_own, max_block, positions, AS_IT_IS)


def analysed(
    step: Step, params: Any, state: Any, x: Any, max_own: int, max_block: int | None, positions: bool, way: Way
) -> Graph:
    """`trace_graph`, for a step that a route has changed too."""
    closed, out_shape = jax.make_jaxpr(step, return_shape=True)(params, state, x)
    _check_state(state, out_shape, positions)
    program = flatten(closed)
    n_params, n_state = len(jax.tree.leaves(params)), len(jax.tree.leaves(state))
    early, eqns, frontier, of_params = _prelude(program, n_params)
    draft = Draft(
        program, tuple(eqns), early, program.ins[n_params : n_params + n_state], program.outs[:n_state],
        _names(params), _names(state), frontier, of_params, max_own, max_block,
    )  # fmt: skip
    _check_marks(draft)
    edges, groups, untraced, solvers = analyse(draft, positions)
    fresh, saved = read_apart(draft, edges, groups)
    # a spike that nothing reads says nothing of its population, which speaks by its voltage then
    read = up(eqns, program.outs)
    firing = {population: v for v in spikes(eqns) if v in read and (population := _population(draft, v))}
    return Graph(
        program=program, early=early, eqns=tuple(eqns), frontier=frontier,
        trained=tuple(v in of_params and is_float(v) for v in frontier),
        edges=edges, groups=groups, untraced=untraced, fresh=fresh, saved=saved, spikes=firing, solvers=solvers,
        n_params=n_params, n_state=n_state, in_tree=jax.tree.structure((params, state, x)),
        out_tree=jax.tree.structure(out_shape), limits=dict(max_own=max_own, max_block=max_block),
        param_names=draft.param_names, state_names=draft.state_names, positions=positions,
        report=explain(draft, edges, groups, untraced, fresh, positions, way),
    )  # fmt: skip


def _names(tree: Any) -> tuple[str, ...]:
    """Paths of the leaves, as a user would write them; wrappers such as quantities add nothing."""
    wrap = jax.tree_util.FlattenedIndexKey
    return tuple(
        ".".join(_part(k) for k in path if not isinstance(k, wrap)) or "value"
        for path, _ in jax.tree_util.tree_leaves_with_path(tree)
    )


def _part(k: Any) -> str:
    key = getattr(k, "key", getattr(k, "name", getattr(k, "idx", k)))
    return ".".join(map(str, key)) if isinstance(key, tuple) else str(key)


def _check_state(state: Any, out_shape: Any, positions: bool) -> None:
    if not (isinstance(out_shape, tuple) and len(out_shape) == 2):
        raise GraphError("a step returns (state', output); this one returns something else")
    old, new = jax.tree.structure(state), jax.tree.structure(out_shape[0])
    if old != new:
        raise GraphError(f"the step takes a state {old} and returns {new}; return the tree that it took")
    for name, a, b in zip(_names(state), jax.tree.leaves(state), jax.tree.leaves(out_shape[0])):
        if jax.numpy.shape(a) != b.shape or jax.numpy.result_type(a) != b.dtype:
            raise GraphError(
                f"state `{name}` enters the step as {jax.numpy.result_type(a)}{list(jax.numpy.shape(a))} and leaves it as "
                f"{b.dtype}{list(b.shape)}. Start it with the shape and dtype that the step returns."
            )
        if positions and jax.numpy.issubdtype(b.dtype, jax.numpy.complexfloating):
            raise GraphError(f"state `{name}` is complex; keep its real and its imaginary part on a last axis of two")


def _prelude(
    program: Program, n_params: int
) -> tuple[tuple[Equation, ...], list[Equation], tuple[Value, ...], set[Value]]:
    """Split off the equations that need parameters and constants alone."""
    moving = [*program.ins[n_params:], *(v for e in program.eqns if e.is_mark or e.eqn.effects for v in e.outs)]
    live = down(program.eqns, moving)
    is_early = lambda e: not e.is_mark and not e.eqn.effects and not any(v in live for v in e.outs)
    early = tuple(e for e in program.eqns if is_early(e))
    eqns = [e for e in program.eqns if not is_early(e)]
    read = {v for e in eqns for v in e.reads} | {v for v in program.outs if isinstance(v, Value)}
    known = [*program.ins[:n_params], *(v for e in early for v in e.outs)]
    of_params = down([e for e in early if e.name not in FLAT], program.ins[:n_params])
    return early, eqns, tuple(v for v in known if v in read), of_params


def _check_marks(d: Draft) -> None:
    known = {*d.frontier, *d.program.consts}
    alive = up(d.eqns, d.program.outs)
    for e in d.eqns:
        if e.is_mark and isinstance(e.ins[1], Value) and e.ins[1] not in known:
            raise GraphError(
                f"the weight of a trainable operator depends on the state or the input ({e.site}). "
                "Compute it from parameters alone, or multiply without marking it."
            )
        if e.is_mark and e.ins[1] in d.of_params and e.outs[0] not in alive:
            raise GraphError(
                f"weight `{d.origin(e.ins[1])}` reaches neither a state nor the output ({e.site}): its gradient would "
                "be zero. Use what the operator returns, or take the operator out of the step."
            )


def _population(d: Draft, v: Value) -> str:
    """The states of which a spike is made; the last spike of a step speaks for its population."""
    source = up(d.eqns, [v], marks=False) & {*d.h_in}
    return ", ".join(name for name, h in zip(d.state_names, d.h_in) if h in source and is_float(h))
