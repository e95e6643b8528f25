"""What a run shows in the end: a table, and figures."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import saiunit as u

from .. import plots
from ..tasks import Task
from ..tasks.classifier import STEP
from .job import Outcome

NAMES = {"d_rtrl": "D-RTRL", "es_d_rtrl": "ES-D-RTRL"}


def table(task: Task, metrics: Mapping[str, Any]) -> str:
    """Test accuracy, and the same for what it is compared with."""
    each = ", ".join(f"{100 * a:.1f}" for a in metrics["accuracies"])
    rows = [(f"spiking network, {NAMES[metrics['rule']]}", metrics["accuracy"], f"mean of {each}")]
    notes = {
        "recurrence frozen": "the same, recurrent weights as drawn",
        "logistic regression": "on summary features",
        "chance": "always the commonest class",
    }
    rows += [(name, metrics["references"][name], note) for name, note in notes.items() if name in metrics["references"]]
    lines = [f"  {name:<28}{accuracy:6.1%}   {note}" for name, accuracy, note in rows]
    firing = f"  each neuron fires in {metrics['firing']:.1%} of the steps"
    return "\n".join([f"\ntest accuracy on {len(task.test)} sequences", *lines, firing])


def draw(task: Task, outcomes: list[Outcome], references: Mapping[str, float], folder: Path) -> list[Path]:
    """Learning curve of all seeds; confusion matrix and raster of the first."""
    stack = lambda name: np.array([[row[name] for row in o.rows] for o in outcomes])
    curve = plots.learning_curve(stack("loss"), stack("accuracy"), stack("val_accuracy"), references=references)
    first = outcomes[0]
    matrix = plots.confusion(task.test.y, first.said, task.classes)
    seen = first.picture
    raster = plots.raster(
        task.test.x[seen.number], seen.spikes, seen.scores, task.classes,
        dt=float(STEP.to_decimal(u.second)), unit="s", truth=int(task.test.y[seen.number]),
    )  # fmt: skip
    figures = {"learning-curve": curve, "confusion": matrix, "raster": raster}
    for name, figure in figures.items():
        figure.savefig(folder / f"{name}.png")
    return [folder / f"{name}.png" for name in figures]
