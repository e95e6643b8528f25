"""Schedules, clipping, early stop, logs, several seeds at once."""

import json
import struct
from itertools import pairwise

import brainstate
import fit_program
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from tensorboardX.proto.event_pb2 import Event

import vestige as vg
from vestige.learn import checkpoint as files
from vestige.learn.logs import logs_of

CLIP, UPDATES = 1e-3, 3  # as many updates have a rate of one, the others none


@pytest.fixture(autouse=True)
def one_step():
    with brainstate.environ.context(dt=1.0):
        yield


def weights(learner):
    states = learner.model.states(brainstate.ParamState).values()
    return np.concatenate([np.ravel(a) for s in states for a in jax.tree.leaves(s.value)])


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run of two updates an epoch, stopped by a metric that the data alone decide; weights after every epoch."""
    folder, after = tmp_path_factory.mktemp("run"), []
    with brainstate.environ.context(dt=1.0):
        made = fit_program.learner("plain")
        after.append(weights(made))
        optimizer = optax.chain(optax.clip_by_global_norm(CLIP), optax.sgd(lambda n: jnp.where(n < UPDATES, 1.0, 0.0)))
        stop = vg.EarlyStop("change", patience=2, best=max)
        # an interrupted run's file is not written over
        (folder / "log.jsonl").write_text('{"update": 7, "loss": 1.0}\n')
        logs = [vg.JsonLines(folder / "log.jsonl", updates=True), vg.TensorBoard(folder / "board")]
        history = vg.fit(
            made, fit_program.data, loss=fit_program.loss, optimizer=optimizer, epochs=9, progress=False, log=logs, stop=stop,
            metrics={"change": lambda y, t: t.mean()},
            callbacks=[lambda epoch, row: after.append(weights(made))],
        )  # fmt: skip
    return made, history, after, folder


def test_a_schedule_and_clipping_reach_the_weights(run):
    _, _, after, _ = run
    moved = [np.linalg.norm(b - a) for a, b in pairwise(after)]
    assert CLIP < moved[0] <= 2 * CLIP and 0.9 * CLIP < moved[1] <= CLIP * (1 + 1e-9)  # two updates, then one
    assert len(moved) > 2 and not any(moved[2:])


def test_an_early_stop_gives_the_best_weights_back_and_says_so(run):
    made, history, after, _ = run
    best = int(np.argmax(history["change"]))
    assert len(history.rows) == best + 1 + 2 < 9
    np.testing.assert_array_equal(weights(made), after[best + 1])
    assert history.said.startswith(f"stopped after epoch {best + 3}: change has not become better for 2 epochs; ")
    assert f"the weights are those after epoch {best + 1} (change " in history.said


def test_a_log_has_a_line_an_epoch_and_an_update(run):
    _, history, _, folder = run
    lines = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    epochs, updates = [x for x in lines if "epoch" in x], [x for x in lines if "epoch" not in x]
    assert [{k: v for k, v in x.items() if k not in ("epoch", "update")} for x in epochs] == history.rows
    assert [x["update"] for x in updates] == list(range(1, 2 * len(history.rows) + 1))
    assert np.mean([x["loss"] for x in updates[:2]]) == pytest.approx(history["loss"][0], rel=1e-12)
    assert (folder / "log.jsonl.1").read_text() == '{"update": 7, "loss": 1.0}\n'


def test_tensorboard_gets_the_same_numbers(run):
    _, history, _, folder = run
    (file,) = (folder / "board").iterdir()
    told = [v for event in events(file) for v in event.summary.value if v.tag == "epoch/loss"]
    assert [v.simple_value for v in told] == pytest.approx(list(history["loss"]), rel=1e-6)


def events(file):
    """Records of an event file: a length, its sum, the event, its sum."""
    data, at = file.read_bytes(), 0
    while at < len(data):
        (size,) = struct.unpack_from("<Q", data, at)
        yield Event.FromString(data[at + 12 : at + 12 + size])
        at += size + 16


def test_seeds_at_once_are_single_runs(tmp_path):
    how = dict(loss=fit_program.loss, optimizer=optax.adam(3e-2), epochs=2, update_every=4, progress=False)
    build = lambda seed: fit_program.learner("plain", seed)
    log = vg.JsonLines(tmp_path / "log.jsonl", updates=True)
    runs = vg.fit_seeds(build, fit_program.data, seeds=(3, 4), log=log, **how)
    learner, history = runs[1]
    alone = build(4)
    rows = vg.fit(alone, fit_program.data, seed=4, **how).rows
    assert history.rows == [pytest.approx(row, rel=1e-10) for row in rows]
    np.testing.assert_allclose(weights(learner), weights(alone), rtol=1e-10)
    assert runs[0].history.rows != runs[1].history.rows
    lines = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert {line["seed"] for line in lines} == {3, 4} and len(lines) == 2 * (2 * 2 * 2 + 2)


@pytest.mark.slow
def test_seeds_at_once_stop_and_resume_each_as_alone(tmp_path, monkeypatch):
    """Feedback weights that learn, stops at different epochs, an interrupt inside an epoch."""
    how = dict(loss=fit_program.loss, optimizer=optax.adam(1e-2), update_every=4, progress=False, epochs=8)
    how |= dict(validate=fit_program.data(np.random.default_rng(5)), stop=vg.EarlyStop(patience=2, best=max))
    build = lambda seed: fit_program.learner("adaptive", seed)
    together = lambda name: vg.fit_seeds(
        build, fit_program.data, seeds=(1, 2, 3), checkpoint=tmp_path / name, checkpoint_every=3, **how
    )
    whole, save, count = together("whole.npz"), files.save, iter(range(100))

    def interrupted(*args):
        save(*args)
        if next(count) == 4:
            raise KeyboardInterrupt

    monkeypatch.setattr(files, "save", interrupted)
    with pytest.raises(KeyboardInterrupt):
        together("part.npz")
    monkeypatch.setattr(files, "save", save)
    for seed, one, other in zip((1, 2, 3), whole, together("part.npz")):
        assert one.history == other.history
        np.testing.assert_array_equal(weights(one.learner), weights(other.learner))
        alone = build(seed)
        history = vg.fit(alone, fit_program.data, seed=seed, **how)
        assert history.said == one.history.said
        np.testing.assert_allclose(weights(alone), weights(one.learner), rtol=1e-9)
    assert len({len(run.history.rows) for run in whole}) > 1


def test_learners_that_differ_otherwise_are_not_trained_as_one():
    def build(seed):
        net = fit_program.Noisy()
        brainstate.nn.init_all_states(net)
        return vg.ES_D_RTRL(net, decay_or_rank=0.5 + 0.1 * seed)

    how = dict(loss=fit_program.loss, optimizer=optax.adam(3e-2), progress=False)
    with pytest.raises(ValueError, match="differ in more than the values"):
        vg.fit_seeds(build, fit_program.data, seeds=(0, 1), batch_size=4, **how)
    with pytest.raises(ValueError, match="no callbacks"):
        vg.fit_seeds(build, fit_program.data, seeds=(0,), callbacks=[print], **how)
    for seeds in ((), (1, 1)):
        with pytest.raises(ValueError, match="none twice"):
            vg.fit_seeds(build, fit_program.data, seeds=seeds, **how)


@pytest.mark.parametrize(
    "options, words",
    [
        ({"stop": vg.EarlyStop("val_loss")}, "no `val_loss` to stop by; there are loss"),
        ({"checkpoint_every": 5}, "needs a file"),
        ({"checkpoint_every": 0, "checkpoint": "x.npz"}, "at least 1"),
    ],
)
def test_what_cannot_be_asked_is_refused(options, words):
    with pytest.raises(ValueError, match=words):
        vg.fit(
            fit_program.learner("plain"), fit_program.data, loss=fit_program.loss, optimizer=optax.sgd(1.0), **options
        )


def test_early_stop_alone():
    rows = lambda *values: [{"val_loss": v} for v in values]
    stop = vg.EarlyStop(patience=2, by=0.1)
    assert stop.at(rows(3.0, 2.0, 1.95)) == 1 and not stop.over(rows(3.0, 2.0, 1.95))
    assert stop.over(rows(3.0, 2.0, 1.95, 1.95)) and stop.at(rows(float("nan"), 5.0)) == 1
    for wrong in ({"patience": 0}, {"best": "max"}, {"by": -1.0}):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            vg.EarlyStop(**wrong)


def test_a_missing_tensorboard_is_explained(monkeypatch, tmp_path):
    monkeypatch.setitem(__import__("sys").modules, "tensorboardX", None)
    with pytest.raises(ModuleNotFoundError, match="pip install"):
        vg.TensorBoard(tmp_path)
    with pytest.raises(TypeError, match="give a path"):
        logs_of(3)
