"""Brunel and Wang's neurons in batches, under jit and vmap, in single precision, by sender, and differentiated."""

import brainstate
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import saiunit as u
from bw import EXACT, JUMP, drive, made, run, states

import vestige as vg
from vestige import nest

PORTS = np.array([[4.0, 20.0], [9.0, 2.0], [15.0, 7.0]])


@pytest.fixture(autouse=True)
def time_step():
    with brainstate.environ.context(dt=0.1 * u.ms):
        yield


def close(got, want, atol):
    for k in want:
        np.testing.assert_allclose(got[k], want[k], rtol=0, atol=atol, err_msg=k)


at = lambda events, *index: jax.tree.map(lambda e: jnp.asarray(e[index]), events)


def test_a_batch_is_its_examples_and_a_map_a_batch():
    neuron, events = EXACT(3, nmda_weights=PORTS), drive(2, 3)
    both = run(made(neuron, batch_size=2), events)
    assert 1 < both["spikes"].sum() < 100
    made(neuron)
    close(run(neuron, at(events, slice(None), 1)), {k: v[:, 1] for k, v in both.items()}, 1e-11)

    def fresh(events):
        neuron = made(EXACT(3, nmda_weights=PORTS))
        for t in range(2):
            neuron(200.0 * u.pA, at(events, t))
        return neuron.V.value.mantissa

    V = jax.vmap(fresh, in_axes=1)(events)
    np.testing.assert_allclose(V, both["V_m"][1], rtol=0, atol=1e-11)
    assert len(np.unique(both["V_m"][1])) > 1


@pytest.mark.parametrize("kind", [EXACT, JUMP])
def test_a_compiled_loop_is_the_eager_one(kind):
    more, events = {"nmda_weights": PORTS} if kind is EXACT else {}, drive(3, steps=6)
    events["AMPA"] = events["AMPA"] + 20.0
    if kind is JUMP:
        events["NMDA"] = events["NMDA"][..., 0]
    compiled, eager = made(kind(3, **more)), made(kind(3, **more))
    got = run(compiled, events)
    for t in range(6):
        eager(200.0 * u.pA, at(events, t))
    close(states(compiled), states(eager), 1e-11)
    assert np.abs(got["V_m"][-1] + 70.0).max() > 1.0
    one = run(made(kind(3, **more)), at(events, slice(1)))
    close(one, {k: v[:1] for k, v in got.items()}, 1e-12)


def test_single_precision_stays_near():
    events = drive(3, steps=1000)
    want = run(made(EXACT(3, nmda_weights=PORTS)), events)
    jax.config.update("jax_enable_x64", False)
    with brainstate.environ.context(precision=32):
        got = run(made(EXACT(3, nmda_weights=PORTS)), jax.tree.map(lambda e: e.astype(np.float32), events))
    np.testing.assert_array_equal(got["spikes"], want["spikes"])
    assert {v.dtype for v in got.values()} == {np.dtype(np.float32)} and want["spikes"].sum() > 10
    np.testing.assert_allclose(got["V_m"], want["V_m"], rtol=0, atol=5e-5)


def test_what_is_recorded_when():
    neuron = made(EXACT(1, nmda_weights=[10.0] * u.nS))
    hit = {
        "AMPA": jnp.zeros((3, 1)).at[0].set(9.0),
        "GABA": jnp.zeros((3, 1)),
        "NMDA": jnp.zeros((3, 1)).at[0].set(1.0),
    }
    got = {k: v[:, 0] for k, v in run(neuron, hit, 0.0).items()}
    np.testing.assert_allclose(got["s_AMPA"], 9.0 * np.exp([0.0, -0.05, -0.1]), rtol=1e-9)  # after events
    assert got["I_AMPA"][0] == got["s_NMDA"][0] == got["I_NMDA"][0] == 0.0  # before events
    np.testing.assert_allclose(got["I_AMPA"][1:], (got["s_AMPA"] * got["V_m"])[1:], rtol=1e-12)
    block = got["V_m"] / (1.0 + np.exp(-0.062 * got["V_m"]) / 3.57)
    np.testing.assert_allclose(got["I_NMDA"][1:], (got["s_NMDA"] * block)[1:], rtol=1e-12)
    assert neuron.recordables == ["V_m", "s_AMPA", "s_GABA", "s_NMDA", "I_NMDA", "I_AMPA", "I_GABA"]
    assert neuron.receptor_types == {"AMPA": 1, "GABA": 2, "NMDA": 3}
    np.testing.assert_allclose(neuron.integration_step.value.to_decimal(u.ms), 0.1)
    with pytest.raises(ValueError, match="does not record"):
        neuron.record("g_ex")


def test_first_values_and_silence():
    neuron = EXACT(
        (2, 2), V_initializer=lambda shape: np.full(shape, -54.0) * u.mV, s_AMPA_initializer=3.0 * u.nS,
        s_GABA_initializer=lambda shape: np.arange(4.0).reshape(shape) * u.nS, ref_var=True, t_ref=0.25 * u.ms,
    )  # fmt: skip
    made(neuron, batch_size=3)
    assert neuron.V.value.shape == (3, 2, 2) and neuron.s_AMPA.value[2, 1, 1] == 3.0 * u.nS
    np.testing.assert_array_equal(neuron.s_GABA.value[1].to_decimal(u.nS), [[0, 1], [2, 3]])
    seen = []
    for k in range(4):
        with brainstate.environ.context(t=k * 0.1 * u.ms):
            spikes = neuron(np.full((2, 2), 9e4) * u.pA)
        seen.append((spikes[0, 0, 0], neuron.refractory.value[0, 0, 0], neuron.V.value[0, 0, 0].to_decimal(u.mV)))
    assert [s[0] for s in seen] == [1, 0, 0, 0] and [bool(s[1]) for s in seen] == [True, True, True, False]
    assert {float(s[2]) for s in seen} == {-60.0}
    np.testing.assert_allclose(neuron.last_spike_time.value.to_decimal(u.ms), 0.1)
    assert neuron(0.0 * u.pA).sum() == 12.0


