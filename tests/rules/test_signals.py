"""Signals by other ways and from elsewhere than the loss: each against autodiff of what it says it is."""

from dataclasses import replace
from itertools import combinations, product

import brainstate
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import vestige as vg
from measure import assert_close, distance, named, online
from oracle.reference import bptt
from vestige import GraphError, gradients, init, rules
from zoo import MODELS, I, Model, N, Named, O, _params, matmul, reals, sig, spike, square_error, zeros

STEPS = 12


def _layers(p, s, x):
    """Two layers without recurrent weights, their spikes read as they are made."""
    v = sig(p["a"]) * s["v"] + matmul(x, p["w"])
    u = 0.8 * s["u"] + matmul(spike(v - 0.3), p["w2"])
    return dict(v=v, u=u), matmul(spike(u - 0.3), p["out"])


def _layer(p, s, x):
    v = sig(p["a"]) * s["v"] + matmul(x, p["w"])
    return dict(v=v), matmul(spike(v - 0.3), p["out"])


LAYER = Model("layer", _layer, _params(w=(I, N), a=(N,), out=(N, O)), zeros(v=(N,)), reals(I), spikes=True)
LAYERS = Model("layers", _layers, _params(w=(I, N), w2=(N, N), a=(N,), out=(N, O)), zeros(v=(N,), u=(N,)), reals(I))


def gradient(model, rule, xs, ys, window=None, **options):
    return named(model, online(model, Named("rule", lambda graph: rule), xs, ys, window, **options).grads)


def spikes_of(params, xs, decay=0.0):
    """Spikes of the layer, or what is left of them."""

    def step(c, x):
        v = sig(params["a"]) * c[0] + x @ params["w"]
        r = decay * c[1] + spike(v - 0.3)
        return (v, r), r

    return jax.lax.scan(step, (jnp.zeros(N), jnp.zeros(N)), xs)[1]


# ------------------------------------------------------------------------------------------------- weights of its own
@jax.custom_vjp
def aligned(z, w, b):
    return z @ w


aligned.defvjp(lambda z, w, b: (z @ w, (z, b)), lambda kept, g: (kept[1] @ g, jnp.outer(kept[0], g), None))
BACK = jnp.asarray(np.random.default_rng(7).normal(size=(N, O)))


def by_feedback(params, xs, ys):
    """Backpropagation through time that comes back from the readout by other weights."""

    def total(p):
        said = jax.vmap(lambda z: aligned(z, p["out"], BACK))(spikes_of(p, xs))
        return jax.vmap(square_error)(said, ys).sum()

    return jax.grad(total)(params)


@pytest.mark.parametrize("window", [1, 5, STEPS])
def test_feedback_takes_the_place_of_the_readout(window):
    xs, ys = LAYER.data(STEPS)
    want = named(LAYER, by_feedback(LAYER.params, xs, ys))
    assert_close(gradient(LAYER, rules.e_prop({"out": BACK}), xs, ys, window), want, 1e-11)
    assert_close(gradient(LAYER, rules.rflo({"out": BACK}), xs, ys, window), want, 1e-11)
    assert distance(want["w"], gradient(LAYER, rules.e_prop(), xs, ys)["w"]) > 0.5


def test_random_feedback_is_drawn_by_its_seed():
    xs, ys = LAYER.data(STEPS)
    one, same, other = (gradient(LAYER, rules.e_prop(seed), xs, ys)["w"] for seed in (1, 1, 2))
    assert (one == same).all() and distance(one, other) > 0.1
    carry = init(LAYER.graph, rules.e_prop(1), LAYER.params, LAYER.state)
    (b,) = carry.lasting[1].values()
    assert b.shape == (N, O) and 0.2 < float(jnp.std(b)) * N**0.5 < 2


