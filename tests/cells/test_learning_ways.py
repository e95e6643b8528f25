"""Ways in which what is trained reaches a cell: through bounds, one by one, by sparse weights onto scattered compartments."""

import brainstate
import jax
import jax.numpy as jnp
import numpy as np
import saiunit as u

import vestige as vg
from vestige import cells
from vestige.cells.morphology import CAPACITANCE, RESISTIVITY

CELLS, INPUTS, T, DT = 2, 3, 12, 0.2
SCATTERED = [0, 2, 2]  # compartments: two synapses in one of them
WIRES = (np.array([0, 0, 1, 2, 2, 1, 0]), np.array([0, 3, 1, 2, 4, 5, 5]), (INPUTS, CELLS * len(SCATTERED)))


def within(value, low, high):
    """A trained parameter that cannot leave its bounds."""
    return brainstate.nn.Param(value, t=brainstate.nn.SigmoidT(low, high))


def above(value, low):
    """The same with a lower bound alone."""
    return brainstate.nn.Param(value, t=brainstate.nn.SoftplusT(low))


class Net(brainstate.nn.Module):
    """Sparse weights, all above zero, onto scattered synapses; a current of its own for each cell; all else within bounds."""

    def __init__(self) -> None:
        super().__init__()
        shape = cells.Morphology()
        shape.add_cylinder_section("soma", 20 * u.um, 20 * u.um)
        for name in ("a", "b"):
            shape.add_cylinder_section(name, 120 * u.um, 2 * u.um)
            shape.connect(name, "soma")
        each = lambda low, high: np.linspace(low, high, CELLS)[:, None]
        self.cell = cells.MultiCompartment(
            CELLS, shape, Ra=within(150.0 * RESISTIVITY, 30.0 * RESISTIVITY, 400.0 * RESISTIVITY),
            cm=above(1.1 * CAPACITANCE, 0.5 * CAPACITANCE), V_init=-60.0 * u.mV,
        )  # fmt: skip
        self.cell.insert(
            cells.Leak(
                g_L=within(each(1e-4, 3e-4) * cells.DENSITY, 1e-5 * cells.DENSITY, 1e-3 * cells.DENSITY),
                E_L=within(-65.0 * u.mV, -80.0 * u.mV, -50.0 * u.mV),
            )
        )
        kept = np.array([1e-3, 2e-3, 3e-3])
        self.cell.insert(cells.KHH(g_K=within(kept * cells.DENSITY, 0.0 * cells.DENSITY, 0.1 * cells.DENSITY)))
        self.cell.insert(cells.ExpSyn(tau=above(each(1.0, 2.0) * u.ms, 0.1 * u.ms)), SCATTERED)
        self.cell.insert(cells.Clamp(), [1, 0])
        rng = np.random.default_rng(0)
        self.wires = vg.ETraceParam(rng.normal(size=len(WIRES[0])), vg.SpMatMulOp(WIRES, weight_fn=jax.nn.softplus))
        self.tonic = vg.ElemWiseParam(rng.normal(size=(CELLS, 2)), lambda raw: 0.05 * jnp.tanh(raw) * u.nA)
        self.gain = brainstate.ParamState(rng.normal(size=(CELLS, 2)))

    def update(self, x):
        arriving = self.wires.execute(x).reshape(CELLS, -1) * u.nS
        driven = vg.element_wise(self.gain.value, jnp.full((CELLS, 2), 0.02 * x.sum()), weight_fn=jax.nn.sigmoid)
        self.cell(expsyn=arriving, clamp=self.tonic.execute() + driven * u.nA)
        return self.cell.V.value[:, 0].to_decimal(u.mV) / 20


def trains() -> np.ndarray:
    return (np.random.default_rng(1).random((T, INPUTS)) < 0.4) * 1.0


def loss(v):
    return ((v + 3) ** 2).sum()


def test_bounds_and_wires_are_trained_online_as_through_time():
    net, xs = Net(), trains()
    states = net.states(brainstate.ParamState)
    with brainstate.environ.context(dt=DT * u.ms, precision=64):
        brainstate.nn.init_all_states(net)
        learner = vg.D_RTRL(net)
        learner.compile_graph(xs[0])
        found = learner.gradients(xs, np.zeros(T), loss=lambda v, _: loss(v), window=T // 2)
        learner.reset()
        total = lambda: jax.vmap(loss)(brainstate.transform.for_loop(net.update, xs)).sum()
        true = brainstate.transform.jit(lambda: brainstate.transform.grad(total, states)())()
    assert len(true) == 9 and len(learner.graph.report.exact) == 9 and not learner.graph.report.dropped
    # each is one value of the step, however often it is read
    assert len(learner.graph.edges) == 9
    for name, want in true.items():
        (a,), (b,) = jax.tree.leaves(found.grads[name]), jax.tree.leaves(want)
        assert np.asarray(b).all(), name
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-10 * np.abs(b).max(), err_msg=str(name))
    assert np.ptp(np.asarray(found.outputs)) > 0.1
