"""What the examples of cells rest on: a branch that tells pairs apart, a pull that shows wrong conductances."""

from pathlib import Path

import brainstate
import jax.numpy as jnp
import numpy as np
import pytest
import saiunit as u


@pytest.fixture(autouse=True)
def _examples(monkeypatch):
    monkeypatch.syspath_prepend(str(Path(__file__).parents[2] / "examples"))


def shown(body):
    """Highest voltage of somas that see red squares, through 1.4 nS for each feature: on one branch, and on two."""
    from parts.binding import CELLS, Population, watched

    model, nS = Population(body, seed=0), np.full((4, CELLS, 4), 1e-9)
    nS[0, :, 1] = nS[2, 0, 1] = nS[2, 1, 2] = 1.4
    model.weight.value = jnp.asarray(np.log(nS).reshape(4, -1), jnp.float32)
    with brainstate.environ.context(dt=0.5 * u.ms):
        return watched(model)[0][:, 0, :2, 0].max(0)


def test_a_branch_answers_two_features_together_and_a_point_does_not():
    from parts.binding import branched, point

    together, apart = shown(branched())
    assert -65.0 < apart < -57.0 < together - 2.0 < -45.0
    together, apart = shown(point())
    assert together > -69.0 and together == pytest.approx(apart, abs=1e-4)


def test_both_bodies_have_as_much_membrane_and_as_many_synapses():
    from parts.binding import branched, point

    from vestige.cells import tree

    (dendrite, here), (soma, there) = branched(), point()
    assert tree(dendrite).area.sum() == pytest.approx(tree(soma).area.sum(), rel=1e-3) and len(here) == len(there)


def test_the_pull_has_nothing_to_do_where_conductances_are_right():
    from parts.recorded import DT, TRUE, Cells, answer, count, wandering

    current, names = wandering(2400, np.random.default_rng(0)), list(TRUE)
    with brainstate.environ.context(dt=DT * u.ms):
        recorded = answer(current, {name: np.array([g]) for name, g in TRUE.items()})[:, 0]
        before = np.concatenate([[-65.0], recorded[:-1]])
        wrong = 1.0 + 0.3 * np.eye(4)[:3]  # one of three, and none
        model = Cells(80.0 * u.nS, {name: wrong[k] * TRUE[name] for k, name in enumerate(names)})
        brainstate.nn.init_all_states(model)
        v = brainstate.transform.for_loop(model.update, jnp.stack([current, jnp.asarray(before, jnp.float32)], -1))
    off = np.abs(np.asarray(v) - recorded[:, None]).mean(0)
    assert count(recorded) >= 2 and off[3] < 1e-3 < 0.05 < off[:3].min()
    assert np.asarray(v).max(0).min() > 0.0, "the pull did not make every model spike"
    assert model.ratios() == pytest.approx(wrong, rel=1e-4)
