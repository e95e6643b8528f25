"""Random draws for the live comparison with NEST: seeded, in range, on the grid, and replayed without the simulator."""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

sys.path.append(str(Path(__file__).parents[2] / "benchmarks" / "nest"))

import parity
from draws import LASTS, TIME_STEPS, draw, draws
from ranges import MODELS
from replay import Run

whole = lambda time, dt: abs(time / dt - round(time / dt)) < 1e-6


@pytest.mark.parametrize("model", MODELS)
def test_draws_are_seeded(model):
    assert draws(model, 3, seed=4) == dict(list(draws(model, 5, seed=4).items())[:3])
    assert draw(model, 0, seed=4) != draw(model, 0, seed=5)


def test_models_are_drawn_apart():
    assert draw("iaf_cond_exp", 0)["parameters"] != draw("iaf_cond_alpha", 0)["parameters"]


@pytest.mark.parametrize("model", MODELS)
def test_parameters_are_in_range(model):
    ranges, drawn = MODELS[model], draws(model, 40).values()
    alike = [one for one, _ in ranges.alike]
    for one in drawn:
        said = one["parameters"]
        assert all(low <= said[k] <= high for k, (low, high) in ranges.parameters.items() if k not in alike)
        assert any(low <= said["V_m"] <= high for low, high in (ranges.start, ranges.high))
        assert ("t_ref" in said) == bool(ranges.silences) and said.get("t_ref", 0.0) >= 0.0
        assert said.get("V_reset", -99.0) < said.get("V_th", 0.0)
    assert {one["dt"] for one in drawn} == set(TIME_STEPS)
    for one, other in ranges.alike:
        same = [d["parameters"][one] == d["parameters"][other] for d in drawn]
        assert any(same) and not all(same)


@pytest.mark.parametrize("model", MODELS)
def test_inputs_are_on_the_grid_and_at_every_receptor(model):
    drawn = draws(model, 40).values()
    for one in drawn:
        times = [t for t, _ in one["current_steps"]] + [one["current_delay"]]
        for train in one["spikes"]:
            assert train["times"] == sorted(set(train["times"])) and train["times"][0] > 0
            assert train["times"][-1] + train["delay"] <= LASTS + 1e-9
            assert len(train.get("multiplicities", train["times"])) == len(train["times"])
            times += [*train["times"], train["delay"]]
        assert all(t > 0 and whole(t, one["dt"]) for t in times)
    for kind in MODELS[model].trains:
        found = [s for d in drawn for s in d["spikes"] if s["receptor"] == kind.receptor]
        assert any(kind.weight[0] <= s["weight"] <= kind.weight[1] for s in found)


def test_spikes_of_several_trains_meet():
    arrivals = lambda train, dt: {round((t + train["delay"]) / dt) for t in train["times"]}
    met = [
        arrivals(one["spikes"][0], one["dt"]) & arrivals(one["spikes"][1], one["dt"])
        for one in draws("iaf_psc_exp", 20).values()
        if len(one["spikes"]) > 1
    ]
    assert any(met)


@pytest.fixture
def group():
    """Runs that recorded what our own population does."""
    runs = [parity.run(name, said, {}) for name, said in draws("iaf_psc_exp", 9, seed=2).items() if said["dt"] == 0.1]
    out, spikes = parity.replayed(parity.judged("iaf_psc_exp"), runs)
    return [recorded(one, n, out, spikes) for n, one in enumerate(runs)], out, spikes


def recorded(one: Run, n: int, out: dict[str, np.ndarray], spikes: np.ndarray) -> Run:
    times = (np.flatnonzero(spikes[:, n]) + 1) * one.dt
    return replace(one, recorded={k: v[:, n] for k, v in out.items()}, spike_times=times)


def compared(group, out, spikes):
    found = parity.Parity("iaf_psc_exp", dict.fromkeys(out, 1e-9))
    parity.compare(found, group, out, spikes)
    return found


def test_a_run_is_its_own_replay(group):
    found = compared(*group)
    assert found.holds and found.draws == 3 and found.spikes == group[2].sum() > 0
    assert all(off == 0.0 for each in found.off.values() for off, *_ in each)


def test_a_state_that_is_off_is_found(group):
    runs, out, spikes = group
    out = {**out, "V_m": out["V_m"].copy()}
    out["V_m"][70, 1] += 1e-6
    out["V_m"][71, 2] = np.nan
    found = compared(runs, out, spikes)
    assert not found.holds and found.far == sorted([runs[1].name, runs[2].name])
    assert found.off["V_m"][1] == (pytest.approx(1e-6, rel=1e-6), runs[1].name, 7.1)


def test_a_spike_one_step_late_is_found(group):
    runs, out, spikes = group
    n = int(spikes.sum(0).argmax())
    k = int(np.flatnonzero(spikes[:, n])[-1])
    spikes = spikes.copy()
    spikes[[k, k + 1], n] = 0, 1
    found = compared(runs, out, spikes)
    assert (found.mismatches, found.shifts, found.far) == (1, 1, [runs[n].name])
    assert not found.holds and found.strayed[runs[n].name] == pytest.approx((k + 1) * 0.1)
