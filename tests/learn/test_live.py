"""Step by step in one compiled call: the same numbers as windows of one step and an optimiser, from one compilation."""

import brainstate
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
import saiunit as u
from nets import N_IN, Memory, Spiking, sequence

import vestige as vg
from marks import slowly
from vestige.learn import live

T = 9


@pytest.fixture(autouse=True)
def one_millisecond():
    with brainstate.environ.context(dt=1.0 * u.ms):
        yield


def loss(output, target):
    return ((output - target) ** 2).mean()


def made(rule, net=Spiking, batch=None):
    model = net()
    brainstate.nn.init_all_states(model)
    learner = rule(model)
    learner.compile_graph(jnp.zeros(N_IN), batch_size=batch)
    return learner


def values(learner):
    return {p: s.value for p, s in learner.model.states(brainstate.ParamState).items()}


def by_hand(learner, xs, ys, optimizer, silent=()):
    """Windows of one step, an update after each that has a target."""
    weights = learner.model.states(brainstate.ParamState)
    memory, losses = optimizer.init(values(learner)), []
    for n, (x, y) in enumerate(zip(xs, ys)):
        if n in silent:
            learner.evolve(x[None])
            continue
        out = learner.gradients(x[None], y[None], loss=loss, window=1)
        change, memory = optimizer.update(out.grads, memory, values(learner))
        for path, value in optax.apply_updates(values(learner), change).items():
            weights[path].value = value
        losses.append(out.losses[0])
    return losses


RULES = {"D-RTRL": vg.D_RTRL, "ES-D-RTRL": lambda m: vg.ES_D_RTRL(m, decay_or_rank=0.8), "e-prop": vg.EProp}


PAIRS = slowly([(name, batch) for name in RULES for batch in (None, 2)], fast=[("D-RTRL", 2)])


@pytest.mark.parametrize("case", PAIRS)
def test_the_same_numbers_as_windows_of_one_step(case):
    rule, batch = RULES[case[0]], case[1]
    xs, ys = sequence(T, batch)
    xs, silent, optimizer = 2 + xs, (2, 5), optax.adam(1e-2)
    one, other = made(rule, batch=batch), made(rule, batch=batch)
    wanted = by_hand(one, xs, ys, optimizer, silent)
    online = vg.Online(other, loss=loss, optimizer=optimizer)
    compiled = live._step.__wrapped__._cache_size()
    seen = [online(x, None if n in silent else y) for n, (x, y) in enumerate(zip(xs, ys))]
    assert live._step.__wrapped__._cache_size() <= compiled + 2  # with a target, and without
    assert [s.loss is None for s in seen] == [n in silent for n in range(T)]
    np.testing.assert_allclose([s.loss for s in seen if s.loss is not None], wanted, rtol=1e-10)
    online.save()
    state = lambda learner: [s.value for s in learner.model.states(brainstate.HiddenState).values()]
    moved = jax.tree.leaves((values(one), state(one), one.memory[0]))
    for a, b in zip(moved, jax.tree.leaves((values(other), state(other), other.memory[0]))):
        np.testing.assert_allclose(b, a, rtol=1e-9, atol=1e-12)
    assert float(jnp.abs(one.firing[next(iter(one.firing))]).max()) > 0 and int(other.steps.value) == T


def test_the_model_keeps_its_values_until_save_and_the_stream_goes_on_after_it():
    xs, ys = sequence(T)
    learner = made(vg.D_RTRL, Memory)
    before = jax.tree.map(jnp.copy, values(learner))
    online = vg.Online(learner, loss=loss, optimizer=optax.sgd(0.1))
    online(xs[0], ys[0])
    online(xs[1], ys[1])
    assert all(map(np.array_equal, jax.tree.leaves(values(learner)), jax.tree.leaves(before)))
    online.save()
    saved = jax.tree.leaves(values(learner))
    assert not any(map(np.array_equal, saved, jax.tree.leaves(before)))
    online(xs[2], ys[2])
    assert all(map(np.array_equal, saved, jax.tree.leaves(values(learner))))
    assert not any(map(np.array_equal, saved, jax.tree.leaves(online.params)))


def test_what_cannot_be_is_refused_before_any_state_moves():
    xs, ys = sequence(T)
    with pytest.raises(ValueError, match="whole sequences"):
        vg.Online(made(vg.BPTT, Memory), loss=loss, optimizer=optax.sgd(0.1))
    with pytest.raises(vg.NotCompiledError):
        vg.Online(vg.D_RTRL(Memory()), loss=loss, optimizer=optax.sgd(0.1))
    online = vg.Online(made(vg.D_RTRL, Memory), loss=loss, optimizer=optax.sgd(0.1))
    for wrong, what in ((xs[0] * np.nan, "not finite"), (xs[0, :-1], "shape")):
        with pytest.raises(ValueError, match=what):
            online(wrong, ys[0])
    with pytest.raises(ValueError, match="modulator"):
        online(xs[0], ys[0], modulator=1.0)
    assert online.steps == 0
    np.testing.assert_allclose(online(xs[0], ys[0]).output, made(vg.D_RTRL, Memory)(xs[0]), rtol=1e-12)


def test_an_eager_call_of_the_learner_traces_once():
    xs, _ = sequence(T)
    learner, calls = made(vg.D_RTRL, Memory), []
    update = learner.model.update
    learner.model.update = lambda *a: calls.append(1) or update(*a)
    for x in xs:
        learner(x)
    assert not calls
