"""Figures of a learner hold its numbers."""

import numpy as np
import pytest
import saiunit as u

from vestige import plots


def test_a_map_for_each_variable_of_the_block():
    trace = np.random.default_rng(0).normal(size=(2, 3, 5, 2))  # two axes of inputs
    figure = plots.eligibility({("w", "n.V, n.a"): trace, ("b", "r"): trace[0, 0, :, :1]})
    maps = [axes for axes in figure.axes if axes.images and axes.get_title(loc="left")]
    assert [axes.get_title(loc="left") for axes in maps] == ["w\nn.V", "w\nn.a", "b\nr"]
    for s in (0, 1):
        np.testing.assert_array_equal(maps[s].images[0].get_array(), trace[..., s].reshape(6, 5))
        low, high = maps[s].images[0].get_clim()
        assert -low == high == abs(trace[..., s]).max()
    assert maps[2].images[0].get_array().shape == (1, 5)
    with pytest.raises(ValueError, match=r"w has shape \(3,\)"):
        plots.eligibility({"w": np.zeros(3)})


def test_histograms_count_each_element_once_in_one_unit():
    draw = np.random.default_rng(0)
    now = {("l", "weight"): {"weight": draw.normal(size=(4, 5)) * u.mA, "bias": np.zeros(5)}}
    before = {("l", "weight"): {"weight": draw.normal(size=(4, 5)) * 1e-3 * u.amp, "bias": np.ones(5)}}
    figure = plots.weights(now, before, bins=10)
    weight, _ = (axes for axes in figure.axes if axes.patches)
    assert weight.get_title(loc="left") == "l.weight.weight" and weight.get_xlabel() == "20 elements, mA"
    assert sum(bar.get_height() for bar in weight.patches[:10]) == 20  # grey bars
    assert abs(weight.dataLim.intervalx).max() < 5  # amperes were not taken for milliamperes
    with pytest.raises(ValueError, match="give the same ones"):
        plots.weights(now, {"other": np.zeros(2)})


def test_traces_are_lines_in_their_unit():
    values = np.random.default_rng(0).normal(size=(30, 7))
    figure = plots.traces(np.arange(30) * u.ms, {"V": values * u.mV, "a": values}, neurons=2)
    voltage, other = figure.axes
    assert (voltage.get_ylabel(), other.get_ylabel()) == ("V (mV)", "a")
    for n, line in enumerate(voltage.lines):
        np.testing.assert_allclose(line.get_ydata(), values[:, n])
    assert len(voltage.lines) == 2
