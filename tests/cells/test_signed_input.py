"""Dendritic input of both signs: D-RTRL is exact, a product of two sums is far off; the report warns and the audit shows it."""

import brainstate
import jax.numpy as jnp
import numpy as np
import pytest
import saiunit as u

import vestige as vg
from vestige import cells

T = 40


class Dendrites(brainstate.nn.Module):
    """Two passive cells of nine compartments, a weighted current onto each."""

    def __init__(self) -> None:
        super().__init__()
        shape = cells.Morphology()
        shape.add_cylinder_section("soma", 20 * u.um, 20 * u.um)
        for name in ("a", "b"):
            shape.add_cylinder_section(name, 300 * u.um, 1 * u.um, 4)
            shape.connect(name, "soma", 1.0)
        self.cell = cells.MultiCompartment(2, shape)
        self.cell.insert(cells.Leak(3e-5 * cells.DENSITY, -65 * u.mV))
        weight = np.random.default_rng(0).normal(size=(3, 18)) * 0.1
        self.w = vg.ETraceParam({"weight": jnp.asarray(weight) * u.nA}, vg.MatMulOp())

    def update(self, x):
        self.cell(self.w.execute(x).reshape((2, 9)))
        return (self.cell.V.value[:, 0] + 65 * u.mV) / u.mV


def learner(rule, *more):
    net = Dendrites()
    with brainstate.environ.context(dt=0.5 * u.ms):
        brainstate.nn.init_all_states(net)
        found = rule(net, *more)
        found.compile_graph(np.zeros(3))
    return found


def test_the_report_warns_of_it():
    weak, exact = learner(vg.ES_D_RTRL, 0.8).report, learner(vg.D_RTRL).report
    assert "weak under this rule" in weak and "cell.V, 9 a position" in weak
    assert "weak under this rule" not in exact


@pytest.mark.slow
def test_a_product_of_sums_is_weak_where_inputs_take_both_signs():
    rng = np.random.default_rng(1)
    signed, spikes = rng.normal(size=(T, 3)), (rng.random((T, 3)) < 0.3) * 1.0
    # wanted of a voltage: up or down, step by step
    wanted, loss = np.random.default_rng(2).normal(size=(T, 2)), lambda out, way: (out * way).sum()
    exact, weak = learner(vg.D_RTRL), learner(vg.ES_D_RTRL, 0.8)
    with brainstate.environ.context(dt=0.5 * u.ms):
        through = vg.audit(exact, signed, wanted, loss=loss, window=T)
        apart, of_spikes = (vg.audit(weak, xs, wanted, loss=loss, window=T) for xs in (signed, spikes))
    assert through.rows[0].note == "exact" and through.rows[0].true > 1
    assert 0 < apart.rows[0].cosine < 0.6 and of_spikes.rows[0].cosine > 0.8
    assert "same-sign assumption fails" in str(apart)
    assert not any("same-sign" in str(fine) for fine in (through, of_spikes))
