"""A cell whose conductances are asked for, and what an electrode in its soma records."""

import brainstate
import jax
import jax.numpy as jnp
import numpy as np
import saiunit as u

from vestige import cells

DT = 0.025  # ms
TRUE = {"g_Na": 0.12, "g_K": 0.036, "g_L": 3e-4}  # S/cm2


class Cells(brainstate.nn.Module):
    """A soma with Hodgkin and Huxley's channels and a leaking dendrite, pulled towards a recorded voltage.

    The conductances, `{name: [cells]}` in S/cm2, are learned between a tenth of the true ones and four times as much.
    """

    def __init__(self, pull: u.Quantity, g: dict[str, np.ndarray]) -> None:
        super().__init__()
        shape = cells.Morphology()
        shape.add_cylinder_section("soma", 20.0 * u.um, 20.0 * u.um)
        shape.add_cylinder_section("dendrite", 300.0 * u.um, 2.0 * u.um, nseg=3)
        shape.connect("dendrite", "soma", 1.0)
        self.pull, self.cell = pull, cells.MultiCompartment(len(g["g_L"]), shape)
        self.g = {
            name: brainstate.nn.Param(
                jnp.asarray(g[name], jnp.float32)[:, None] * cells.DENSITY,
                t=brainstate.nn.SigmoidT(0.1 * true * cells.DENSITY, 4.0 * true * cells.DENSITY),
            )
            for name, true in TRUE.items()
        }
        self.cell.insert(cells.HH(**self.g), "soma")
        self.cell.insert(cells.Leak(self.g["g_L"], -54.3 * u.mV), "dendrite")  # one parameter at two places
        self.cell.insert(cells.Clamp(), ("soma", 0.5))

    def update(self, x: jax.Array) -> jax.Array:
        """One step with a current and the voltage recorded before it, `[nA, mV]`; the somas' voltages, mV."""
        current, recorded = x[0] * u.nA, x[1] * u.mV
        self.cell(clamp=current + self.pull * (recorded - self.cell.V.value[:, :1]))
        return self.cell.V.value[:, 0].to_decimal(u.mV)

    def ratios(self) -> np.ndarray:
        """Conductances over the true ones, `[names, cells]`."""
        return np.array([g.value().to_decimal(cells.DENSITY)[:, 0] / TRUE[name] for name, g in self.g.items()])


def answer(current: jax.Array, g: dict[str, np.ndarray]) -> np.ndarray:
    """Voltage of cells with these conductances and nothing but this current, mV, `[steps, cells]`."""
    model = Cells(0.0 * u.nS, g)
    brainstate.nn.init_all_states(model)
    return np.asarray(brainstate.transform.for_loop(model.update, jnp.stack([current, 0.0 * current], -1)))


def wandering(steps: int, rng: np.random.Generator) -> jax.Array:
    """A current that wanders about 0.15 nA, with a memory of 10 ms, nA."""
    kicks = np.sqrt(2 * DT / 10.0) * rng.normal(size=steps)
    return jnp.asarray(0.15 + 0.15 * np.convolve(kicks, (1 - DT / 10.0) ** np.arange(6000))[:steps], jnp.float32)


def count(v: np.ndarray) -> np.ndarray:
    """Spikes: how often a voltage `[steps, ...]` comes above zero."""
    return ((v[1:] > 0) & (v[:-1] <= 0)).sum(0)
