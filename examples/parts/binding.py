"""Feature binding: four features, two wanted pairs and two unwanted; cells that hear them, with a dendrite or without."""

import brainstate
import jax
import jax.numpy as jnp
import numpy as np
import saiunit as u

import vestige as vg
from vestige import cells

STEPS, CELLS, BRANCHES, FEATURES = 120, 8, 4, ("red", "blue", "square", "circle")  # steps of 0.5 ms
PAIRS = np.array([[0, 2], [1, 3], [0, 3], [1, 2]])
Body = tuple[cells.Morphology, list[tuple[str, float]]]


def branched() -> Body:
    """A soma and four thin branches; far out on each is a place for synapses."""
    shape = cells.Morphology()
    shape.add_cylinder_section("soma", 25.0 * u.um, 25.0 * u.um)
    for b in range(BRANCHES):
        shape.add_cylinder_section(f"branch{b}", 300.0 * u.um, 0.8 * u.um, nseg=3, Ra=150.0 * u.ohm * u.cmetre)
        shape.connect(f"branch{b}", "soma", 1.0)
    return shape, [(f"branch{b}", 0.8) for b in range(BRANCHES)]


def point() -> Body:
    """As much membrane and as many synapses, all at one place."""
    shape = cells.Morphology()
    shape.add_cylinder_section("soma", 39.8 * u.um, 39.8 * u.um)
    return shape, [("soma", 0.5)] * BRANCHES


class Population(brainstate.nn.Module):
    """Cells that hear the four features on each of their branches, through NMDA receptors and weights above zero of their own."""

    def __init__(self, body: Body, seed: int) -> None:
        super().__init__()
        shape, places = body
        self.cell = cells.MultiCompartment(CELLS, shape, V_init=-70.0 * u.mV)
        self.cell.insert(cells.Leak(5e-5 * cells.DENSITY, -70.0 * u.mV))
        self.cell.insert(cells.NMDA(), places)
        start = np.random.default_rng(seed).uniform(0.25, 0.75, (len(FEATURES), CELLS * BRANCHES))
        self.weight = vg.ETraceParam(jnp.asarray(np.log(start), jnp.float32), vg.MatMulOp(weight_fn=jnp.exp))

    def update(self, x: jax.Array) -> jax.Array:
        """One step with these spikes `[..., 4]`; the somas' voltages, mV, `[..., cells]`."""
        self.cell(nmda=self.weight.execute(x).reshape(*x.shape[:-1], CELLS, BRANCHES) * u.nS)
        return self.cell.V.value[..., 0].to_decimal(u.mV)


def trials(number: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Spikes `[steps, number, 4]`, and whether each cell should respond `[steps, number, cells]`.

    Three spikes of each feature of a pair come within 20 ms, each at a time of its own. Every other cell wants the pairs that the
    others do not.
    """
    pair, x = np.arange(number) % len(PAIRS), np.zeros((STEPS, number, 4), np.float32)
    for n in range(number):
        for f in PAIRS[pair[n]]:
            np.add.at(x[:, n, f], rng.integers(10, 50, 3), 1.0)
    wanted = (pair < 2)[:, None] ^ (np.arange(CELLS) % 2 == 1)
    return x, np.broadcast_to(wanted, (STEPS, number, CELLS)).astype(np.float32)


def watched(model: Population) -> tuple[np.ndarray, np.ndarray, cells.Tree]:
    """Voltages while each pair is shown `[steps, 4, cells, compartments]`, weights in nS `[4, cells, branches]`, the tree."""
    brainstate.nn.init_all_states(model, batch_size=4)
    see = lambda x: (model(x), model.cell.V.value.to_decimal(u.mV))[1]
    v = brainstate.transform.for_loop(see, jnp.asarray(trials(4, np.random.default_rng(1))[0]))
    return np.asarray(v), np.exp(model.weight.value).reshape(len(FEATURES), CELLS, BRANCHES), model.cell.tree
