"""Networks learn online: where the report says so, as backpropagation through time does."""

import brainstate
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import saiunit as u

import vestige as vg
from vestige import nest

MS = u.ms


@pytest.fixture(autouse=True)
def time_step():
    with brainstate.environ.context(dt=0.1 * MS):
        yield


draw = np.random.default_rng(0)


class Trained(brainstate.nn.Module):
    """Trains through delays into neurons, by pairs and by populations or back among the neurons; a readout."""

    def __init__(self, recurrent=False, n=6):
        super().__init__()
        weight = lambda *shape, scale: brainstate.ParamState(jnp.asarray(draw.normal(size=shape)) * scale * u.pA)
        self.line, self.back = nest.DelayLine(4), nest.DelayLine(n)
        self.neurons = nest.iaf_psc_exp(n, V_initializer=-60.0 * u.mV)
        late = np.repeat(np.arange(4), n) % 3 * 0.2 + 0.1
        who = nest.from_indices(np.repeat(np.arange(4), n), np.tile(np.arange(n), 4))
        project = lambda *which, **how: nest.Projection(which[0], self.neurons, which[1], receptor="ex", **how)
        if recurrent:
            rest = project(self.back, nest.fixed_indegree(3), weight=300.0 * u.pA, delay=0.2 * MS)
        else:
            rest = project(self.line, nest.blocks([1, 3], [2, 4]), weight=weight(2, 2, scale=400.0), delay=0.4 * MS)
        self.projections = [project(self.line, who, weight=weight(4 * n, scale=900.0), delay=late * MS), rest]
        # a plain readout: a marked one would cut the credit that reaches it through the last step's voltage
        self.out = brainstate.ParamState(jnp.asarray(draw.normal(size=(n, 2))))

    def update(self, x):
        for projection in self.projections:
            projection()
        self.line(x)
        return self.back(self.neurons()) @ self.out.value


XS = (draw.random((32, 4)) < 0.4) * 1.0
TARGETS = draw.normal(size=(32, 2))


def square(y, target):
    return jnp.mean((y - target) ** 2)


def learning(kind, model, batch=None):
    brainstate.nn.init_all_states(model)
    learner = kind(model)
    learner.compile_graph(jnp.zeros(4), **({} if batch is None else {"batch_size": batch}))
    return learner


def gradient(learner, xs=XS, targets=TARGETS):
    learner.reset()
    return learner.gradients(xs, targets, loss=square, window=8)


def close(a, b):
    return all(
        float(jnp.abs(x - y).max()) <= 1e-10 * float(jnp.abs(y).max()) for x, y in zip(*map(jax.tree.leaves, (a, b)))
    )


def test_online_gradients_are_exact_where_the_report_says_so():
    model = Trained()
    learner = learning(vg.D_RTRL, model)
    online, true = gradient(learner), gradient(learning(vg.BPTT, model))
    assert "D-RTRL is exact here" in str(learner.report)
    assert all(float(jnp.abs(u.get_mantissa(g)).max()) > 1e-6 for g in jax.tree.leaves(true.grads))
    assert set(online.grads) == set(true.grads) and close(online.grads, true.grads)


def test_recurrent_networks_report_what_they_drop_and_a_batch_is_its_examples():
    model = Trained(recurrent=True)
    single = learning(vg.D_RTRL, model)
    assert "a fixed weight reads the previous back" in str(single.report)
    runs = [gradient(single, xs) for xs in (XS, XS[::-1].copy())]
    both = gradient(learning(vg.D_RTRL, model, batch=2), np.stack([XS, XS[::-1]], 1), np.stack([TARGETS, TARGETS], 1))
    for n in (0, 1):
        np.testing.assert_allclose(both.outputs[:, n], runs[n].outputs, rtol=1e-12, atol=1e-12)
    assert runs[0].outputs.std() > 0
    assert close(both.grads, jax.tree.map(lambda a, b: 0.5 * (a + b), runs[0].grads, runs[1].grads))


class Read(brainstate.nn.Module):
    """Neurons whose spikes a readout reads: as they come or from a state that keeps them, by a plain product or a marked one."""

    def __init__(self, product, keep):
        super().__init__()
        self.neurons, self.product, self.keep = nest.iaf_psc_exp(3, V_initializer=-56.0 * u.mV), product, keep
        self.into = brainstate.ParamState(jnp.array([[300.0, 500.0, 900.0], [200.0, 400.0, 700.0]]))
        self.out = brainstate.ParamState(jnp.array([[1.0], [-0.5], [0.3]]))
        self.kept = brainstate.HiddenState(jnp.zeros(3))

    def update(self, x):
        spikes = self.neurons(spike_events={"ex": vg.matmul(x, self.into.value) * u.pA})
        if self.keep is not None:
            spikes = self.kept.value = self.keep * self.kept.value + spikes
        return self.product(spikes, self.out.value)


@pytest.mark.parametrize("product, keep, exact", [
    (jnp.matmul, None, True), (vg.matmul, None, False), (vg.matmul, 0.0, True), (vg.matmul, 0.9, True),
], ids=["plain", "marked", "marked, of kept spikes", "marked, of filtered spikes"])  # fmt: skip
def test_a_marked_readout_of_spikes_drops_credit_and_says_so_unless_a_state_keeps_them(product, keep, exact):
    xs, targets = (np.random.default_rng(0).random((60, 2)) < 0.4) * 1.0, np.ones((60, 1))

    def found(kind):
        model = Read(product, keep)
        brainstate.nn.init_all_states(model)
        learner = kind(model)
        learner.compile_graph(jnp.zeros(2))
        return learner, learner.gradients(xs, targets, loss=square, window=7)

    (learner, online), (_, true) = found(vg.D_RTRL), found(vg.BPTT)
    assert all(float(jnp.abs(g).max()) > 1e-6 for g in jax.tree.leaves(true.grads))
    assert close(online.grads, true.grads) == exact
    assert ("out reads the previous neurons.I_syn_ex, neurons.V" in learner.report) != exact
    assert ("D-RTRL is exact here" in learner.report) == exact