def test_adaptive_feedback_comes_to_the_readout_as_their_difference_fades():
    xs, ys = LAYER.data(STEPS)
    rule, p = rules.e_prop({"out": BACK}, adapt=0.25), LAYER.params
    carry = init(LAYER.graph, rule, p, LAYER.state)
    assert_close(carry.lasting[1], {"out": BACK - p["out"]}, 1e-12)
    start = carry.state
    for n in range(3):
        carry = replace(carry, state=start)
        now = BACK + (1 - 0.75**n) * (p["out"] - BACK)
        want = gradient(LAYER, rules.e_prop({"out": now}), xs, ys, 4)
        out = gradients(LAYER.graph, rule, p, carry, xs, ys, square_error, 4, first=True)
        assert_close(named(LAYER, out.grads), want, 1e-11)
        carry = out.carry
    # equal updates of both leave their difference as it is
    moved = {**p, "out": p["out"] + 1.0}
    now = moved["out"] + 0.75**3 * (BACK - p["out"])
    got = gradients(LAYER.graph, rule, moved, replace(carry, state=start), xs, ys, square_error, 4, first=True).grads
    fixed = rules.e_prop({"out": now})
    want = gradients(LAYER.graph, fixed, moved, init(LAYER.graph, fixed, p, start), xs, ys, square_error).grads
    assert_close(named(LAYER, got), named(LAYER, want), 1e-11)


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        (lambda: rules.e_prop({"out": BACK.T}), r"`out` has shape \(2, 5\); .*shape \(5, 2\)"),
        (lambda: rules.rflo({"nope": BACK}), r"\['nope'\]: no reader .*there are \['out'\]"),
        (lambda: rules.e_prop({"out": BACK}, adapt=1.5), "adapt is 1.5"),
        (lambda: rules.e_prop(adapt=0.1), "needs feedback"),
        (lambda: rules.e_prop(rate_strength=-1.0), "neither may be negative"),
        (lambda: rules.ottt(1.0), r"decay is 1.0"),
        (lambda: rules.otpe(-0.1), r"decay is -0.1"),
        (lambda: rules.rflo(decay=1.0), r"decay is 1.0"),
        (lambda: rules.three_factor(2), r"decay is 2"),
        (lambda: rules.reward_modulated(1), r"decay is 1"),
        (lambda: rules.sltt(3, 2), "at most `of`"),
        (lambda: rules.sltt(3), "give both"),
        (lambda: rules.dni(0.0), "learning_rate is 0.0"),
    ],
)
def test_bad_numbers_are_refused_before_anything_moves(rule, message):
    with pytest.raises(ValueError, match=message):
        init(LAYER.graph, rule(), LAYER.params, LAYER.state)


def test_a_network_without_readers_has_no_way_back():
    m = MODELS["encoder"]
    for rule in (rules.e_prop(0), rules.osttp(), rules.decolle(), rules.three_factor()):
        with pytest.raises(GraphError, match="no marked weight reads a population"):
            init(m.graph, rule, m.params, m.state)


# ---------------------------------------------------------------------------------------------------- from elsewhere
@pytest.mark.parametrize("window", [1, 5, STEPS])
@pytest.mark.parametrize("wide", [False, True])
@pytest.mark.parametrize("decay", [0.0, 0.7])
def test_three_factors(decay, wide, window):
    xs, ys = LAYER.data(STEPS)
    M = jnp.asarray(np.random.default_rng(1).normal(size=(STEPS, N) if wide else (STEPS, 1)))
    want = jax.grad(lambda p: -(M * spikes_of(p, xs, decay)).sum())(LAYER.params)
    M = M if wide else M[:, 0]
    nothing = lambda output, target: jnp.zeros(())
    got = gradient(LAYER, rules.three_factor(decay), xs, ys, window, modulator=M, loss=nothing)
    for k in ("w", "a"):
        assert np.abs(want[k]).max() > 1e-3 and distance(got[k], want[k]) < 1e-11
    assert not got["out"].any()


