"""Brunel and Wang's neurons under a fixed drive."""

import brainstate
import jax
import numpy as np
import saiunit as u

from vestige import nest

EXACT, JUMP = nest.iaf_bw_2001_exact, nest.iaf_bw_2001


def made(neuron, **more):
    """With its states."""
    brainstate.nn.init_all_states(neuron, **more)
    return neuron


def states(neuron):
    """All of them as numbers, by name."""
    return {k: np.asarray(u.get_mantissa(getattr(neuron, k).value)) for k in neuron.state_names}


def drive(*shape, steps=150, ports=2):
    """Arrays by receptor, leading with time, strong enough for spikes."""
    draw = np.random.default_rng(3)
    hit = lambda *shape: (draw.random((steps, *shape)) < 0.05).astype(float)
    return {"AMPA": 60.0 * hit(*shape), "GABA": 10.0 * hit(*shape), "NMDA": 2.0 * hit(*shape, ports)}


def run(neuron, events, current=200.0):
    """Recordables and spikes `[T, ...]`."""

    def step(e):
        z = neuron(current * u.pA, e)
        return {**{k: u.get_mantissa(v) for k, v in neuron.record().items()}, "spikes": z}

    return jax.tree.map(np.asarray, brainstate.transform.for_loop(step, events))
