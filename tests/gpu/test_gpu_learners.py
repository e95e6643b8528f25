"""Learners, endless streams, files and meshes on a GPU."""

import brainstate
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
import saiunit as u
from device_nets import DT, NETS, Spiking, loss, sequence, started
from on_device import largest, on, same_on

import vestige as vg
from measure import assert_same
from vestige.learn.checkpoint import load, save

pytestmark = pytest.mark.gpu


@pytest.fixture(autouse=True)
def clock():
    with brainstate.environ.context(dt=DT * u.ms, precision=64):
        yield


@pytest.mark.parametrize("net", NETS)
def test_modules(device, net):
    def run(xs, ys):
        out = started(NETS[net]).gradients(xs, ys, loss=loss, window=6)
        assert all(jnp.abs(g).max() > 0 for g in jax.tree.leaves(out.grads))
        return out.grads, out.losses, out.outputs

    assert largest(same_on(device, run, *sequence())) > 0


def test_streams(device):
    """Online steps, weights moved at each; the buffers of one step are those of the next."""

    def run(xs, ys):
        online = vg.Online(started(Spiking), loss=loss, optimizer=optax.adam(1e-2))
        for x, y in zip(xs, ys):
            old = jax.tree.leaves(online.__dict__["_held"])
            seen = online(x, y)
        assert any(a.is_deleted() for a in old), "what a step was given is written over"
        online.save()
        return seen, online.params, online.learner.memory

    assert largest(same_on(device, run, *sequence())) > 0


def test_batches_and_a_step_at_a_time(device):
    def run(xs, ys):
        learner = started(Spiking, batch=2)
        weights = learner.model.states(brainstate.ParamState)
        step = lambda x, y: brainstate.transform.grad(lambda: loss(learner(x), y), weights)()
        return [step(x, y) for x, y in zip(xs[:3], ys[:3])]

    assert largest(same_on(device, run, *sequence(batch=2))) > 0


@pytest.mark.parametrize("there_first", [True, False])
def test_files_move_between_devices(device, tmp_path, there_first):
    """Weights, states and traces saved on one device go on on the other as if they had never moved."""
    xs, ys = sequence()
    one, other = (device, jax.devices("cpu")[0])[:: 1 if there_first else -1]
    everything = lambda learner: {".".join(map(str, k)): s.value for k, s in learner.states().items()}

    def begin(xs, ys):
        learner = started(Spiking)
        learner.gradients(xs[:7], ys[:7], loss=loss)
        save(tmp_path / "state.npz", everything(learner))
        return learner.gradients(xs[7:], ys[7:], loss=loss).grads

    def go_on(xs, ys):
        learner = started(Spiking)
        learner(jnp.zeros(3))  # no longer fresh
        found, _ = load(tmp_path / "state.npz", everything(learner))
        for k, state in learner.states().items():
            state.value = jax.device_put(found[".".join(map(str, k))], jax.config.jax_default_device)
        return learner.gradients(xs[7:], ys[7:], loss=loss).grads

    want = on(one, begin, xs, ys)
    assert_same(*jax.device_get((on(other, go_on, xs, ys), want)), 1e-10)


def test_a_mesh_of_one(device):
    xs, ys = sequence(batch=2)
    mesh = jax.sharding.Mesh(np.array([device]), ("batch",))
    run = lambda mesh: started(Spiking, batch=2, mesh=mesh).gradients(xs, ys, loss=loss, window=6).grads
    with jax.default_device(device), jax.default_matmul_precision("highest"):
        assert_same(*jax.device_get((run(mesh), run(None))), 1e-10)


def test_training(device, tmp_path):
    """`fit` with a checkpoint: begun on one device, ended on the other."""
    xs, ys = (np.asarray(a).swapaxes(0, 1) for a in sequence(batch=4))

    def run(epochs, file):
        learner = started(Spiking, batch=2)
        how = dict(loss=loss, optimizer=optax.adam(1e-2), progress=False)
        history = vg.fit(learner, (xs, ys), epochs=epochs, checkpoint=file, **how)
        return history["loss"], {k: s.value for k, s in learner.model.states(brainstate.ParamState).items()}

    cpu, file = jax.devices("cpu")[0], tmp_path / "run.npz"
    on(device, lambda: run(1, file))
    assert_same(*jax.device_get((on(cpu, lambda: run(2, file)), on(cpu, lambda: run(2, None)))), 1e-9)
