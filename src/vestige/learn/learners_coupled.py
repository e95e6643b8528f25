"""Learners whose rules follow credit from neuron to neuron through time: in part, or on average."""

from .. import rules
from ..rules.kept import Choose, told
from ..rules.ostl_recurrent import own_population
from ..rules.snap import within
from . import _bridge as bridge
from .learner import Learner


class Sparse(Learner):
    """A learner whose rule keeps the influence of parameters on chosen states; its report says how much."""

    keeps: Choose

    @property
    def report(self) -> str:
        return "\n".join(
            [super().report, "influence of parameters on states:", *(f"  {t}" for t in told(self.graph, self.keeps))]
        )


class SnAp(Sparse):
    """Sparse n-step approximation of full RTRL; equal to it once n steps reach everything. See `vestige.rules.snap`."""

    def __init__(self, model: bridge.Module, n: int = 1):
        super().__init__(model, rules.snap(n))
        self.keeps = within(n)


class OSTLRecurrent(Sparse):
    """Full RTRL inside each population, its recurrent weights included. See `vestige.rules.ostl`."""

    def __init__(self, model: bridge.Module):
        super().__init__(model, rules.ostl(recurrent=True))
        self.keeps = own_population


class UORO(Learner):
    """Unbiased rank-one estimate of full RTRL, in the memory of the parameters. See `vestige.rules.uoro`."""

    positions = False

    def __init__(self, model: bridge.Module, seed: int = 0):
        super().__init__(model, rules.uoro(seed))


class KF_RTRL(Learner):
    """Unbiased Kronecker-factored estimate of full RTRL. See `vestige.rules.kf_rtrl`."""

    positions = False

    def __init__(self, model: bridge.Module, seed: int = 0):
        super().__init__(model, rules.kf_rtrl(seed))


class RandomPathRTRL(Learner):
    """Full RTRL through `k` neurons drawn anew at each step; unbiased. See `vestige.rules.random_path`."""

    def __init__(self, model: bridge.Module, k: int = 4, seed: int = 0):
        super().__init__(model, rules.random_path(k, seed))
