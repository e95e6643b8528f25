"""Three-factor learning: eligibility times a modulator that comes from outside."""

from functools import lru_cache

import jax
import jax.numpy as jnp

from ..graph import Route
from .d_rtrl import d_rtrl
from .ottt import checked
from .types import Rule, Teaching, Told


@lru_cache(typed=True)
def three_factor(decay: float = 0.0) -> Rule:
    """Neo-Hebbian learning: pre, post, and a modulator.

        eps <- D eps + f x^T ;   E <- decay E + (dz/dh) eps ;      dW = - sum_t M_t E_t

    `z` is what a marked weight reads of a population, such as its spikes. The modulator (a reward, a surprise, an error)
    is given step by step, `gradients(..., modulator=M)`: `[T]` or `[T, B]` for all neurons alike, or with a last axis of the
    neurons' number. The result is a gradient for descent: a positive modulator strengthens what was eligible. Readouts
    learn from the loss as ever (give one that is zero if there is none). Memory as `d_rtrl` with one more state.

    Args:
        decay: of the eligibility per step, in [0, 1), so that a modulator that comes late still finds it.

    Raises:
        ValueError: decay outside [0, 1); at `gradients`: no modulator, or one whose last axis fits not every reader.

    Source: Gerstner et al., "Eligibility traces and plasticity on behavioral time scales", 2018.
    """
    decay = checked(decay)
    teach = Teaching(step=_wanted, modulated=True)
    return d_rtrl()._replace(route=Route(decay or False, told=True), teach=teach)


def _wanted(memory: None, told: Told) -> jax.Array:
    M, total = told.modulator, jnp.zeros(())
    for name, read in told.shown.read.items():
        wide = M.ndim > 0 and M.shape[-1:] == read.shape[-1:] and M.ndim == read.ndim
        if not wide and M.shape != read.shape[: M.ndim]:
            raise ValueError(
                f"the modulator of one step has shape {M.shape}, and `{name}` reads {read.shape}: give one number a step, or one "
                "a neuron"
            )
        M_here = M if wide else M.reshape(*M.shape, *(1,) * (read.ndim - M.ndim))
        total -= jnp.sum(jax.lax.stop_gradient(M_here).astype(read.dtype) * read) / told.examples
    return total
