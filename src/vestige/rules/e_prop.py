"""E-prop: eligibility of each neuron's own dynamics, with a learning signal that may come back by weights of its own."""

from collections.abc import Mapping
from functools import lru_cache

import jax
import jax.numpy as jnp

from ..graph import Shown
from .d_rtrl import d_rtrl
from .feedback import Feedback, given, random_feedback, shrinking
from .types import Rule, Teaching


def e_prop(
    feedback: int | Mapping[str, jax.Array] | None = None, *, kappa: bool | float = True, adapt: float | None = None,
    rate_target: float = 0.0, rate_strength: float = 0.0,
) -> Rule:  # fmt: skip
    """E-prop for LIF, ALIF and any neuron whose states couple among themselves alone.

        eps <- D eps + f x^T ;   e = (dz/dh) eps ;   ebar <- k ebar + e ;   dW = sum_t L_t ebar_t ;   L_t = B (y_t - y*_t)

    `D = dh'/dh` and `f = dh'/dy` are the neuron's own, by forward mode: membrane, adaptation, synapse, refractoriness. `L`
    is what the loss wants of the readouts' outputs, brought back by weights B. Memory and compute as `d_rtrl`, with one more
    state per neuron for the filter k. With symmetric feedback exact (= BPTT) for a population without recurrent weights
    and a leaky readout; what recurrent weights carry through time is dropped.

    Args:
        feedback: `None`: symmetric, B is each readout's weight. A seed: random, fixed, normal with variance `1 / inputs of
            the readout`. A mapping from readout weights (as the report names them) to arrays of their shape: those; other
            readouts stay symmetric. In stacked networks every weight between populations has its B.
        kappa: the filter k. `True`: the decay of each leaky readout that the graph finds; a decay in [0, 1) for all;
            `False`: none.
        adapt: adaptive feedback (Kolen-Pollack): B gets the same updates as the readout's weights, and both lose their
            difference: it shrinks by this part in [0, 1] with every call of `gradients`. Give a weight decay to the optimiser
            for the same on the readout's side.
        rate_target, rate_strength: adds the gradient of `rate_strength / 2 sum_j (f_j - rate_target)^2` at the last step of
            each call, `f_j` the mean spikes per step of neuron j since the sequence began:
            `rate_strength (f_j - rate_target) / T sum_t e_t`.

    Raises:
        ValueError: kappa outside [0, 1), adapt outside [0, 1] or without feedback, a negative rate or strength; at `init`:
            feedback for a weight that no readout has, or of another shape.

    Source: Bellec et al., "A solution to the learning dilemma for recurrent networks of spiking neurons", 2020.
    """
    if adapt is not None and (feedback is None or not 0 <= adapt <= 1):
        raise ValueError(
            f"adapt is {adapt!r}; it is a part in [0, 1], and needs feedback (a seed or arrays) to start from"
        )
    if rate_target < 0 or rate_strength < 0:
        raise ValueError(f"rate_target {rate_target!r} and rate_strength {rate_strength!r}: neither may be negative")
    if isinstance(feedback, Mapping):
        return _e_prop(given(feedback, adapt), kappa, adapt, float(rate_target), float(rate_strength))
    return _cached(feedback, kappa, adapt, float(rate_target), float(rate_strength))


@lru_cache(typed=True)
def _cached(seed: int | None, kappa: bool | float, adapt: float | None, target: float, strength: float) -> Rule:
    # one rule for equal numbers, so that nothing is compiled twice
    way = None if seed is None else random_feedback(seed, adapt)
    return _e_prop(way, kappa, adapt, target, strength)


def _e_prop(way: Feedback | None, kappa: bool | float, adapt: float | None, target: float, strength: float) -> Rule:
    route = (way or Feedback()).route(kappa, counts=strength > 0)
    rule = d_rtrl()._replace(route=route)
    if way is not None:
        rule = rule._replace(lasting=way.start, settle=None if adapt is None else shrinking(adapt))
    return rule._replace(teach=Teaching(end=_rates(target, strength))) if strength else rule


def _rates(target: float, strength: float):
    def end(shown: Shown) -> jax.Array:
        off = [((n / shown.steps - target) ** 2).sum() for n in shown.counts.values()]
        return strength / 2 * sum(off, jnp.zeros(()))

    return end
