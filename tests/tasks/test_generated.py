"""Generated tasks: what is shown and what is to be answered, held-out data, scores, and guesses at chance."""

import numpy as np
import pytest

from vestige.tasks import (
    Sequences,
    Split,
    Task,
    Trials,
    copy,
    drifting_sine,
    evidence,
    flipflop,
    from_task,
    match,
    memory_chain,
    pattern,
)
from vestige.tasks.sequences import explained, populations, right_sequences, right_signs, right_steps, whole_steps

EVERY = (copy, match, evidence, flipflop, memory_chain, pattern, drifting_sine)
ALL = {task.__name__: task for task in EVERY}
SHAPES = {
    "copy": (40, 25, 4, 20.0),
    "match": (80, 20, 2, 20.0),
    "evidence": (68, 40, 2, 25.0),
    "flipflop": (100, 30, 3, 20.0),
    "memory_chain": (65, 20, 1, 20.0),
    "pattern": (100, 40, 1, 10.0),
    "drifting_sine": (200, 16, 1, 20.0),
}


def draw(task: Trials, count: int = 200, seed: int = 0) -> Sequences:
    return task.draw(np.random.default_rng(seed), count)


@pytest.fixture(scope="module", params=ALL)
def task(request):
    return ALL[request.param]()


def test_shapes_are_those_of_the_docstring(task):
    assert (task.steps, task.n_in, task.n_out, task.dt) == SHAPES[task.name]
    found = draw(task, 7)
    assert found.x.shape == (7, task.steps, task.n_in) and set(np.unique(found.x)) == {0.0, 1.0}
    assert found.mask.shape == (7, task.steps) and set(np.unique(found.mask)) <= {0.0, 1.0}
    assert f"T = {task.steps} of dt = {task.dt:g} ms" in ALL[task.name].__doc__


def test_a_seed_is_a_supply_and_no_integer_seed_gives_the_test(task):
    again, other = draw(task, 64, 3), draw(task, 64, 4)
    assert np.array_equal(again.x, draw(task, 64, 3).x) and not np.array_equal(again.x, other.x)
    rng = np.random.default_rng(5)
    assert not np.array_equal(task.draw(rng, 64).x, task.draw(rng, 64).x)
    trains = {x.tobytes() for seed in range(5) for x in draw(task, 200, seed).x}
    held_out = {x.tobytes() for x in task.test.x} | {x.tobytes() for x in task.valid.x}
    assert len(held_out) == len(task.test) + len(task.valid) and not trains & held_out
    assert np.array_equal(task.test.x, ALL[task.name]().test.x)


def test_constant_answers_score_at_chance_and_true_ones_at_one(task):
    shape = (*task.test.x.shape[:2], task.n_out)
    for n in range(task.n_out):
        said = np.where(np.arange(task.n_out) == n, 1.0, -1.0) * np.ones(shape)
        assert abs(task.score(said, task.test) - task.chance) < 0.06
    y = task.test.y
    truth = y if y.ndim == 3 else 2.0 * (y[..., None] == np.arange(task.n_out)) - 1
    assert task.score(truth, task.test) == 1.0
    assert task.score(-truth, task.test) <= max(task.chance - 0.2, 0)
    assert np.isfinite(task.loss(truth[:, 0], y[:, 0])) and task.loss(truth[:, 0], y[:, 0]) < task.loss(
        -truth[:, 0], y[:, 0]
    )


def test_copy_asks_for_the_letters_that_were_shown():
    task = copy(letters=3, length=4, letter=60, delay=100, noise=0.0, size=8, rate=400.0)
    found = draw(task)
    groups = found.x.reshape(*found.x.shape[:2], 4, 8).sum(-1)
    said = 12
    assert task.steps == 29
    assert np.array_equal(groups[:, :said, :3].argmax(-1), found.y[:, -said:])
    assert not groups[:, said:-said].any() and groups[:, -said:, 3].min() > 0 and not groups[:, :said, 3].any()
    assert np.array_equal(found.mask[0], np.arange(29) >= 17)


