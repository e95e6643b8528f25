"""Figures hold what they were given."""

import numpy as np

from vestige import plots

CLASSES = ("one", "two", "three")


def test_the_confusion_matrix_counts():
    figure = plots.confusion(np.array([0, 0, 1, 2]), np.array([0, 1, 1, 2]), CLASSES)
    (axes,) = figure.axes
    assert sorted(text.get_text() for text in axes.texts) == ["1"] * 4
    assert axes.get_title(loc="left") == "75.0% of 4 right"


def test_the_learning_curve_has_all_runs_their_means_and_named_levels():
    runs = np.linspace(1, 0, 12).reshape(2, 6)
    figure = plots.learning_curve(runs, 1 - runs, 1 - runs, references={"chance": 0.3, "other": 0.31})
    loss, accuracy = figure.axes
    assert [len(axes.lines) for axes in (loss, accuracy)] == [3, 8]
    low, high = (text.get_position()[1] for text in accuracy.texts)
    assert high - low > 0.05


def test_the_raster_has_one_dot_a_spike_and_names_the_decision():
    draw = np.random.default_rng(0)
    inputs, spikes = draw.random((20, 6)) < 0.3, draw.random((20, 9)) < 0.2
    scores = np.zeros((20, 3)) + [0, 5, 0]
    figure = plots.raster(inputs, spikes, scores, CLASSES, truth=0)
    dots = [len(axes.collections[0].get_offsets()) for axes in figure.axes[:2]]
    assert dots == [inputs.sum(), spikes.sum()]
    assert [text.get_text() for text in figure.axes[2].texts] == ["one (true)", "two (said)"]


def test_figures_can_be_written(tmp_path):
    plots.confusion(np.array([0]), np.array([0]), ("a",)).savefig(tmp_path / "a.png")
    assert (tmp_path / "a.png").stat().st_size > 1000


def test_a_comparison_has_a_bar_an_arm_on_either_side_and_a_dot_a_seed():
    scores, cosines = [[0.9, 0.8], [0.5, 0.7], [0.4, 0.4]], [1.0, None, -0.3]
    figure = plots.comparison(
        ("a", "b", "c"), scores, cosines, [1.0, None, 0.2], chance=0.25, baselines=2, title="task"
    )
    left, right = figure.axes
    assert [bar.get_width() for bar in left.patches] == [np.mean(s) for s in scores]
    assert [sorted(dots.get_offsets()[:, 0]) for dots in left.collections] == [sorted(s) for s in scores]
    widths = [bar.get_width() for bar in right.patches]
    assert widths[0] == 1.0 and np.isnan(widths[1]) and widths[2] == -0.3
    assert [text.get_text() for text in right.texts] == ["1.00", "no gradient", "-0.30"]
    assert [text.get_text() for text in left.get_yticklabels()] == ["a", "b", "c"]
    assert right.get_xlim()[0] < -0.3 and left.lines[0].get_xdata()[0] == 0.25