@pytest.mark.slow
def test_modulators_of_examples():
    xs, ys = LAYER.data(STEPS, batch=3)
    M = jnp.asarray(np.random.default_rng(1).normal(size=(STEPS, 3)))
    for rule in (rules.three_factor(0.5), rules.reward_modulated(0.5)):
        got = gradient(LAYER, rule, xs, ys, 5, batch=3, modulator=M)
        alone = [gradient(LAYER, rule, xs[:, b], ys[:, b], 5, modulator=M[:, b]) for b in range(3)]
        assert_close(got, {k: np.mean([g[k] for g in alone], 0) for k in got}, 1e-11)


@pytest.mark.parametrize(
    ("rule", "modulator", "message"),
    [
        (rules.three_factor(), None, "needs a modulator"),
        (rules.reward_modulated(), None, "needs a modulator"),
        (rules.d_rtrl(), jnp.ones(STEPS), "takes no modulator"),
        (rules.three_factor(), jnp.ones(STEPS - 1), "modulator has shape"),
        (rules.three_factor(), jnp.ones((STEPS, N + 1)), "one number a step, or one a neuron"),
        (rules.reward_modulated(), jnp.ones((STEPS, N)), "one modulator a step"),
    ],
)
def test_modulators_that_do_not_fit(rule, modulator, message):
    xs, ys = LAYER.data(STEPS)
    with pytest.raises(ValueError, match=message):
        gradient(LAYER, rule, xs, ys, modulator=modulator)


@pytest.mark.parametrize("window", [1, 5, STEPS])
def test_rewards_meet_fading_gradients(window):
    m = MODELS["LIF, recurrent"]
    xs, ys = m.data(STEPS)
    M = np.random.default_rng(1).normal(size=STEPS)
    owed = [sum(M[t] * 0.6 ** (t - s) for t in range(s, STEPS)) for s in range(STEPS)]
    want = gradient(m, rules.d_rtrl(), xs, ys, mask=jnp.asarray(owed))
    assert_close(gradient(m, rules.reward_modulated(0.6), xs, ys, window, modulator=jnp.asarray(M)), want, 1e-11)


def test_local_losses_and_projected_targets():
    xs, ys = LAYERS.data(STEPS)

    def states(p):
        def step(c, x):
            v = sig(p["a"]) * c[0] + x @ p["w"]
            z = spike(v - 0.3)
            u = 0.8 * c[1] + jax.lax.stop_gradient(z) @ p["w2"]
            return (v, u), (z, spike(u - 0.3))

        return jax.lax.scan(step, (jnp.zeros(N), jnp.zeros(N)), xs)[1]

    def readout(p, z):
        return jax.vmap(square_error)(jax.lax.stop_gradient(z) @ p["out"], ys).sum()

    decolle, osttp = rules.decolle(3), rules.osttp(3)
    G = init(LAYERS.graph, decolle, LAYERS.params, LAYERS.state).lasting[1]
    B = init(LAYERS.graph, osttp, LAYERS.params, LAYERS.state).lasting[1]
    assert {k: g.shape for k, g in G.items()} == {"w2": (N, O), "out": (N, O)}

    def local(p):
        first, second = states(p)
        judged = sum(jax.vmap(square_error)(z @ G[k], ys).sum() for k, z in (("w2", first), ("out", second)))
        return judged + readout(p, second)

    def projected(p):
        first, second = states(p)
        return ((ys @ B["w2"]) * first).sum() + ((ys @ B["out"]) * second).sum() + readout(p, second)

    for window in (1, 5):
        assert_close(gradient(LAYERS, decolle, xs, ys, window), named(LAYERS, jax.grad(local)(LAYERS.params)), 1e-11)
        assert_close(gradient(LAYERS, osttp, xs, ys, window), named(LAYERS, jax.grad(projected)(LAYERS.params)), 1e-11)