def test_match_asks_whether_the_test_is_the_sample_a_second_later():
    task = match(stimuli=3, noise=0.0, rate=400.0)
    found = draw(task)
    groups = found.x.reshape(*found.x.shape[:2], 3, 10).sum(-1)
    sample, test = groups[:, :10].sum(1).argmax(-1), groups[:, 60:70].sum(1).argmax(-1)
    assert np.array_equal(found.y[:, -1], sample == test)
    assert not groups[:, 10:60].any() and not groups[:, 70:].any()
    assert 50 * task.dt == 1000.0
    assert 0.4 < found.y.mean() < 0.6 and all(len(np.unique(s)) == 3 for s in (sample, test))


def test_a_match_cannot_be_told_from_one_stimulus():
    found = draw(match(), 4000)
    rates = found.x.reshape(4000, 80, 2, 10).sum(-1)
    for part in (slice(0, 10), slice(60, 70)):
        first = rates[:, part].sum(1).argmax(-1)
        assert abs(found.y[first == 0, -1].mean() - found.y[first == 1, -1].mean()) < 0.06


def test_evidence_asks_for_the_side_with_more_cues():
    task = evidence(noise=0.0, rate=400.0)
    found = draw(task)
    groups = found.x.reshape(*found.x.shape[:2], 4, 10).sum(-1)
    cues = groups[:, :42].reshape(200, 7, 6, 4)
    side = cues[:, :, :4].sum(2)[..., :2].argmax(-1)
    assert np.array_equal(found.y[:, -1], side.sum(1) > 3.5)
    assert not cues[:, :, 4:, :3].any() and not groups[:, 42:62, :3].any()
    assert groups[:, -6:, 2].min() > 0
    assert set(side.sum(1)) >= {1, 2, 3, 4, 5, 6}


def test_a_bit_keeps_the_value_of_its_last_pulse():
    found = draw(flipflop(bits=2, steps=60, every=100.0))
    on, off = found.x.reshape(200, 60, 2, 2, 5)[..., 0].transpose(2, 0, 1, 3)
    assert not np.any(on * off) and np.all((on + off)[:, 0] == 1)
    value = np.zeros((200, 2))
    for t in range(60):
        value = np.where(on[:, t] > 0, 1.0, np.where(off[:, t] > 0, -1.0, value))
        assert np.array_equal(value, found.y[:, t])
    assert abs((on + off)[:, 1:].mean() - 0.2) < 0.02


def test_a_chain_asks_for_what_was_shown_first():
    task = memory_chain(length=9, bits=2, distractors=0)
    found = draw(task)
    groups = found.x.reshape(200, 10, 5, 5)
    assert np.array_equal(groups[:, 0, :2, 0] - groups[:, 0, 2:4, 0], found.y[:, -1])
    assert not groups[:, 1:-1].any() and groups[:, -1, 4].all() and not groups[:, -1, :4].any()
    assert np.array_equal(found.mask.sum(0), [0] * 9 + [200])
    assert set(map(tuple, found.y[:, -1])) == {(a, b) for a in (1, -1) for b in (1, -1)}


def test_each_pattern_of_spikes_has_a_curve_of_its_own():
    task = pattern(patterns=2, outputs=3, noise=0.0, drop=0.2)
    found = draw(task)
    which = (found.y[:, 0] == found.y[0, 0]).all(1)
    assert 60 < which.sum() < 140
    for part in (which, ~which):
        assert (found.y[part] == found.y[part][0]).all()
        often = found.x[part].mean(0)
        assert set(np.unique(np.round(often, 0))) == {0.0, 1.0} and abs(often[often > 0].mean() - 0.8) < 0.02
    np.testing.assert_allclose(found.y.std(1), 1.0, rtol=1e-5)
    assert np.array_equal(pattern(seed=1).test.y, pattern(seed=1).test.y) and not np.array_equal(
        np.unique(pattern(seed=1).test.y), np.unique(pattern(seed=2).test.y)
    )


def test_a_drifting_sine_is_to_be_foretold():
    task = drifting_sine(steps=400, ahead=100.0)
    found = draw(task)
    level = found.x.sum(-1)
    told = np.linspace(-1, 1, 18)[1:-1]
    assert np.array_equal(level[:, 5:], (found.y[:, :-5] > told).sum(-1))
    turns = (np.diff(np.sign(found.y[..., 0]), axis=1) != 0).sum(1)  # two a period
    assert 2 * 8000 / 2000 - 1 <= turns.min() < turns.max() <= 2 * 8000 / 500 + 1 and turns.std() > 1


