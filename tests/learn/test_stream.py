"""Streams: predicted first, learned at once, late or never, exact however late; what cannot be used moves nothing."""

import json
from functools import cache

import brainstate
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from nets import N_IN, N_OUT, Memory

import vestige as vg
from marks import slowly
from vestige.learn.checkpoint import CheckpointError
from vestige.learn.score import Score

N, T = 12, 3
DRAW = np.random.default_rng(5)
XS, YS = DRAW.normal(size=(N, T, N_IN)) * 2, DRAW.normal(size=(N, N_OUT))
ADAM = optax.adam(1e-2)


def loss(output, target):
    return ((output - target) ** 2).mean()


def near(prediction, label):
    return np.abs(prediction - label).max() < 1


def learner(batch=None, rule=vg.D_RTRL, net=Memory):
    model = net()
    brainstate.nn.init_all_states(model)
    made = rule(model)
    made.compile_graph(jnp.zeros(N_IN), batch_size=batch)
    return made


@cache
def shared():
    """One learner for most tests, so that its programs are compiled once; and the weights to begin with."""
    made = learner()
    return made, {p: s.value for p, s in made.model.states(brainstate.ParamState).items()}


def stream(source=(), **how):
    made, start = shared()
    for path, state in made.model.states(brainstate.ParamState).items():
        state.value = start[path]
    made.reset()
    return made.stream(source, **{**dict(loss=loss, optimizer=ADAM, score=near), **how})


def moving(s):
    """All that a stream moves: weights, optimiser, states, trace."""
    return jax.tree.leaves((s._held, s._trace))


def same(a, b, tol=0.0):
    for p, q in zip(moving(a), moving(b), strict=True):
        np.testing.assert_allclose(q, p, rtol=tol, atol=tol)


@pytest.fixture(scope="module")
def at_once():
    return stream(list(zip(XS, YS))).run()


def test_the_gradient_is_that_of_the_learner_and_the_prediction_comes_before_the_update():
    one = learner()
    weights = one.model.states(brainstate.ParamState)
    memory = ADAM.init({p: s.value for p, s in weights.items()})
    s = stream(list(zip(XS, YS)))
    for x, y, seen in zip(XS[:4], YS[:4], s):
        out = one.gradients(x, np.broadcast_to(y, (T, N_OUT)), loss, mask=np.full(T, 1 / T))
        np.testing.assert_allclose(seen.prediction, out.outputs.mean(0), rtol=1e-10)
        np.testing.assert_allclose(seen.loss, out.losses.sum(), rtol=1e-10)
        values = {p: s.value for p, s in weights.items()}
        change, memory = ADAM.update(out.grads, memory, values)
        for path, value in optax.apply_updates(values, change).items():
            weights[path].value = value
    # the loop was left: all of it is back in the learner and its model
    found = s.learner.model.states(brainstate.ParamState)
    kept = {p: s.value for p, s in found.items()}, s.learner.memory[0]
    wanted = {p: s.value for p, s in weights.items()}, one.memory[0]
    for a, b in zip(jax.tree.leaves(kept), jax.tree.leaves(wanted), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-12)
    assert s.items == 4 and int(s.learner.steps.value) == 4 * T


def test_a_label_before_the_next_item_is_the_same_as_a_label_with_it(at_once):
    apart = [e for n, (x, y) in enumerate(zip(XS, YS)) for e in (vg.Item(x), vg.Label(n, y))]
    two = stream(apart).run()
    same(at_once, two, 1e-12)
    assert two.labels == N and two.losses.count == two.scores.count == N
    np.testing.assert_allclose(two.losses.mean, at_once.losses.mean, rtol=1e-12)
    assert 0 < two.scores.mean < 1


RULES = {"D-RTRL": vg.D_RTRL, "ES-D-RTRL": lambda m: vg.ES_D_RTRL(m, decay_or_rank=0.8), "e-prop": vg.EProp}


@pytest.mark.parametrize("name", slowly(list(RULES), fast=["D-RTRL"]))
def test_a_late_label_gives_credit_to_what_the_network_did_then(name):
    rate, rule = 0.1, RULES[name]
    made, one = learner(rule=rule), learner(rule=rule)
    s = made.stream(loss=loss, optimizer=optax.sgd(rate), score=near)
    for x in XS[:3]:
        s.take(vg.Item(x))
    # while no label comes the weights do not move: three pieces under one set of weights
    each = lambda y: np.broadcast_to(y, (T, N_OUT))
    mask = np.full(T, 1 / T)
    wanted = [one.gradients(x, each(y), loss, mask=mask) for x, y in zip(XS[:3], YS)]
    for n in (1, 2, 0):  # in any order
        before, (_, m) = s._held, s.waiting.moments[n]
        carry = vg.Carry(m.state, m.trace, None, m.added, m.lasting)
        by_hand = vg.gradients(
            made._ready()[1], made.rule, before.params, carry, m.inputs, each(YS[n]), loss, mask=mask
        ).grads
        if n == 1:  # the first label to come: the very gradient that it would have given in time
            for a, b in zip(jax.tree.leaves(by_hand), jax.tree.leaves(wanted[n].grads), strict=True):
                np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-12)
        seen = s.take(vg.Label(n, YS[n]))
        assert seen.late == 2 - n
        # judged by what was said then, not by what would be said now
        np.testing.assert_allclose(seen.loss, wanted[n].losses.sum(), rtol=1e-9)
        np.testing.assert_allclose(seen.prediction, wanted[n].outputs.mean(0), rtol=1e-9)
        moved = jax.tree.map(lambda a, b: (a - b) / rate, before.params, s._held.params)
        for a, b in zip(jax.tree.leaves(moved), jax.tree.leaves(by_hand), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-7, atol=1e-10)
            assert np.abs(b).max() > 1e-4
        for a, b in zip(jax.tree.leaves(before.state), jax.tree.leaves(s._held.state), strict=True):
            np.testing.assert_array_equal(a, b)


