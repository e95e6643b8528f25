"""Small modules for devices: spiking neurons with units, neurons of NEST, cells with compartments."""

import brainstate
import jax.numpy as jnp
import numpy as np
import saiunit as u

import vestige as vg

N_IN, N, STEPS, DT = 3, 4, 20, 0.5
Module = brainstate.nn.Module


def weight(size: float, *shape: int, seed: int = 0) -> brainstate.ParamState:
    return brainstate.ParamState(jnp.asarray(size * np.random.default_rng(seed).uniform(0.2, 1.0, shape)))


class Spiking(Module):
    """Recurrent LIF and a leaky readout."""

    def __init__(self):
        super().__init__()
        self.linear = vg.nn.Linear(N_IN + N, N, w_init=weight(2.0, N_IN + N, N).value * u.mA, b_init=None)
        self.neuron = vg.neurons.LIF(N)
        self.out = vg.nn.LeakyRateReadout(N, N, w_init=weight(1.0, N, N, seed=1).value)

    def update(self, x):
        return self.out(self.neuron(self.linear(jnp.concatenate([x, self.neuron.get_spike()], -1))))


class Nest(Module):
    """Currents and spikes onto neurons of NEST, exact steps or adaptive ones."""

    def __init__(self, make=vg.nest.iaf_psc_exp, current: float = 400.0, events: float = 300.0):
        super().__init__()
        self.neuron, self.current, self.events = make(N), weight(current, N_IN, N), weight(events, N_IN, N, seed=2)

    def update(self, x):
        z = self.neuron(vg.matmul(x, self.current.value) * u.pA, {"ex": vg.matmul(x, self.events.value)})
        return z + 0.01 * self.neuron.V.value.to_decimal(u.mV)


class Cells(Module):
    """Two neurons of a soma and two dendrites, with the squid's channels."""

    def __init__(self):
        super().__init__()
        shape = vg.cells.Morphology()
        shape.add_cylinder_section("soma", 20 * u.um, 20 * u.um)
        for name, diam in (("a", 2.0), ("b", 1.0)):
            shape.add_cylinder_section(name, 120 * u.um, diam * u.um, 1)
            shape.connect(name, "soma", 1.0)
        self.cell = vg.cells.MultiCompartment(2, shape)
        self.cell.insert(vg.cells.HH(g_Na=brainstate.ParamState(0.12 * vg.cells.DENSITY)), "soma")
        self.cell.insert(vg.cells.Leak())
        self.w = weight(1.0, N_IN, 6)

    def update(self, x):
        z = self.cell(vg.matmul(x, self.w.value).reshape(*x.shape[:-1], 2, 3) * u.nA)
        return z + self.cell.V.value[..., 0] / u.mV / 50


NETS = {
    "LIF": Spiking, "iaf_psc_exp": Nest, "iaf_cond_exp": lambda: Nest(vg.nest.iaf_cond_exp, 600.0, 40.0), "cells": Cells,
}  # fmt: skip


def sequence(width: int = N, batch: int | None = None) -> tuple[jnp.ndarray, jnp.ndarray]:
    """Input spikes and targets."""
    draw, lead = np.random.default_rng(5), (STEPS,) if batch is None else (STEPS, batch)
    return jnp.asarray((draw.random((*lead, N_IN)) < 0.5) * 1.0), jnp.asarray(draw.random((*lead, width)))


def loss(output, target):
    return jnp.mean((output - target[..., : output.shape[-1]]) ** 2)


def started(net, rule=vg.D_RTRL, batch: int | None = None, mesh=None):
    """A compiled learner."""
    model = net()
    brainstate.nn.init_all_states(model)
    learner = rule(model)
    learner.compile_graph(jnp.zeros(N_IN), batch_size=batch, mesh=mesh)
    return learner
