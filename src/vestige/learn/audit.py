"""How far a rule's gradient is from the truth, parameter by parameter, and why."""

import math
from dataclasses import asdict, dataclass
from typing import Any

import jax
import numpy as np

from ..graph import prelude
from ..graph.report import Path
from ..rules import Rule
from . import _bridge as bridge
from .audit_activity import Inputs, Population, activity
from .audit_paths import Dropped, dropped_by, parts, share
from .audit_truth import Piece, Truth, flat, truth
from .core import Carry, gradients
from .learner import Learner
from .window import Loss

NEGLIGIBLE = 1e-3  # of a parameter's largest element: smaller ones have no sign to speak of


@dataclass(frozen=True)
class Row:
    """One parameter: the online gradient a against the true one g.

    `cosine`: `<a, g> / |a| |g|`; `ratio`: `|a| / |g|`; `online`, `true`: `|a|` and `|g|`; `sign`: share of elements with the sign
    of g, among those of g above 0.001 of its largest. With g' what is left of g when all dropped paths are cut, `dropped` is
    `|g - g'| / |g|`, and `own` is `|a - g'| / |g|`: what the rule itself gets wrong, as by factorised traces, feedback weights,
    or a window too short.
    """

    name: str
    cosine: float
    ratio: float
    sign: float
    online: float
    true: float
    dropped: float
    own: float

    @property
    def note(self) -> str:
        if self.online == 0 and self.true == 0:
            return "both are zero"
        if self.online == 0:
            return "online gradient is zero"
        return "exact" if self.cosine > 1 - 1e-6 and abs(self.ratio - 1) < 1e-3 else ""


@dataclass(frozen=True)
class Audit:
    """What `audit` found; printable. `method` says what the truth was: reverse mode, or finite differences on samples.

    `rows`: parameters; `paths`: ways of credit that the rule drops, with what each carries; `populations`: who fires;
    `inputs`: the signs of what each traced weight reads.
    """

    rows: tuple[Row, ...]
    method: str
    paths: tuple[Dropped, ...]
    populations: tuple[Population, ...]
    inputs: tuple[Inputs, ...]

    @property
    def firing(self) -> dict[str, float]:
        """Spikes per neuron and step, by population."""
        return {p.name: p.rate for p in self.populations}

    @property
    def dropped(self) -> tuple[str, ...]:
        """What the rule drops, as the report says it."""
        return tuple(p.line for p in self.paths)

    def as_dict(self) -> dict[str, Any]:
        """The same as plain data, ready for json; numbers that are not finite become None."""
        return _plain(asdict(self))

    def __str__(self) -> str:
        width = max([9, *(len(r.name) for r in self.rows)])
        head = f"{'parameter':{width}}   cosine  |online|/|true|  same sign  dropped  rule's own  against {self.method}"
        lines = [f"{r.name:{width}}  {_numbers(r)}  {r.note}".rstrip() for r in self.rows]
        told = [*self.populations, *(x for x in self.inputs if x.decay is not None)]
        return "\n".join([head, *lines, *map(str, told), *(f"dropped: {p}" for p in self.paths)])


def audit(
    learner: Learner, xs: Any, targets: Any, loss: Loss, window: int | None = 64, *,
    mask: Any = None, reduction: str = "sum", **more: Any,
) -> Audit:  # fmt: skip
    """Compare the learner's gradient of a sequence, from its start state, with backpropagation through time.

    Where reverse mode is impossible (an adaptive solver in the step), the truth is central finite differences on up to 64
    elements of each parameter, and cosine, ratio and signs are of those elements. The learner itself is left as it is.

    Every way of credit that the report says is dropped is measured: the true gradient once more, with that one cut. It costs a
    backpropagation for each of them.

    Args:
        xs, targets, loss, window, mask, reduction: as for `learner.gradients`; so is `more`, what the rule needs besides.

    Returns:
        An `Audit`: one row per parameter leaf, dropped paths, firing, and inputs by sign.
    """
    made, graph = learner._ready()
    xs = xs if isinstance(xs, tuple) else (xs,)
    T = jax.tree.leaves(xs)[0].shape[0]
    inputs = xs, learner._over_batch(bridge.clocks(bridge.clock(), T))
    learner._check(inputs, lead=1)
    params, state = made.read(made.params), {**learner._state(made)[0], **learner.start.value}
    carry = Carry(state, None, learner.batch_size, None, learner.lasting.value)
    piece = Piece(graph, params, carry, inputs, targets, loss, mask, reduction == "mean")
    size = None if learner.whole else window
    online = gradients(
        graph, learner.rule, params, carry, inputs, targets, loss, size,
        mask=mask, reduction=reduction, first=True, last=True, **more,
    )  # fmt: skip
    return _compare(piece, online.grads, dropped_by(graph, learner.rule), _decays(learner.rule, piece))


def _decays(rule: Rule, piece: Piece) -> list[float | None]:
    """By edge, the decay of the sum over inputs that the rule makes a factor of its own."""
    if rule.smooths is None:
        return [None] * len(piece.graph.edges)
    return rule.smooths(piece.graph, prelude(piece.graph, piece.params))


def _compare(piece: Piece, grads: Any, drops: tuple[Path, ...], decays: list[float | None]) -> Audit:
    true, mine = truth(piece), [flat(g) for g in jax.tree.leaves(grads)]
    found = parts(piece, drops, true)
    rows = tuple(_row(piece, n, mine[n], true, found.full[n], found.rest[n]) for n in true.at)
    return Audit(rows, true.method, found.paths, *activity(piece, decays))


def _row(piece: Piece, n: int, mine: np.ndarray, true: Truth, full: np.ndarray, rest: np.ndarray) -> Row:
    at, g = true.at[n], true.values[n]
    a = mine[at]
    size, want = float(np.linalg.norm(a)), float(np.linalg.norm(g))
    cosine = float(a @ g) / (size * want) if size and want else float(size == want)
    ratio = size / want if want else float("nan") if size else 1.0
    sure = np.abs(g) > NEGLIGIBLE * np.abs(g).max(initial=0)
    sign = float((np.sign(a) == np.sign(g))[sure].mean()) if sure.any() else float(size == want)
    own = share((mine if len(rest) == len(mine) else a) - rest, full)
    return Row(piece.graph.param_names[n], cosine, ratio, sign, size, want, share(full - rest, full), own)


def _numbers(r: Row) -> str:
    return f"{r.cosine:7.4f}  {r.ratio:15.4f}  {r.sign:9.1%}  {r.dropped:7.3f}  {r.own:10.3f}"


def _plain(a: Any) -> Any:
    if isinstance(a, dict):
        return {k: _plain(v) for k, v in a.items()}
    if isinstance(a, (list, tuple)):
        return [_plain(v) for v in a]
    return None if isinstance(a, float) and not math.isfinite(a) else a
