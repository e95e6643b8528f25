"""What each task is trained with: the numbers that were chosen, and how."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal

import saiunit as u

from ..tasks import Task, Voice, digits, events, fashion, speech, watch


@dataclass(frozen=True)
class Recipe:
    """Network and training of one task; lengths of time in `network` are in ms."""

    make: Callable[[], Task]
    epochs: int
    n_rec: int = 128
    batch_size: int = 64
    update_every: int | Literal["end"] = "end"
    rate: float = 1e-2  # of Adam, falling to zero along a cosine
    judged_from: int = 0  # step from which scores count, in the loss as in the decision
    smoothing: float = 0.1  # of the labels
    network: dict[str, Any] = field(default_factory=dict)
    seeds: int = 1  # networks, unless another number is asked for


# chosen by accuracy on pairs of training wearers left out in turn; the test wearers had no say
WATCH = Recipe(watch, epochs=25, judged_from=40, seeds=3)
DIGITS = Recipe(digits, epochs=15, rate=2e-2, judged_from=8, network=dict(tau=(40.0, 200.0) * u.ms, tau_g=200.0 * u.ms))
# chosen by accuracy on the last 4,000 training images, on 6,000 training images that `events` leaves out, on twelve voices
FASHION = Recipe(
    fashion, epochs=3, rate=2e-2, judged_from=20, network=dict(tau=(20.0, 100.0) * u.ms, tau_g=400.0 * u.ms)
)
EVENTS = Recipe(
    events, epochs=5, n_rec=256, rate=2e-2, judged_from=10, network=dict(tau=(20.0, 100.0) * u.ms, tau_g=400.0 * u.ms)
)
SPEECH = Recipe(
    partial(speech, steps=80, variation=Voice()), epochs=15, rate=2e-2, judged_from=30,
    network=dict(tau=(20.0, 200.0) * u.ms, tau_g=800.0 * u.ms),
)  # fmt: skip
RECIPES = {"watch": WATCH, "digits": DIGITS, "fashion": FASHION, "events": EVENTS, "speech": SPEECH}
