"""Learners of the wider family: other traces, other ways back for credit, signals from outside."""

from collections.abc import Mapping

import jax

from .. import rules
from . import _bridge as bridge
from .learner import Learner

Weights = Mapping[str, jax.Array]


class EProp(Learner):
    """E-prop: symmetric, random or adaptive feedback, kappa filter, firing-rate regularisation. See `vestige.rules.e_prop`."""

    def __init__(
        self, model: bridge.Module, feedback: int | Weights | None = None, *, kappa: bool | float = True,
        adapt: float | None = None, rate_target: float = 0.0, rate_strength: float = 0.0,
    ):  # fmt: skip
        rule = rules.e_prop(feedback, kappa=kappa, adapt=adapt, rate_target=rate_target, rate_strength=rate_strength)
        super().__init__(model, rule)


class OSTL(Learner):
    """Online spatio-temporal learning, with (`recurrent=True`) or without coupling in a layer. See `vestige.rules.ostl`."""

    def __init__(self, model: bridge.Module, recurrent: bool = False):
        super().__init__(model, rules.ostl(recurrent))


class OTTT(Learner):
    """Online training through time: a presynaptic memory alone. See `vestige.rules.ottt`."""

    def __init__(self, model: bridge.Module, decay: float):
        super().__init__(model, rules.ottt(decay))


class OTPE(Learner):
    """Online training with postsynaptic estimates. See `vestige.rules.otpe`."""

    def __init__(self, model: bridge.Module, decay: float, *, approximate: bool = False):
        super().__init__(model, rules.otpe(decay, approximate=approximate))


class OSTTP(Learner):
    """OSTL with random projections of the target in place of errors. See `vestige.rules.osttp`."""

    def __init__(self, model: bridge.Module, seed: int = 0):
        super().__init__(model, rules.osttp(seed))


class SLTT(Learner):
    """Spatial learning through time, at all steps or `k` out of every `of`. See `vestige.rules.sltt`."""

    def __init__(self, model: bridge.Module, k: int | None = None, of: int | None = None, *, seed: int = 0):
        super().__init__(model, rules.sltt(k, of, seed=seed))


class RFLO(Learner):
    """Random feedback local online learning. See `vestige.rules.rflo`."""

    def __init__(self, model: bridge.Module, feedback: int | Weights | None = 0, *, decay: float | None = None):
        super().__init__(model, rules.rflo(feedback, decay=decay))


class ThreeFactor(Learner):
    """Eligibility times a modulator from outside: `gradients(..., modulator=M)`. See `vestige.rules.three_factor`."""

    def __init__(self, model: bridge.Module, decay: float = 0.0):
        super().__init__(model, rules.three_factor(decay))


class RewardModulated(Learner):
    """A fading memory of gradients times a reward: `gradients(..., modulator=M)`. See `vestige.rules.reward_modulated`."""

    def __init__(self, model: bridge.Module, decay: float = 0.9):
        super().__init__(model, rules.reward_modulated(decay))


class DNI(Learner):
    """Truncated backpropagation with learned synthetic gradients beyond the window. See `vestige.rules.dni`."""

    positions = False

    def __init__(self, model: bridge.Module, learning_rate: float = 0.1):
        super().__init__(model, rules.dni(learning_rate))


class Immediate(Learner):
    """Each step's own gradient, no memory. See `vestige.rules.immediate`."""

    def __init__(self, model: bridge.Module):
        super().__init__(model, rules.immediate())


class DECOLLE(Learner):
    """Every layer with a local loss at a fixed random readout. See `vestige.rules.decolle`."""

    def __init__(self, model: bridge.Module, seed: int = 0):
        super().__init__(model, rules.decolle(seed))