def test_explained_variance_counts_the_steps_that_count():
    y = np.array([[[0.0], [2.0], [4.0], [9.0]]])
    data = Sequences(np.zeros((1, 4, 1)), y, np.array([[1.0, 1, 1, 0]]))
    assert explained(y + np.array([0.0, 1.0, 0.0, 99.0])[None, :, None], data) == pytest.approx(1 - 1 / 8)
    assert explained(0 * y + 2, data) == 0 and explained(-y, data) == 0


def test_populations_fire_at_their_rates():
    x = populations(np.random.default_rng(0), np.full((50, 200, 2), [0.0, 20.0]), 3, dt=10.0)
    assert x.shape == (50, 200, 6) and not x[..., :3].any()
    np.testing.assert_allclose(x[..., 3:].mean((0, 1)), 1 - np.exp(-0.2), atol=0.01)


def test_scores_look_at_the_steps_that_count():
    y, mask = np.array([[0, 1, 1], [1, 0, 0]]), np.array([[0.0, 1, 1], [0, 0, 1]])
    data = Sequences(np.zeros((2, 3, 1)), y, mask)
    outputs = np.log(np.array([[[0.1, 0.9], [0.6, 0.4], [0.1, 0.9]], [[0.0001, 1], [0.0001, 1], [0.9, 0.1]]]))
    assert right_steps(outputs, data) == pytest.approx(2 / 3)
    assert right_sequences(outputs, data) == 1.0
    bits = Sequences(np.zeros((1, 2, 1)), np.array([[[1.0, -1.0], [-1.0, -1.0]]]), np.array([[0.0, 1.0]]))
    assert right_signs(np.array([[[-1.0, 1.0], [-0.2, 0.3]]]), bits) == 0.5


def test_a_task_with_a_class_a_sequence_becomes_trials():
    rng = np.random.default_rng(0)
    split = lambda n: Split(rng.random((n, 6, 2)), rng.integers(0, 2, n), np.zeros((n, 1)), np.arange(n))
    task, valid = (Task("tiny", "two classes", split(10), split(8), ("a", "b")) for _ in range(2))
    trials = from_task(task, valid, dt=5.0, judged_from=4)
    assert (trials.n_in, trials.steps, trials.n_out, trials.chance) == (2, 6, 2, task.chance)
    assert np.array_equal(trials.test.x, task.test.x) and np.array_equal(trials.valid.x, valid.test.x)
    assert np.array_equal(trials.test.mask[0], [0, 0, 0, 0, 1, 1])
    found = draw(trials, 25)
    assert len(found) == 25 and {x.tobytes() for x in found.x} == {x.tobytes() for x in task.train.x}
    label = {x.tobytes(): y for x, y in zip(task.train.x, task.train.y)}
    assert all(np.all(y == label[x.tobytes()]) for x, y in zip(found.x, found.y))


@pytest.mark.parametrize(
    "call, words",
    [
        (lambda: copy(delay=90), "no whole number of steps"),
        (lambda: match(stimuli=1), "at least 2"),
        (lambda: evidence(cues=4), "odd"),
        (lambda: flipflop(every=5.0), "does not fit"),
        (lambda: memory_chain(1), "length of at least 2"),
        (lambda: pattern(drop=1.0), "drop in"),
        (lambda: drifting_sine(ahead=1.0), "ahead >= dt"),
        (lambda: whole_steps(0.0, 10.0, "delay"), "no whole number"),
        (lambda: Sequences(np.zeros((2, 3, 1)), np.zeros((2, 4)), np.zeros((2, 3))), "mask"),
        (lambda: Sequences(np.zeros((2, 3, 1)), np.zeros((2, 3)), np.array([[1.0, 0, 0], [0, 0, 0]])), "sequence 1"),
    ],
)
def test_bad_arguments_are_refused(call, words):
    with pytest.raises(ValueError, match=words):
        call()
