"""How long a window should be: long enough that the trace is seldom touched, short enough that its buffers stay near."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import jax

from .._compat import is_float
from ..graph import Graph, routed
from ..graph.program import Value
from ..rules import Rule

NEAR = 1 << 18  # bytes that lie at hand, in the cache next to a core
TRACES = 4  # a window's buffers in traces: what is touched once a window should be little beside what each step touches
GRADIENTS = 2  # the same in gradients, where the trace is touched at every step anyhow


@dataclass(frozen=True)
class Budget:
    """Windows as long as is quickest, while the buffers of one stay within `bytes`; `window="auto"` is `Budget()`."""

    bytes: int = 1 << 28

    def __post_init__(self):
        if not isinstance(self.bytes, int) or self.bytes < 1:
            raise ValueError(f"a budget of {self.bytes!r} bytes: give a number of at least 1, such as 2**28")


Window = int | Literal["auto"] | Budget | None


def length_of(
    window: Window,
    graph: Graph,
    rule: Rule,
    trace: Callable[[], Any],
    steps: int,
    batch: int | None,
    alone: bool = False,
) -> int:
    """Steps per window for a sequence of `steps`.

    A window reads and writes the trace once and keeps what each of its steps computed. So its buffers may be some times as
    large as the trace: then the trace costs little; of a small trace there is nothing to save, and buffers stay `NEAR`. A
    stepwise rule touches its trace at every step anyhow, and the gradient once a window; of that the same is true. A sequence
    that is alone needs no trace if one window holds all of it, so it gets one where the budget allows, which no window exceeds.
    Of windows that long, the one that cuts the sequence into equal pieces is taken, if there is one not much shorter, since a
    ragged rest is a program of its own.

    Args:
        trace: gives the rule's trace of the whole batch. alone: nothing comes before the sequence, and nothing after it.

    Raises:
        ValueError: no number of steps; or a budget for a rule that gives another gradient for another window.
    """
    if window is None or (isinstance(window, int) and not isinstance(window, bool) and window >= 1):
        return min(window or steps, steps)
    budget = Budget() if isinstance(window, str) and window == "auto" else window
    if not isinstance(budget, Budget):
        raise ValueError(
            f"window is {window!r}; give a number of steps of at least 1, 'auto', a Budget, or None for the whole sequence"
        )
    if rule.windowed or (rule.scope == "full" and rule.window is None):
        raise ValueError(
            "this rule gives another gradient for another window, so no budget may choose it: give a number of steps, "
            "or None for the whole sequence"
        )
    g = routed(graph, rule.route).graph
    once = (batch or 1) * (bytes_of_pairs(g) if rule.stepwise else bytes_of_a_step(g))
    if rule.stepwise:
        room = max(NEAR, GRADIENTS * bytes_of_weights(g))
    else:
        room = budget.bytes if alone else max(NEAR, TRACES * size(jax.eval_shape(trace)))
    longest = max(1, min(steps, min(room, budget.bytes) // max(once, 1)))
    pieces = math.ceil(steps / longest)
    even = next((n for n in range(pieces, 2 * pieces) if steps % n == 0), pieces)
    return math.ceil(steps / even)


def bytes_of_a_step(graph: Graph) -> int:
    """What a window keeps of one step of one example: the points, their slopes and the signal."""
    points = sum(size(v) for v in graph.saved)
    slopes = sum(size(e.y) * (2 if e.group is None else 1 + e.of(graph.groups).S) for e in graph.edges)
    return 2 * points + slopes


def bytes_of_pairs(graph: Graph) -> int:
    """What a window of single steps keeps of one of them: what each weight reads, and the signal at what it drives."""
    return sum(size(v) for e in graph.edges for v in (e.x, e.y) if isinstance(v, Value))


def bytes_of_weights(graph: Graph) -> int:
    """The gradient of all trained values, as the step reads them."""
    return sum(size(v) for v, on in zip(graph.frontier, graph.trained) if on)


def size(tree: Any) -> int:
    """Bytes of the floating leaves."""
    return sum(math.prod(a.shape) * a.dtype.itemsize for a in jax.tree.leaves(tree) if is_float(a))
