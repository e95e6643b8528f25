"""Cells beside what NEURON recorded: voltages, spikes, and what smaller steps change."""

from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest
from neuron_cases import CASES, SAMPLED, fingerprint, near
from neuron_replay import Played, groups, play

from vestige import cells

RECORDED = Path(__file__).parent / "data" / "neuron.npz"
FIRST = [next(iter(group)) for group in groups(CASES)]
LONG = [name for name in FIRST if name in ("cable of 41", "axon at 0.025") or name.endswith("at 0.01")]
SHORT = [name for name in FIRST if name not in LONG]


@pytest.fixture(scope="module")
def neuron():
    with np.load(RECORDED) as data:
        return dict(data)


@lru_cache
def played(name: str) -> dict[str, Played]:
    """This case, and those that the same program plays."""
    return next(play(group) for group in groups(CASES) if name in group)


def stored(neuron: dict[str, np.ndarray], name: str) -> list[np.ndarray]:
    return [neuron[f"{name}/spikes/{n}"] for n in range(len(CASES[name]["record"]))]


def spikes_somewhere(neuron: dict[str, np.ndarray], name: str) -> bool:
    return any(len(times) for times in stored(neuron, name))


def assert_same(mine: Played, neuron: dict[str, np.ndarray], name: str, bound: float) -> None:
    want, times = neuron[f"{name}/v"], stored(neuron, name)
    every = round(SAMPLED / mine.dt)
    assert np.ptp(want, axis=0).min() > 3.0, "nothing happens in this recording"
    np.testing.assert_allclose(mine.v[every - 1 :: every], want, rtol=0.0, atol=bound)
    for here, there in zip(mine.crossings, times, strict=True):
        np.testing.assert_allclose(here, there, rtol=0.0, atol=1e-6)
    np.testing.assert_allclose(mine.spikes, times[0], rtol=0.0, atol=1e-6)


def test_the_recordings_are_of_these_cases(neuron):
    kept = {name.removesuffix("/case"): int(value) for name, value in neuron.items() if name.endswith("/case")}
    assert kept == {name: fingerprint(case) for name, case in CASES.items()}
    spiking = [name for name in CASES if spikes_somewhere(neuron, name)]
    assert spiking == [name for name in CASES if name.startswith(("channels", "spiking", "axon", "tree, spikes"))]


@pytest.mark.parametrize("name", [*SHORT, *(pytest.param(name, marks=pytest.mark.slow) for name in LONG)])
def test_voltages_and_spikes_are_those_of_neuron(name, neuron):
    for each, mine in played(name).items():
        assert_same(mine, neuron, each, near(CASES[each], spikes_somewhere(neuron, each)))


@pytest.mark.slow
def test_with_neurons_slope_of_curved_currents_the_difference_is_rounding(neuron, monkeypatch):
    def flow(self, p, s, v, ions):
        i = self.current(p, s, v, ions)
        return i, (self.current(p, s, v + 1e-3, ions) - i) / 1e-3

    monkeypatch.setattr(cells.Mechanism, "flow", flow)
    assert_same(play({"channels": CASES["channels"]})["channels"], neuron, "channels", bound=1e-6)


@pytest.mark.parametrize("what", ["passive, current", "passive, synapses"])
def test_the_error_is_in_proportion_to_the_step(what, neuron):
    # against the finest run, an error of first order falls by (0.1 - 0.01) / (0.025 - 0.01)
    finest = neuron[f"tree, {what} at 0.01/v"]

    def off(dt: float) -> float:
        mine = played(f"tree, passive, current at {dt}")[f"tree, {what} at {dt}"]
        return np.abs(mine.v[round(SAMPLED / dt) - 1 :: round(SAMPLED / dt)] - finest).mean()

    coarse, fine = off(0.1), off(0.025)
    assert fine > 1e-6
    assert 5.0 < coarse / fine < 7.0


def test_a_spike_runs_along_the_axon():
    near, middle, far = played("axon at 0.1")["axon at 0.1"].crossings
    assert len(near) == len(middle) == len(far) >= 3
    assert (near < middle).all() and (middle < far).all()


def test_single_precision_spikes_when_double_precision_does(neuron):
    name = "axon at 0.1"
    single = play({name: CASES[name]}, precision=32)[name]
    assert single.v.dtype == np.float32
    for here, there in zip(single.crossings, stored(neuron, name), strict=True):
        np.testing.assert_allclose(here, there, rtol=0.0, atol=0.05)
    assert 0.0 < np.abs(single.v - played(name)[name].v).max() < 0.05