@pytest.mark.slow
def test_a_batch_is_as_many_streams_and_the_mean_of_their_gradients(at_once):
    both = lambda a, axis: np.stack([a, a], axis)
    made = learner(batch=2)
    s = made.stream([(both(x, 1), both(y, 0)) for x, y in zip(XS, YS)], loss=loss, optimizer=ADAM).run()
    for a, b in zip(jax.tree.leaves(s._held.params), jax.tree.leaves(at_once._held.params), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-9)


def test_what_cannot_be_used_is_counted_and_moves_nothing(at_once):
    s = stream(x_range=(-50, 50), label_range=(-50, None))
    nan, big, far = XS[0].copy(), XS[0].copy(), XS[0].copy()
    nan[1, 0], big[2, 2], far[0, 0] = np.nan, np.inf, 51
    bad = {
        "an item not finite": [vg.Item(nan), vg.Item(big, key="b")], "an item out of range": [vg.Item(far)],
        "an item of another shape": [vg.Item(XS[0][:2]), vg.Item(XS[0][:, :2]), vg.Item(XS[0][0]), vg.Item(XS[0][:0])],
        "an item that is missing (a gap)": [vg.Item(None)],
        "an item that is no array of numbers": [vg.Item("rain"), vg.Item([[1, 2], [3]]), vg.Item(object()), vg.Item(1j)],
        "an item of another structure": [vg.Item((XS[0], XS[0]))],
        "neither an item nor a label": [None, 3, (XS[0], 1, 2), "text", {}],
        "a key that is neither a number nor a text": [vg.Item(XS[0], key=float("nan")), vg.Item(XS[0], key=[1])],
        "a label of an unknown item": [vg.Label(999, YS[0]), vg.Label("nobody", YS[0])],
        "a label of an item that was skipped": [vg.Label("b", YS[0])],
    }  # fmt: skip
    s.take(vg.Item(XS[0], YS[0], "first"))
    bad |= {
        "an item whose key came before": [vg.Item(XS[0], key="first"), vg.Item(XS[0], YS[0], "b")],
        "a second label": [vg.Label("first", YS[0])],
    }
    before = moving(s)
    for reason, events in bad.items():
        for event in events:
            assert s.take(event) is None, (reason, event)
        assert s.skipped[reason] == len(events), (reason, s.skipped)
    assert all(a is b for a, b in zip(before, moving(s)))
    # a label that cannot be used leaves its item waiting for another one
    wrong = [np.nan * YS[1], YS[1][:1], -99 + YS[1], "wet", None]
    assert s.take(vg.Item(XS[1], wrong[0], "second")).label is None
    before = moving(s)
    assert [s.take(vg.Label("second", y)) for y in wrong] == [None] * 5
    assert all(a is b for a, b in zip(before, moving(s))) and list(s.waiting) == ["second"]
    s.take(vg.Label("second", YS[1]))
    for x, y in zip(XS[2:], YS[2:]):
        s.take((x, y))
    same(at_once, s, 1e-12)
    assert s.items == s.labels == N and s.events == N + 1 + sum(map(len, bad.values())) + 5
    assert "skipped 5: neither an item nor a label" in s.summary()
    assert s.skipped["a label not finite"] == 2 and s.skipped["a label out of range"] == 1


def test_an_update_that_is_not_finite_is_not_made():
    steep = lambda output, label: jnp.where(label.sum() > 100, jnp.nan, loss(output, label))
    s = stream(loss=steep)
    s.take((XS[0], YS[0]))
    before = s._held
    seen = s.take((XS[1], YS[1] + 1000))
    assert seen.loss is None and seen.score == 0 and s.losses.count == 1 and s.labels == 1
    for a, b in zip(jax.tree.leaves((before.params, before.memory)), jax.tree.leaves((s._held.params, s._held.memory))):
        np.testing.assert_array_equal(a, b)
    assert s.skipped == {"an update that was not finite": 1} and s.items == 2


