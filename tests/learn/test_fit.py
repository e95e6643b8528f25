"""The training loop: it learns, resumes to the same numbers, and refuses what does not fit before a weight moves."""

import brainstate
import jax.numpy as jnp
import numpy as np
import optax
import pytest
import saiunit as u

import vestige as vg
from vestige.learn import checkpoint as files
from vestige.learn.fit import fit, measure, predictor

N, T, INPUTS, CLASSES = 24, 10, 12, 2


class Net(brainstate.nn.Module):
    def __init__(self):
        super().__init__()
        brainstate.random.seed(0)
        self.hidden = vg.nn.Linear(INPUTS, 16, w_init=brainstate.nn.init.Normal(1.5), b_init=None)
        self.neurons = vg.neurons.LIF(16, R=1.0, V_th=1.0, V_reset=0.0, V_rest=0.0, V_initializer=np.zeros(16))
        self.readout = vg.nn.Linear(16, CLASSES)

    def update(self, x):
        return self.readout(self.neurons(self.hidden(x)))


@pytest.fixture(autouse=True)
def one_millisecond():
    with brainstate.environ.context(dt=1.0 * u.ms):
        yield


def learner(batch_size=8):
    net = Net()
    brainstate.nn.init_all_states(net)
    made = vg.D_RTRL(net)
    made.compile_graph(jnp.zeros(INPUTS), batch_size=batch_size)
    return made


def sequences(seed=0):
    """Two classes, each with half of the inputs for its own."""
    draw = np.random.default_rng(seed)
    y = np.arange(N) % CLASSES
    mine = (np.arange(INPUTS) % CLASSES)[None, :] == y[:, None]
    x = draw.random((N, T, INPUTS)) < np.where(mine, 0.6, 0.2)[:, None, :]
    return x.astype(np.float32), np.broadcast_to(y[:, None], (N, T))


def loss(output, target):
    return optax.softmax_cross_entropy_with_integer_labels(output, target).mean()


def accuracy(outputs, targets):
    return jnp.mean(outputs.mean(0).argmax(-1) == targets[-1])


def values(made):
    return [np.asarray(a) for s in made.model.states(brainstate.ParamState).values() for a in s.value.values()]


def run(made, epochs=3, data=sequences(), **options):  # noqa: B008
    return fit(made, data, loss=loss, optimizer=optax.adam(3e-2), epochs=epochs, progress=False, **options)


@pytest.mark.parametrize("every, batch_size", [("end", 8), (1, 8), (4, 8), (3, None)])
def test_it_learns(every, batch_size):
    made = learner(batch_size)
    history = run(
        made, 10, update_every=every, metrics={"accuracy": accuracy if batch_size else lambda o, t: jnp.ones(())}
    )
    assert history["loss"][-1] < 0.7 * history["loss"][0]
    if batch_size:
        assert history["accuracy"][-1] > 0.9


def test_a_window_is_only_faster():
    one, other = learner(), learner()
    history = run(one, window=None)
    np.testing.assert_allclose(run(other, window=3)["loss"], history["loss"], rtol=1e-4)


def test_updates_every_t_steps_are_updates_at_the_end():
    np.testing.assert_allclose(run(learner(), update_every=T)["loss"], run(learner())["loss"], rtol=1e-5)


@pytest.mark.slow
def test_a_killed_run_resumes_to_the_same_numbers(tmp_path):
    data = lambda rng: sequences(int(rng.integers(99)))
    whole, part = learner(), learner()
    history = run(whole, 4, data, validate=sequences(5))
    run(part, 2, data, validate=sequences(5), checkpoint=tmp_path / "c.npz")
    again = learner()
    resumed = run(again, 4, data, validate=sequences(5), checkpoint=tmp_path / "c.npz")
    assert resumed.rows == history.rows
    for a, b in zip(values(again), values(whole)):
        np.testing.assert_array_equal(a, b)


def test_an_interrupt_keeps_the_last_checkpoint(tmp_path):
    def stop(epoch, row):
        if epoch == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(learner(), 4, checkpoint=tmp_path / "c.npz", callbacks=[stop])
    assert len(files.notes(tmp_path / "c.npz")["rows"]) == 2


def test_validation_measures_what_predict_gives():
    made, (xs, targets) = learner(), sequences(3)
    xs, targets = xs[:13], targets[:13]
    row = measure(predictor(made), (xs, targets), loss, metrics={"accuracy": accuracy})
    outputs = predictor(made)(xs)
    assert outputs.shape == (13, T, CLASSES)
    assert row["accuracy"] == pytest.approx((outputs.mean(1).argmax(-1) == targets[:, 0]).mean())
    alone = predictor(learner(None))(xs)
    np.testing.assert_allclose(outputs, alone, atol=1e-5)


def test_a_loss_that_is_not_finite_gives_the_weights_back():
    made = learner()
    before = values(made)
    with pytest.raises(FloatingPointError, match="learning rate"):
        fit(made, sequences(), loss=lambda o, t: loss(o, t) / 0, optimizer=optax.sgd(1.0), progress=False)
    for a, b in zip(values(made), before):
        np.testing.assert_array_equal(a, b)


def bad_data():
    xs, targets = sequences()
    yield "labels without time", (xs, targets[:, 0]), {}, "broadcast_to"
    yield "not a number", (np.where(xs > 0, np.nan, xs), targets), {}, "not finite"
    yield "too few", (xs[:5], targets[:5]), {}, "do not fill one batch"
    yield "another batch size", (xs, targets), {"batch_size": 3}, "compile_graph"
    yield "mask", (xs, targets), {"mask": np.ones(T + 1)}, "one weight a step"
    yield "update_every", (xs, targets), {"update_every": 0}, "at least 1"


@pytest.mark.parametrize("data, options, words", [b[1:] for b in bad_data()], ids=[b[0] for b in bad_data()])
def test_bad_input_is_refused_before_a_weight_moves(data, options, words):
    made = learner()
    before = values(made)
    with pytest.raises(ValueError, match=words):
        run(made, data=data, **options)
    for a, b in zip(values(made), before):
        np.testing.assert_array_equal(a, b)


def test_a_learner_is_compiled_for_the_first_example():
    net = Net()
    brainstate.nn.init_all_states(net)
    made = vg.D_RTRL(net)
    assert len(run(made, 1, batch_size=8).rows) == 1
    assert made.batch_size == 8


def test_checkpoints_are_whole_or_not_there(tmp_path, monkeypatch):
    path = files.save(tmp_path / "a.npz", {"w": jnp.ones(3)}, {"epoch": 1})
    monkeypatch.setattr("os.replace", lambda *a: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        files.save(path, {"w": jnp.zeros(3)})
    tree, noted = files.load(path, {"w": jnp.zeros(3)})
    assert noted == {"epoch": 1} and float(tree["w"].sum()) == 3
    assert [p.name for p in tmp_path.iterdir()] == ["a.npz"]


def test_files_that_do_not_fit_are_refused(tmp_path):
    path = files.save(tmp_path / "a.npz", {"w": jnp.ones(3)})
    with pytest.raises(files.CheckpointError, match="another model"):
        files.load(path, {"w": jnp.ones(4)})
    (tmp_path / "b.npz").write_text("hello")
    with pytest.raises(files.CheckpointError, match="not a checkpoint"):
        files.load(tmp_path / "b.npz", {})
