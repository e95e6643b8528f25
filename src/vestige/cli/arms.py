"""What `vestige compare` compares: learning rules and baselines, one line each."""

from collections.abc import Callable
from dataclasses import dataclass

import optax

from .. import rules
from ..rules import Rule
from .network import READOUT, Network


@dataclass(frozen=True)
class Arm:
    """A rule, and how it trains.

    `rule(network, seed)`: the seed is of what the rule draws for itself. `window`: steps per window in training, None the
    whole sequence, where every window gives the same gradient. `online`: steps per window when time and memory are
    taken. `optimizer` turns gradients into directions; the learning rate comes after it. `learns`: the parameters that
    move, None for all. `left_out`: why the rule is not trained on these tasks.
    """

    title: str
    rule: Callable[[Network, int], Rule]
    window: int | None = None
    online: int | None = 1
    optimizer: Callable[[], optax.GradientTransformation] = optax.scale_by_adam
    learns: tuple[str, ...] | None = None
    left_out: str = ""


BASELINES = {
    "bptt": Arm("BPTT", lambda net, seed: rules.tbptt(), online=None),
    "tbptt_1": Arm("TBPTT(1)", lambda net, seed: rules.tbptt(), window=1),
    "immediate": Arm("immediate-only + RMSprop", lambda net, seed: rules.immediate(), optimizer=optax.scale_by_rms),
    "frozen": Arm("frozen recurrence", lambda net, seed: rules.tbptt(), online=None, learns=READOUT),
}

TARGETS = "it learns from rewards of actions taken, and these tasks give targets"

RULES = {
    "rtrl": Arm("RTRL", lambda net, seed: rules.rtrl()),
    "d_rtrl": Arm("D-RTRL", lambda net, seed: rules.d_rtrl()),
    "d_rtrl_kappa": Arm("D-RTRL, kappa filter", lambda net, seed: rules.d_rtrl(kappa=True)),
    "es_d_rtrl": Arm("ES-D-RTRL(0.9)", lambda net, seed: rules.es_d_rtrl(0.9)),
    "es_d_rtrl_kappa": Arm("ES-D-RTRL(0.9), kappa filter", lambda net, seed: rules.es_d_rtrl(0.9, kappa=True)),
    "es_window": Arm("ES window law(0.9), K = 5", lambda net, seed: rules.es_window(0.9), window=5, online=5),
    "hybrid": Arm("hybrid(0.9)", lambda net, seed: rules.hybrid(0.9)),
    "e_prop": Arm("e-prop, symmetric", lambda net, seed: rules.e_prop()),
    "e_prop_random": Arm("e-prop, random feedback", lambda net, seed: rules.e_prop(seed)),
    "e_prop_adaptive": Arm("e-prop, adaptive feedback", lambda net, seed: rules.e_prop(seed, adapt=0.01)),
    "snap_1": Arm("SnAp-1", lambda net, seed: rules.snap(1)),
    "snap_2": Arm("SnAp-2", lambda net, seed: rules.snap(2)),
    "uoro": Arm("UORO", lambda net, seed: rules.uoro(seed), window=1),
    "kf_rtrl": Arm("KF-RTRL", lambda net, seed: rules.kf_rtrl(seed), window=1),
    "random_path": Arm("random-path RTRL, 4 paths", lambda net, seed: rules.random_path(4, seed), window=1),
    "ostl_recurrent": Arm("OSTL, with recurrence", lambda net, seed: rules.ostl(recurrent=True)),
    "ostl": Arm("OSTL, without recurrence", lambda net, seed: rules.ostl()),
    "ottt": Arm("OTTT", lambda net, seed: rules.ottt(net.alpha)),
    "otpe": Arm("OTPE", lambda net, seed: rules.otpe(net.kappa)),
    "otpe_approximate": Arm("OTPE, approximate", lambda net, seed: rules.otpe(net.kappa, approximate=True)),
    "osttp": Arm("OSTTP", lambda net, seed: rules.osttp(seed)),
    "decolle": Arm("DECOLLE", lambda net, seed: rules.decolle(seed)),
    "rflo": Arm("RFLO", lambda net, seed: rules.rflo(seed)),
    "sltt": Arm("SLTT, 1 step in 4", lambda net, seed: rules.sltt(1, 4, seed=seed)),
    "dni": Arm("DNI, K = 5", lambda net, seed: rules.dni(), window=5, online=5),
    "three_factor": Arm("three-factor, error as modulator", lambda net, seed: rules.three_factor(net.kappa)),
    "reward_modulated": Arm("reward-modulated", lambda net, seed: rules.reward_modulated(), left_out=TARGETS),
}

ARMS = {**BASELINES, **RULES}