def test_the_oldest_prediction_is_given_up_and_says_so():
    s = stream([vg.Item(x) for x in XS], outstanding=4).run()
    assert list(s.waiting) == [8, 9, 10, 11] and s.unlabelled == 8
    assert s.take(vg.Label(2, YS[2])) is None and s.take(vg.Label(9, YS[9])).late == 2
    assert s.skipped == {"a label after its prediction was given up": 1}
    assert "3 predictions wait for a label, 8 were given up" in s.summary()


def events():
    """Labels three items late and out of order, some never; a gap and a NaN."""
    late = [(n, e) for n, x in enumerate(XS) for e in [vg.Item(x if n != 4 else x * np.nan)]]
    late += [(n + 3 + 0.1 * (n % 2), vg.Label(n, YS[n])) for n in range(N) if n % 5 != 2]
    return [e for _, e in sorted(late, key=lambda pair: pair[0])]


def test_a_stream_goes_on_from_its_file_with_the_same_numbers(tmp_path):
    whole, path = stream(events()).run(), tmp_path / "stream.npz"
    cut = stream(iter(events()), checkpoint=path, save_every=3)
    for n, _ in enumerate(cut):
        if n == 8:
            break
    taken = cut.events
    del cut
    other = stream(events(), checkpoint=path)
    assert other.events == taken and len(other.waiting) > 1
    other.run()
    same(whole, other)
    told = lambda s: (
        s.losses.notes(),
        s.scores.notes(),
        s.skipped,
        s.events,
        s.items,
        s.steps,
        s.unlabelled,
        list(s.waiting),
    )
    assert told(other) == told(whole) and len(other.waiting) > 0
    # a source that can begin anywhere is asked to
    asked = []
    stream(lambda start: asked.append(start) or events()[start:], checkpoint=path).run()
    assert asked == [len(events())]


def test_a_file_that_does_not_fit_changes_nothing(tmp_path):
    path = tmp_path / "stream.npz"
    s = stream(events()[:6])
    s.run().write(path)
    other = learner(net=lambda: Memory()).stream(loss=loss, optimizer=optax.sgd(0.1))
    before = moving(other)
    with pytest.raises(CheckpointError, match="does not fit"):
        other.load(path)
    with pytest.raises(CheckpointError, match="another mask"):
        stream(mask=[0, 0, 1]).load(path)
    content = path.read_bytes()
    for end in (0, 10, len(content) // 2, len(content) - 1):
        path.write_bytes(content[:end])
        with pytest.raises(CheckpointError):
            other.load(path)
    with pytest.raises(FileNotFoundError):
        other.load(tmp_path / "none")
    vg.learn.checkpoint.save(path, {"w": np.ones(2)}, {"rows": []})
    with pytest.raises(CheckpointError, match="holds no stream"):
        other.load(path)
    assert all(a is b for a, b in zip(before, moving(other)))


def test_arguments_that_cannot_be_are_refused():
    wrong = dict(
        window=0, outstanding=0, save_every=1.5, mask=[[1.0]], x_range=(1, 0), label_range=3, scored_over=0, fade=1.0
    )
    for name, value in wrong.items():
        with pytest.raises(ValueError, match=name):
            stream(**{name: value})
    with pytest.raises(ValueError, match="whole sequences"):
        learner(rule=vg.BPTT).stream(loss=loss, optimizer=ADAM)
    told = learner()
    told.rule = told.rule._replace(teach=told.rule.teach._replace(modulated=True))
    with pytest.raises(ValueError, match="modulator"):
        told.stream(loss=loss, optimizer=ADAM)
    with pytest.raises(vg.NotCompiledError):
        vg.D_RTRL(Memory()).stream(loss=loss, optimizer=ADAM)
    s = stream()
    before = moving(s)
    with pytest.raises(ValueError, match="`loss` or `decide` cannot take"):
        s.take((XS[0], np.zeros(5)))
    assert s.events == 0 and all(a is b for a, b in zip(before, moving(s)))
    assert stream([]).run().summary() == "0 items, 0 steps, 0 labels learned"


def test_what_a_source_raises_ends_the_loop_with_everything_kept(tmp_path):
    def broken():
        yield from zip(XS[:5], YS[:5])
        raise ConnectionError("the line is dead")

    heard = []
    s = stream(broken(), checkpoint=tmp_path / "s.npz", callbacks=[heard.append])
    with pytest.raises(ConnectionError):
        s.run()
    again = stream(list(zip(XS, YS)), checkpoint=tmp_path / "s.npz")
    assert again.items == 5 == len(heard) and [seen.key for seen in heard] == list(range(5))


def test_scores_are_the_means_that_they_say():
    score, values = Score(window=4, fade=0.9), DRAW.normal(size=30)
    assert np.isnan([score.mean, score.windowed, score.fading]).all()
    for v in values:
        score.add(float(v))
    other = Score(window=4, fade=0.9)
    other.restore(json.loads(json.dumps(score.notes())))
    weights = 0.9 ** np.arange(30)[::-1]
    for s in (score, other):
        np.testing.assert_allclose(s.mean, values.mean())
        np.testing.assert_allclose(s.windowed, values[-4:].mean())
        np.testing.assert_allclose(s.fading, (weights * values).sum() / weights.sum())