def test_one_pair_per_sender_is_one_pair_per_port():
    draw = np.random.default_rng(1)
    x, W = (draw.random((300, 20)) < 0.03) * draw.integers(1, 4, 20), draw.uniform(0.0, 12.0, (20, 5))
    ports, source, target = made(EXACT(5, nmda_weights=W.T)), made(nest.NMDASource(20)), made(EXACT(5))
    ports.reset_state(batch_size=2)
    source.reset_state(batch_size=2)
    target.reset_state(batch_size=2)
    spikes = np.stack([x, x[::-1]], 1)
    want = run(ports, {"NMDA": spikes[:, :, None]})
    got = run_with(target, lambda x: {"NMDA_g": vg.matmul(source(x), W)}, spikes)
    close(got, want, 1e-10)
    assert want["spikes"].sum() > 5 and want["s_NMDA"].max() > 100
    with pytest.raises(ValueError, match=r"shape \(19,\); it needs \(2, 20\)"):
        source(np.ones(19))
    with pytest.raises(ValueError, match="alpha is .*; it must be above"):
        nest.NMDASource(3, alpha=0.0 / u.ms)


def run_with(target, events, xs):
    def step(x):
        z = target(200.0 * u.pA, events(x))
        return {**{k: u.get_mantissa(v) for k, v in target.record().items()}, "spikes": z}

    return jax.tree.map(np.asarray, brainstate.transform.for_loop(step, xs))


class Net(brainstate.nn.Module):
    """Senders, their NMDA and AMPA synapses, a readout."""

    def __init__(self):
        super().__init__()
        draw = np.random.default_rng(4)
        self.W = brainstate.ParamState(draw.uniform(30.0, 90.0, (5, 3)))
        self.A = brainstate.ParamState(draw.uniform(30.0, 90.0, (5, 3)))
        self.out = brainstate.ParamState(draw.normal(size=(3, 2)))
        self.source, self.neurons = nest.NMDASource(5), EXACT(3)

    def update(self, x):
        events = {"NMDA_g": vg.matmul(self.source(x), self.W.value) * u.nS, "AMPA": vg.matmul(x, self.A.value)}
        return vg.matmul(self.neurons(0.0 * u.pA, events), self.out.value)


@pytest.mark.slow
def test_weights_of_senders_are_trained_online():
    draw, found = np.random.default_rng(6), []
    xs, targets = (draw.random((60, 5)) < 0.1).astype(float), draw.normal(size=(60, 2))
    for kind in (vg.BPTT, vg.D_RTRL):
        learner = kind(made(Net()))
        learner.compile_graph(jnp.zeros(5))
        found.append(learner.gradients(xs, targets, lambda y, t: jnp.sum((y - t) ** 2)))
    true, online = (jax.tree.leaves(f.grads) for f in found)
    for a, b in zip(online, true):
        np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-14)
        assert np.all(np.isfinite(b)) and np.all(b)
    assert 0.01 < np.mean(next(iter(found[0].firing.values()))) < 0.5


@pytest.mark.parametrize("spk_reset", ["hard", "soft"])
def test_sixty_steps_have_a_gradient_for_every_weight(spk_reset):
    hit = lambda t, *shape: jnp.zeros((60, *shape)).at[t].set(1.0)
    events = {"AMPA": 60.0 * hit(12, 3), "GABA": 10.0 * hit(5, 3), "NMDA": hit(3, 3, 2)}

    def loss(w):
        start = {"V_initializer": -58.0 * u.mV, "spk_reset": spk_reset}
        neuron = made(EXACT(3, nmda_weights=brainstate.ParamState(w["NMDA"]), **start))

        def step(e):
            given = {"AMPA": w["AMPA"] * e["AMPA"], "GABA": w["GABA"] * e["GABA"], "NMDA": e["NMDA"]}
            return neuron(300.0 * u.pA, given)

        return jnp.sum(brainstate.transform.for_loop(step, events))

    made_of = {"AMPA": jnp.ones(3), "GABA": jnp.ones(3), "NMDA": jnp.asarray(PORTS)}
    spikes, grads = jax.value_and_grad(loss)(made_of)
    assert spikes >= 3.0
    for k, g in grads.items():
        assert np.all(np.isfinite(g)) and np.all(g), (k, g)
        assert np.all(np.sign(g) == (-1 if k == "GABA" else 1)) or spk_reset == "soft", (k, g)


def test_jumps_are_weighted_and_saturate():
    one, several = made(JUMP(2)), made(JUMP(2))
    one(0.0 * u.pA, {"NMDA": np.array([6.0, 0.0]) * u.nS})
    several(0.0 * u.pA, [("NMDA", np.array([3.0, 0.0]) * u.nS, 2.0)])
    close(states(one), states(several), 0.0)
    sent = []
    for _ in range(6):
        one.V.value, one.refractory_step_count.value = jnp.zeros(2) * u.mV, jnp.zeros(2, int)
        one()
        sent.append(float(one.NMDA_jump.value[0]))
    # each synapse alone would open to 1 at most
    assert 0.6 < sent[0] < 0.7 and np.all(np.diff(sent) < 0) and one.NMDA_gate.value[0] < 1.05
    with pytest.raises(ValueError, match="tau_rise_NMDA is .*; it must be below tau_decay_NMDA"):
        JUMP(1, tau_rise_NMDA=100.0 * u.ms)
