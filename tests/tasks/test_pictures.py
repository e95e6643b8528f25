"""Figures of tasks hold what is shown and what is to be answered."""

import numpy as np

from vestige.plots import stream_course, task_examples, trial_examples
from vestige.tasks import Split, Stream, Task, copy, memory_chain


def dots(axes):
    return len(axes.collections[0].get_offsets())


def test_a_panel_a_class_with_a_dot_a_spike():
    draw = np.random.default_rng(0)
    split = Split(draw.random((9, 12, 5)) < 0.3, np.arange(9) % 5, np.zeros((9, 1)), np.arange(9))
    figure = task_examples(Task("odd", "", split, split, tuple("abcde")))
    shown = [axes for axes in figure.axes if axes.get_title()]
    assert [axes.get_title() for axes in shown] == list("abcde")
    assert [dots(axes) for axes in shown] == split.x[:5].sum((1, 2)).tolist()


def test_targets_are_drawn_where_they_count():
    for trials in (copy(), memory_chain(length=5)):
        figure, drawn = trial_examples(trials, 2), trials.draw(np.random.default_rng(0), 2)
        for n, (top, below) in enumerate(zip(figure.axes[:2], figure.axes[2:])):
            counts = drawn.mask[n] > 0
            assert dots(top) == drawn.x[n].sum() and len(below.patches) == counts.sum()
            told = below.lines[0].get_ydata()
            assert np.array_equal(told[counts], drawn.y[n].reshape(-1)[counts]) and np.isnan(told[~counts]).all()


def test_a_stream_is_drawn_in_running_means(tmp_path):
    y = np.arange(40) % 2
    stream = Stream("s", "", np.zeros((40, 1, 2)), y, np.arange(40.0)[:, None], ("a",), ("dry", "rain"), drift=20)
    figure = stream_course(stream, 4)
    top, below = figure.axes
    np.testing.assert_allclose(top.lines[0].get_ydata(), np.arange(37) + 1.5)
    np.testing.assert_allclose(below.lines[0].get_ydata(), 0.5)
    figure.savefig(tmp_path / "a.png")
