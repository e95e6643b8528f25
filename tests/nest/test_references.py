"""Every recorded run of the simulator, replayed."""

from functools import cache

import numpy as np
import pytest
from models import MODELS, Model
from replay import Gap, gaps, of, play, population, time_steps

name = lambda model: model.name


@cache
def replayed(model: Model) -> dict[str, Gap]:
    found = {}
    for dt in time_steps(model.name):
        if group := of(model.name, dt, model.leave):
            neurons = population(model.kind, group, **model.more(group))
            found |= gaps(group, *play(neurons, group, model.events(group)))
    return found


@pytest.mark.parametrize("model", MODELS, ids=name)
def test_there_are_runs_that_spike(model):
    assert any(len(r.spike_times) for r in of(model.name))


@pytest.mark.parametrize("model", MODELS, ids=name)
def test_spikes_are_those_of_the_simulator(model):
    wrong = {k: gap for k, gap in replayed(model).items() if gap.missing or gap.extra}
    assert not wrong


@pytest.mark.parametrize("model", MODELS, ids=name)
def test_states_are_those_of_the_simulator(model):
    for recordable, bound in model.near.items():
        worst = {k: gap.worst[recordable] for k, gap in replayed(model).items() if recordable in gap.worst}
        assert worst and max(worst.values()) <= bound, (
            recordable,
            {k: f"{v:.1e}" for k, v in worst.items() if v > bound},
        )


@pytest.mark.parametrize("model", MODELS, ids=name)
def test_every_recordable_is_compared(model):
    recorded = set().union(*(r.recorded for r in of(model.name)))
    assert recorded & set(model.kind.RECORDABLES) == set(model.near) and np.isfinite(list(model.near.values())).all()
