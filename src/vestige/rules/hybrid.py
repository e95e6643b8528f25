"""Per weight the cheaper trace: D-RTRL's where it is small, ES-D-RTRL's where the factors are."""

from collections.abc import Mapping
from functools import partial
from math import prod
from typing import Any, Literal

from ..graph import Edge, Graph, GraphError, Pushed, jacobians
from .d_rtrl import init as full_traces
from .d_rtrl import remembering, suffix_products
from .es_d_rtrl import Decay, es_d_rtrl, factors
from .instant import arrears, step_by_step
from .stored import stored
from .types import Obs, Rule, Signal, Update, picks, trace_shape, weights

Kind = Literal["full", "factorised"]


def hybrid(
    decay_or_rank: Decay = 0.99, *, choose: Mapping[str, Kind] | None = None, kappa: bool | float = False, dtype: Any = None
) -> Rule:  # fmt: skip
    """A per-parameter trace where it holds no more numbers than the factors, else the factors of ES-D-RTRL.

    `choose` names weights (as the report does) whose trace is to be `full` or `factorised` whatever their size.
    Convolutions and sparse weights usually take the first, dense ones the second. `kappa` and `dtype` as for `d_rtrl`.

    Source: Wang et al., "Model-agnostic linear-memory online learning in spiking neural networks", 2024 (hybrid rule).
    """
    es = es_d_rtrl(decay_or_rank)
    chosen = dict(choose or {})
    is_full = partial(_is_full, chosen)

    def init(graph: Graph, static: list[Any]) -> Any:
        unknown = set(chosen) - {edge.name for edge in graph.edges}
        if unknown:
            known = sorted({edge.name for edge in graph.edges})
            raise ValueError(f"hybrid: no weight named {sorted(unknown)}; there are {known}")
        keep = [is_full(graph, edge, w) for edge, w in zip(graph.edges, weights(graph, static))]
        whole = [e if k else None for e, k in zip(full_traces(graph, static), keep)]
        return whole, factors(graph.only(factorised(whole)), static)

    def update(graph: Graph, trace: Any, obs: Obs, signal: Signal) -> Update:
        whole, pair = trace
        on = factorised(whole)
        trans = jacobians(graph, obs.trans)
        ways: list[Any] = [None if isinstance(d, Pushed) else suffix_products(d) for d in trans]
        late: list[Any] = [None if isinstance(d, Pushed) else arrears(d, s) for d, s in zip(trans, signal.entry)]
        new, past = list(whole), list[Any]([None] * len(whole))
        uses: list[Any] = [None] * len(whole)
        for n, (edge, e) in enumerate(zip(graph.edges, whole)):
            if e is not None:
                new[n], uses[n], past[n] = step_by_step(edge, e, n, obs, signal, edge.of(ways), edge.of(late))
        some = lambda items: [items[n] for n in on]
        if on:
            part = obs._replace(pre=some(obs.pre), post=some(obs.post))
            rest = es.update(graph.only(on), pair, part, signal._replace(mark=some(signal.mark)))
            pair = rest.trace
            for n, use in zip(on, rest.uses):
                uses[n] = use
        return Update((new, pair), uses, past)

    def smooths(graph: Graph, static: list[Any]) -> list[float | None]:
        full = [is_full(graph, edge, w) for edge, w in zip(graph.edges, weights(graph, static))]
        assert es.smooths is not None
        return [None if f else a for f, a in zip(full, es.smooths(graph, static))]

    return stored(Rule(init, update, "instant", "entry", route=remembering(kappa), smooths=smooths), dtype)


def _is_full(choose: Mapping[str, Kind], graph: Graph, edge: Edge, w: Any) -> bool:
    """Has this weight a trace of its own? As chosen, else where that holds no more numbers than the factors."""
    if edge.group is None:
        return False
    if edge.of(graph.groups).large:
        if choose.get(edge.name) == "full":
            raise GraphError(
                f"hybrid: the block that `{edge.name}` drives is too large for its full trace here; use D-RTRL"
            )
        return False
    pair = prod(edge.out) + prod(getattr(edge.x, "shape", ()))
    smaller = picks(edge) or prod(trace_shape(edge, w).shape) <= pair
    return choose.get(edge.name, "full" if smaller else "factorised") == "full"


def factorised(whole: list[Any]) -> list[int]:
    """Edges without a full trace, in their order: those whose factors the second half of the trace holds."""
    return [n for n, e in enumerate(whole) if e is None]
