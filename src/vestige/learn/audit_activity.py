"""What a network does while a sequence runs: who fires, and what signs the inputs of its weights take."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from .._compat import is_float
from ..graph import Edge, plain_step, prelude
from .audit_truth import Piece
from .silence import EARLIEST, SATURATED, saturated, silent

KEPT = 0.9  # of a sum of absolute values; an input that keeps less cancels itself


@dataclass(frozen=True)
class Population:
    """A spiking population: `rate` per neuron and step; the shares of its neurons that `never` and that `always` fired."""

    name: str
    rate: float
    never: float
    always: float
    steps: int

    @property
    def note(self) -> str:
        if self.steps >= EARLIEST and self.rate == 0:
            return silent(self.name, self.steps)
        return saturated(self.name, self.rate, self.steps) if self.steps >= EARLIEST and self.rate >= SATURATED else ""

    def __str__(self) -> str:
        rate = f"firing rate of {self.name}: {self.rate:.4f} per step"
        few = f"{self.never:.1%} of its neurons never fire, {self.always:.1%} at every step"
        return "\n".join([f"{rate}; {few}", *([f"  {self.note}"] if self.note else [])])


@dataclass(frozen=True)
class Inputs:
    """The signs of what a weight reads, x, unit by unit.

    A rule that stands the product of two sums for a sum of products (ES-D-RTRL) takes it that each input keeps one sign, as
    spikes do. `decay` is that of the rule's sum `ex <- decay ex + x` (None: the rule has none, and 1 is taken here).

    `signed`: share of the units that take both signs in one sequence; `kept`: `sum_t |ex_t|` over the same sum of `|x|`, mean
    of the units that are ever active, 1 where nothing cancels; `fails`: share of the units that keep less than 0.9.
    """

    weight: str
    units: int
    signed: float
    kept: float
    fails: float
    decay: float | None

    @property
    def note(self) -> str:
        if self.decay is None or not self.fails:
            return ""
        return (
            f"the same-sign assumption fails for {self.fails:.1%} of them: use D-RTRL, or give this weight a full trace, "
            f"`hybrid(choose={{{self.weight!r}: 'full'}})`"
        )

    def __str__(self) -> str:
        signs = f"{self.signed:.1%} of {self.units} take both signs, {self.kept:.3f} of their filtered sum is left"
        return f"inputs of {self.weight}: {signs}" + (f"\n  {self.note}" if self.note else "")


class _Seen(NamedTuple):
    """What is counted of one input: the sums of x and |x|, these summed over time, and whether either sign occurred."""

    ex: jax.Array
    size: jax.Array
    left: jax.Array
    whole: jax.Array
    up: jax.Array
    down: jax.Array


def activity(piece: Piece, decays: Sequence[float | None]) -> tuple[tuple[Population, ...], tuple[Inputs, ...]]:
    """Firing of each spiking population, and the inputs of each weight with a trace (`decays`: by edge of the graph)."""
    g, edges = piece.graph, _reading(piece, decays)
    outs = [*g.h_out, *g.spikes.values(), *(e.x for e, _ in edges)]
    spikes, seen = jax.jit(lambda p: _run(piece, p, outs, [1.0 if d is None else d for _, d in edges]))(piece.params)
    populations = tuple(_population(name, np.asarray(n), piece) for name, n in zip(g.spikes, spikes))
    return populations, tuple(_inputs(e, d, s, piece) for (e, d), s in zip(edges, seen))


def _reading(piece: Piece, decays: Sequence[float | None]) -> list[tuple[Edge, float | None]]:
    """Weights with a trace (all, where nobody asked for positions) that read numbers, once for each input."""
    g = piece.graph
    every = zip(g.edges, decays)
    some = [(e, d) for e, d in every if is_float(e.x) and (e.group is not None or not g.positions)]
    return list({(e.name, e.x): (e, d) for e, d in some}.values())


def _run(piece: Piece, params: Any, outs: list[Any], decays: list[float]) -> Any:
    g, static = piece.graph, prelude(piece.graph, params)
    n, m = g.n_state, g.n_state + len(g.spikes)
    one = lambda h, x: plain_step(g, static, jax.tree.leaves(h), jax.tree.leaves(x), outs)
    step = one if piece.carry.batch_size is None else jax.vmap(one)

    def body(c: Any, x: Any) -> Any:
        h, fired, seen = c
        out = step(h, x)
        fired = [a + (s != 0) for a, s in zip(fired, out[n:m])]
        seen = [_look(s, a, x) for s, a, x in zip(seen, decays, out[m:])]
        return (jax.tree.unflatten(jax.tree.structure(h), out[:n]), fired, seen), None

    first = jax.eval_shape(step, piece.carry.state, jax.tree.map(lambda a: a[0], piece.inputs))
    fired = [jnp.zeros(s.shape, jnp.int32) for s in first[n:m]]
    zero = lambda x: _Seen(*([jnp.zeros(x.shape, x.dtype)] * 4), *([jnp.zeros(x.shape, bool)] * 2))
    c = piece.carry.state, fired, [zero(x) for x in first[m:]]
    return jax.lax.scan(body, c, piece.inputs)[0][1:]


def _look(s: _Seen, decay: float, x: jax.Array) -> _Seen:
    ex, size = decay * s.ex + x, decay * s.size + jnp.abs(x)
    return _Seen(ex, size, s.left + jnp.abs(ex), s.whole + size, s.up | (x > 0), s.down | (x < 0))


def _population(name: str, fired: np.ndarray, piece: Piece) -> Population:
    """`fired`: spikes by neuron, over the steps; a batch leads."""
    B, T = piece.carry.batch_size, piece.steps
    count = fired if B is None else fired.sum(0)
    most = T * (B or 1)
    return Population(name, float(count.mean() / most), float((count == 0).mean()), float((count == most).mean()), T)


def _inputs(edge: Edge, decay: float | None, seen: _Seen, piece: Piece) -> Inputs:
    fold = lambda a: a if piece.carry.batch_size is None else a.sum(0)
    left, whole = (fold(np.asarray(a, float)) for a in (seen.left, seen.whole))
    both, on = fold(np.asarray(seen.up & seen.down)) > 0, whole > 0
    kept = np.where(on, left / np.where(on, whole, 1), 1.0)
    mean = float(kept[on].mean()) if on.any() else 1.0
    return Inputs(edge.name, both.size, float(both.mean()), mean, float((kept < KEPT).mean()), decay)
