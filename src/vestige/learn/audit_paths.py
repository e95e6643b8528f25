"""What each way of credit that a rule drops would have added to the gradient of each parameter."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from ..graph import Graph, routed
from ..graph.report import Path
from ..rules import Rule
from .audit_truth import Piece, Truth, cut_gradients

SHOWN = 4  # parameters in a line of print


@dataclass(frozen=True)
class Dropped:
    """One way of credit that the rule does not follow (`line`: as the report says it), and how much it carries.

    `shares`: by parameter, `|g - g_cut| / |g|`, where g is the true gradient and `g_cut` the same with this path alone cut. Paths
    cross one another, so that shares do not add up to what all of them carry together.
    """

    kind: str
    weight: str
    source: tuple[str, ...]
    into: tuple[str, ...]
    line: str
    shares: dict[str, float]

    def __str__(self) -> str:
        most = sorted((kv for kv in self.shares.items() if kv[1] >= 5e-4), key=lambda kv: -kv[1])
        told = [f"{name} {share:.3f}" for name, share in most[:SHOWN]]
        told += [f"and {len(most) - SHOWN} more"] if len(most) > SHOWN else []
        return f"{self.line}\n  share: {', '.join(told) or 'below 0.001 of every gradient'}"


class Parts(NamedTuple):
    """The paths, and by number of the parameter: its true gradient, and what is left of it when all of them are cut."""

    paths: tuple[Dropped, ...]
    full: dict[int, np.ndarray]
    rest: dict[int, np.ndarray]


def dropped_by(graph: Graph, rule: Rule) -> tuple[Path, ...]:
    """The paths of a step that a rule drops, as its report says: none, or all but those that a memory before a reader keeps."""
    if rule.scope == "full":
        return ()
    # the step as the rule reads it has memories and weights of its own beside what the paths of the step name
    left = routed(graph, rule.route).graph.report.paths
    same = lambda p, q: (
        (p.kind, p.weight) == (q.kind, q.weight) and {*p.source} <= {*q.source} and {*p.into} <= {*q.into}
    )
    return tuple(p for p in graph.report.paths if any(same(p, q) for q in left))


def parts(piece: Piece, paths: tuple[Path, ...], true: Truth) -> Parts:
    """What the paths carry, one by one and all together.

    Reverse mode throughout: where the truth is of finite differences, equations that deny it are crossed by forward mode.
    """
    if not paths:
        return Parts((), true.values, true.values)
    gradient = cut_gradients(piece, paths)
    full = true.values if true.method == "BPTT" else gradient(np.ones(len(paths), bool))
    without = lambda n: gradient(np.arange(len(paths)) != n)
    found = tuple(_dropped(piece, p, full, without(n)) for n, p in enumerate(paths))
    return Parts(found, full, gradient(np.zeros(len(paths), bool)))


def _dropped(piece: Piece, p: Path, full: dict[int, np.ndarray], cut: dict[int, np.ndarray]) -> Dropped:
    shares = {piece.graph.param_names[n]: share(g - cut[n], g) for n, g in full.items()}
    return Dropped(p.kind, p.weight, p.source, p.into, str(p), shares)


def share(part: np.ndarray, whole: np.ndarray) -> float:
    """`|part| / |whole|`; nothing of nothing is nothing."""
    a, b = float(np.linalg.norm(part)), float(np.linalg.norm(whole))
    return a / b if b else 0.0 if not a else float("inf")
