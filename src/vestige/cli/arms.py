"""What `vestige compare` compares: learning rules and baselines, one line each."""

from collections.abc import Callable
from dataclasses import dataclass

import optax

from .. import rules
from ..graph import Graph
from ..rules import Rule
from .network import READOUT


@dataclass(frozen=True)
class Arm:
    """A rule, and how it trains.

    `window`: steps per window in training, None the whole sequence: right where every window gives the same gradient.
    `online`: steps per window when time and memory are taken. `optimizer` turns gradients into directions; the learning
    rate comes after it. `learns`: the parameters that move, None for all.
    """

    title: str
    rule: Callable[[Graph], Rule]
    window: int | None = None
    online: int | None = 1
    optimizer: Callable[[], optax.GradientTransformation] = optax.scale_by_adam
    learns: tuple[str, ...] | None = None


BASELINES = {
    "bptt": Arm("BPTT", lambda g: rules.tbptt(), online=None),
    "tbptt_1": Arm("TBPTT(1)", lambda g: rules.tbptt(), window=1),
    "immediate": Arm("immediate-only + RMSprop", lambda g: rules.tbptt(), window=1, optimizer=optax.scale_by_rms),
    "frozen": Arm("frozen recurrence", lambda g: rules.tbptt(), online=None, learns=READOUT),
}

RULES = {
    "d_rtrl": Arm("D-RTRL", lambda g: rules.d_rtrl()),
    "es_d_rtrl": Arm("ES-D-RTRL(0.9)", lambda g: rules.es_d_rtrl(0.9)),
    "es_window": Arm("ES window law(0.9), K = 5", lambda g: rules.es_window(0.9), window=5, online=5),
    "hybrid": Arm("hybrid(0.9)", lambda g: rules.hybrid(0.9)),
}

ARMS = {**BASELINES, **RULES}
