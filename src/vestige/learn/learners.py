"""The learners by the names that users know: each binds one rule."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp

from .. import rules
from ..graph import Edge
from ..rules.es_d_rtrl import Decay
from ..rules.hybrid import Kind, factorised
from ..rules.parted import whole
from . import _bridge as bridge
from .learner import Learner


class EligibilityTrace(bridge.TraceState):
    """One eligibility trace, to look at: the block axis last, as `[*positions, S]`."""


class D_RTRL(Learner):
    """D-RTRL: a trace per weight, `O(B * parameters)` memory. See `vestige.rules.d_rtrl`."""

    def __init__(self, model: bridge.Module, *, kappa: bool | float = False, dtype: Any = None):
        super().__init__(model, rules.d_rtrl(kappa=kappa, dtype=dtype))

    @property
    def etrace_bwg(self) -> dict[Any, EligibilityTrace]:
        """Traces `[*unshared weight, S]` by (weight, population)."""
        edges, traces = self.graph.edges, self.memory[0]
        return {_key(self, edge): _shown(self, self._whole(edge, e)) for edge, e in zip(edges, traces) if e is not None}

    def _whole(self, edge: Edge, e: Any) -> Any:
        one = partial(whole, self.graph, edge)
        return one(e) if self.batch_size is None else jax.vmap(one)(e)


class ES_D_RTRL(Learner):
    """ES-D-RTRL (pp-prop): two factors per weight, `O(B * (inputs + outputs))` memory. See `vestige.rules.es_d_rtrl`."""

    def __init__(
        self, model: bridge.Module, decay_or_rank: Decay = 0.99, *, correct: bool = True, kappa: bool | float = False,
        dtype: Any = None,
    ):  # fmt: skip
        super().__init__(model, rules.es_d_rtrl(decay_or_rank, correct=correct, kappa=kappa, dtype=dtype))

    @property
    def etrace_xs(self) -> dict[str, EligibilityTrace]:
        """Presynaptic traces `[*in]` by weight."""
        return {e.name: EligibilityTrace(x) for e, x, _ in self._factors()}

    @property
    def etrace_dfs(self) -> dict[tuple[str, str], EligibilityTrace]:
        """Postsynaptic traces `[*out, S]` by (weight, population)."""
        return {_key(self, e): _shown(self, f) for e, _, f in self._factors()}

    def _factors(self) -> list[tuple[Edge, Any, Any]]:
        """Marked weights that drive a population, with their two factors."""
        edges, (_, ex, ef) = self._pairs()
        return [(e, x, f) for e, x, f in zip(edges, ex, ef) if e.x is not None and f is not None]

    def _pairs(self) -> tuple[Sequence[Edge], Any]:
        return self.graph.edges, self.memory[0]


class HybridDimVjpAlgorithm(ES_D_RTRL):
    """Per weight the cheaper of the two traces. See `vestige.rules.hybrid`."""

    def __init__(
        self, model: bridge.Module, decay_or_rank: Decay = 0.99, *, choose: Mapping[str, Kind] | None = None,
        kappa: bool | float = False, dtype: Any = None,
    ):  # fmt: skip
        Learner.__init__(self, model, rules.hybrid(decay_or_rank, choose=choose, kappa=kappa, dtype=dtype))

    def _pairs(self) -> tuple[Sequence[Edge], Any]:
        whole, pair = self.memory[0]
        return [self.graph.edges[n] for n in factorised(whole)], pair


class RTRL(Learner):
    """Full real-time recurrent learning, exact for any coupling; small networks only. See `vestige.rules.rtrl`."""

    positions = False

    def __init__(self, model: bridge.Module):
        super().__init__(model, rules.rtrl())


class TBPTT(Learner):
    """Backpropagation through time, truncated to the window. See `vestige.rules.tbptt`."""

    positions = False

    def __init__(self, model: bridge.Module):
        super().__init__(model, rules.tbptt())


class BPTT(TBPTT):
    """Backpropagation through the whole sequence, whatever the window: memory grows with time."""

    whole = True


def _key(learner: Learner, edge: Edge) -> tuple[str, str]:
    return edge.name, ", ".join(edge.of(learner.graph.groups).names)


def _shown(learner: Learner, value: Any) -> EligibilityTrace:
    """`[S, ...]` as `[..., S]`; a batch axis stays in front."""
    return EligibilityTrace(jnp.moveaxis(value, 0 if learner.batch_size is None else 1, -1))


pp_prop = IODimVjpAlgorithm = DiagIODimAlgorithm = ES_D_RTRL
ParamDimVjpAlgorithm = DiagParamDimAlgorithm = D_RTRL
DiagHybridDimAlgorithm = HybridDimVjpAlgorithm