def test_targets_may_name_classes():
    xs, _ = LAYER.data(STEPS, batch=3)
    names = np.random.default_rng(0).integers(0, O, (STEPS, 3))
    loss = lambda output, target: square_error(output, jax.nn.one_hot(target, O) if target.dtype == int else target)
    got = [
        gradient(LAYER, rules.osttp(), xs, t, batch=3, loss=loss)
        for t in (jnp.asarray(names), jax.nn.one_hot(names, O))
    ]
    assert_close(got[0], got[1], 1e-12)
    with pytest.raises(ValueError, match="OSTTP projects the target"):
        gradient(LAYER, rules.osttp(), xs, jnp.zeros((STEPS, 3, O + 1)), batch=3, loss=lambda o, t: (o**2).mean())


def test_several_outputs_are_refused_where_one_is_compared():
    m = MODELS["stacked"]
    for rule in (rules.osttp(), rules.decolle()):
        with pytest.raises(GraphError, match="this step gives 2: give it one"):
            init(m.graph, rule, m.params, m.state)


def test_rates_are_a_loss_at_the_end():
    xs, ys = LAYER.data(STEPS)

    def total(p):
        z = spikes_of(p, xs)
        return jax.vmap(square_error)(z @ p["out"], ys).sum() + 3.0 / 2 * ((z.mean(0) - 0.05) ** 2).sum()

    rule = rules.e_prop(rate_target=0.05, rate_strength=3.0)
    want = named(LAYER, jax.grad(total)(LAYER.params))
    for window in (1, 5, STEPS):
        assert_close(gradient(LAYER, rule, xs, ys, window), want, 1e-11)
    # a mask over the loss leaves the rates alone, and the loss that is told is the user's
    masked = online(LAYER, Named("r", lambda g: rule), xs, ys, 5, mask=jnp.zeros(STEPS))
    assert float(jnp.abs(masked.grads["w"]).max()) > 0 and not masked.losses.any()


# ------------------------------------------------------------------------------------------------------ other traces
def test_presynaptic_memories_alone():
    m = MODELS["LIF, recurrent"]
    xs, ys = m.data(STEPS)
    steps = [gradient(m, rules.immediate(), xs, ys, mask=jnp.zeros(STEPS).at[t].set(1.0)) for t in range(STEPS)]
    assert_close(gradient(m, rules.ottt(0.0), xs, ys), gradient(m, rules.immediate(), xs, ys), 1e-12)
    total = {k: sum(g[k] for g in steps) for k in steps[0]}
    assert_close(gradient(m, rules.sltt(), xs, ys, 5), total, 1e-12)
    # the readout is a leaky sum of spikes with the decay 0.9, so its own trace is the filter
    assert_close(gradient(m, rules.ottt(0.9), xs, ys), gradient(m, rules.d_rtrl(), xs, ys), 1e-11, ["out"])
    with pytest.raises(AssertionError):
        assert_close(gradient(m, rules.ottt(0.9), xs, ys), gradient(m, rules.d_rtrl(), xs, ys), 1e-3, ["w"])


def test_some_steps_out_of_many():
    """Exactly k of each block; blocks, and sequences, draw anew."""
    xs, ys = LAYER.data(STEPS)
    at = lambda t: gradient(LAYER, rules.immediate(), xs, ys, mask=jnp.zeros(STEPS).at[t].set(1.0))["out"].ravel()
    each, rule, chosen = np.stack([at(t) for t in range(STEPS)]), rules.sltt(2, 4, seed=3), []
    carry = init(LAYER.graph, rule, LAYER.params, LAYER.state)
    for _ in range(2):
        carry = replace(carry, state=LAYER.state)
        out = gradients(LAYER.graph, rule, LAYER.params, carry, xs, ys, square_error, 5, first=True)
        carry = out.carry
        chosen.append(np.asarray(out.grads["out"]).ravel())
    assert distance(chosen[0], chosen[1]) > 1e-3
    blocks = [[sum(each[4 * b + np.array(c)]) for c in combinations(range(4), 2)] for b in range(STEPS // 4)]
    for got in chosen:
        assert any(distance(sum(pick), got) < 1e-9 for pick in product(*blocks))


def test_postsynaptic_memories():
    """One hidden layer before a leaky readout: exact; by averages as written out."""

    def step(p, s, x):
        v = 0.8 * s["v"] + matmul(x, p["w"])
        o = 0.7 * s["o"] + matmul(spike(v - 0.3), p["out"])
        return dict(v=v, o=o), o

    m = Model("two leaks", step, _params(w=(I, N), out=(N, O)), zeros(v=(N,), o=(O,)), reals(I), spikes=True)
    xs, ys = m.data(STEPS)
    assert_close(gradient(m, rules.otpe(0.7), xs, ys, 5), named(m, bptt(m, xs, ys)), 1e-11)
    v, o, x1, x2, g, n, want = np.zeros(N), np.zeros(O), np.zeros(I), np.zeros(I), np.zeros(N), 0.0, 0.0
    w, out = np.asarray(m.params["w"]), np.asarray(m.params["out"])
    for x, y in zip(np.asarray(xs), np.asarray(ys)):
        v = 0.8 * v + x @ w
        o = 0.7 * o + (v > 0.3) @ out
        x1 = 0.7 * x1 + x
        x2, g, n = 0.7 * x2 + x1, 0.7 * g + 1 / (1 + 5 * np.abs(v - 0.3)) ** 2, 0.7 * n + 1
        want += np.outer(x2, (out @ (2 * (o - y) / O)) * g) / n
    got = gradient(m, rules.otpe(0.7, approximate=True), xs, ys, 5)
    assert distance(got["w"], want) < 1e-10


def test_a_leak_alone():
    """Blocks of one state: RFLO with symmetric feedback is D-RTRL; a block of two loses what its states do to one another."""
    one, two = MODELS["LIF, recurrent"], MODELS["V minus a"]
    xs, ys = one.data(STEPS)
    assert_close(gradient(one, rules.rflo(None), xs, ys, 5), gradient(one, rules.d_rtrl(), xs, ys), 1e-11)
    xs, ys = two.data(STEPS)
    assert distance(gradient(two, rules.rflo(None), xs, ys)["w"], gradient(two, rules.d_rtrl(), xs, ys)["w"]) > 1e-3


def test_new_states_alone():
    """OSTL has D-RTRL's trace; what is read around the stored state is credited for its step, and said to be."""
    plain, around = MODELS["two layers, one leak"], MODELS["post-reset LIF"]
    xs, ys = plain.data(STEPS)
    assert_close(gradient(plain, rules.ostl(), xs, ys, 5), gradient(plain, rules.d_rtrl(), xs, ys), 1e-11)
    xs, ys = around.data(STEPS)
    assert_close(gradient(around, rules.ostl(), xs, ys, 5), gradient(around, rules.immediate(), xs, ys), 1e-11)
    assert around.graph.report.around == ("v",) and plain.graph.report.around == ()
    assert "read around its new state" in around.graph.report.of(new_state_only=True)


def test_synthetic_gradients_learn_what_the_future_wants():
    m = MODELS["two layers, one leak"]
    xs, ys = m.data(STEPS)
    full = named(m, bptt(m, xs, ys))["w"].ravel()
    rule = rules.dni(0.5)
    carry = init(m.graph, rule, m.params, m.state)
    go = jax.jit(lambda c: gradients(m.graph, rule, m.params, c, xs, ys, square_error, 2, first=True, last=True))
    cosine = lambda g: float(np.vdot(g, full) / np.linalg.norm(g) / np.linalg.norm(full))
    start, off = {**m.state}, []
    for _ in range(60):
        out = go(vg.Carry(start, None, None, None, carry.lasting))
        carry = out.carry
        off.append(distance(np.asarray(out.grads["w"]).ravel(), full))
    cut = gradient(m, rules.tbptt(), xs, ys, 2)["w"].ravel()
    assert off[-1] < 0.7 * distance(cut, full) and cosine(np.asarray(out.grads["w"]).ravel()) > cosine(cut)
    one = online(m, Named("dni", lambda g: rules.dni()), xs, ys, last=True)
    assert_close(named(m, one.grads), named(m, bptt(m, xs, ys)), 1e-11)


# ---------------------------------------------------------------------------------------------------------- learners
class Net(brainstate.nn.Module):
    def __init__(self):
        super().__init__()
        self.cell = vg.nn.ValinaRNNCell(I, N)
        self.out = vg.nn.Linear(N, O)

    def update(self, x):
        return self.out(self.cell(x))


@pytest.mark.slow
def test_learners_keep_what_a_rule_has_learned():
    brainstate.random.seed(0)
    net = brainstate.nn.init_all_states(Net())
    rng = np.random.default_rng(0)
    xs, ys = jnp.asarray(rng.normal(size=(STEPS, I))), jnp.asarray(rng.normal(size=(STEPS, O)))
    makers = [
        vg.EProp(net, 1, adapt=0.5),
        vg.DNI(net),
        vg.SLTT(net, 1, 2),
        vg.RFLO(net),
        vg.OSTTP(net),
        vg.DECOLLE(net),
    ]
    for learner in makers:
        learner.compile_graph(xs[0])
        before = jax.tree.map(np.asarray, learner.lasting.value)
        learner.gradients(xs, ys, loss=square_error, window=5)
        after = jax.tree.map(np.asarray, learner.lasting.value)
        learner.reset()
        kept = jax.tree.map(np.asarray, learner.lasting.value)
        same = lambda a, b: all(np.array_equal(p, q) for p, q in zip(jax.tree.leaves(a), jax.tree.leaves(b)))
        assert same(after, kept)
        assert same(before, after) == isinstance(learner, (vg.RFLO, vg.OSTTP, vg.DECOLLE))
    modulated = vg.ThreeFactor(net, 0.5)
    modulated.compile_graph(xs[0])
    grads = modulated.gradients(xs, ys, loss=square_error, modulator=jnp.ones(STEPS)).grads
    assert all(float(jnp.abs(g).max()) > 0 for g in jax.tree.leaves(grads))


def test_a_call_cannot_see_targets_or_modulators():
    brainstate.random.seed(0)
    net = brainstate.nn.init_all_states(Net())
    for learner in (vg.ThreeFactor(net), vg.RewardModulated(net), vg.OSTTP(net), vg.DECOLLE(net), vg.DNI(net)):
        learner.compile_graph(jnp.zeros(I))
        with pytest.raises(ValueError, match=r"use `learner.gradients"):
            learner(jnp.zeros(I))
    for learner in (vg.EProp(net), vg.OTTT(net, 0.9), vg.OTPE(net, 0.9), vg.OSTL(net), vg.SLTT(net), vg.Immediate(net)):
        learner.compile_graph(jnp.zeros(I))
        assert learner(jnp.ones(I)).shape == (O,)


def test_running_on_without_a_loss_asks_for_nothing():
    brainstate.random.seed(0)
    net = brainstate.nn.init_all_states(Net())
    xs = jnp.asarray(np.random.default_rng(0).normal(size=(STEPS, I)))
    outputs = []
    for learner in (
        vg.D_RTRL(net),
        vg.ThreeFactor(net),
        vg.RewardModulated(net),
        vg.OSTTP(net),
        vg.DECOLLE(net),
        vg.DNI(net),
    ):
        learner.compile_graph(xs[0])
        outputs.append(learner.evolve(xs, 5))
        learner.reset()
    assert all(distance(a, outputs[0]) < 1e-12 for a in outputs)
