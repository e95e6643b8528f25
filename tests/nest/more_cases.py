"""Runs of aeif_cond_*, gif_psc_exp, izhikevich and glif_psc that the simulator is asked for: parameters, currents and trains."""

from dataclasses import dataclass
from typing import Any

import numpy as np

STEPS, DT, EVERY = 3000, 0.1, 7


@dataclass(frozen=True)
class Case:
    """`amplitude`: of a current that changes every 50 ms. `weights`: of the trains, by port (1, 2, ...)."""

    model: str
    parameters: dict[str, Any]
    amplitude: float
    weights: tuple[float, ...]
    seed: int = 0
    ports: tuple[int, ...] = ()

    def current(self) -> np.ndarray:
        """`[STEPS]`: the current that each step is given, for the next one."""
        draws = np.random.default_rng(self.seed).uniform(-0.3, 1.0, STEPS // 500)
        out = np.repeat(self.amplitude * draws, 500)
        # no generator can act before
        out[0] = 0.0
        return out

    def trains(self) -> np.ndarray:
        """`[STEPS, trains]`: which steps a spike of each train arrives in."""
        out = np.random.default_rng(self.seed + 100).random((STEPS, len(self.weights))) < 0.01
        # as for a current
        out[0] = False
        return out


ADAPT = dict(tau_sfa=[30.0, 120.0], q_sfa=[3.0, 0.7], tau_stc=[12.0, 60.0], q_stc=[40.0, 5.0])
PORTS = dict(tau_syn=[2.0, 5.0])
RESETS = dict(spike_dependent_threshold=True, t_ref=1.0, th_spike_add=4.0, th_spike_decay=0.02, voltage_reset_add=-3.0)
# the simulator takes the first currents from ASCurrents
AFTER = dict(
    after_spike_currents=True, asc_init=[-10.0, 5.0], ASCurrents=[-10.0, 5.0], asc_amps=[-9.0, -60.0], asc_r=[1.0, 0.7]
)
MOVES = dict(adapting_threshold=True, th_voltage_index=0.02, th_voltage_decay=0.05)
CASES = {
    "aeif_several_in_a_step": Case("aeif_cond_exp", dict(V_reset=-49.0, b=5.0, I_e=2e5), 1e5, (9.0, -6.0), 20),
    "aeif_without_exponential": Case(
        "aeif_cond_exp", dict(Delta_T=0.0, V_peak=-45.0, t_ref=1.0), 900.0, (9.0, -6.0), 21
    ),
    "aeif_bursts": Case("aeif_cond_alpha", dict(V_reset=-47.0, tau_w=40.0, b=60.0, a=2.0), 1200.0, (9.0, -6.0), 23),
    "aeif_steep": Case("aeif_cond_exp", dict(Delta_T=0.5, V_peak=-30.0, t_ref=0.5), 1200.0, (9.0, -6.0), 26),
    "gif_adapts": Case("gif_psc_exp", {**ADAPT, "Delta_V": 0.001}, 400.0, (120.0, -80.0), 1),
    "gif_one_each": Case(
        "gif_psc_exp",
        dict(tau_sfa=[50.0], q_sfa=[5.0], tau_stc=[20.0], q_stc=[-15.0], Delta_V=0.001, t_ref=1.1, V_reset=-60.0),
        300.0,
        (150.0, -40.0),
        2,
    ),
    "gif_no_silence": Case("gif_psc_exp", {**ADAPT, "Delta_V": 0.001, "t_ref": 0.0}, 400.0, (120.0, -80.0), 3),
    "izhikevich_regular": Case("izhikevich", {}, 12.0, (4.0, -3.0), 4),
    "izhikevich_fast": Case("izhikevich", dict(a=0.1, d=2.0), 12.0, (9.0, -5.0), 5),
    "izhikevich_bursts": Case("izhikevich", dict(c=-50.0, d=2.0, I_e=3.0), 10.0, (4.0, -3.0), 6),
    "izhikevich_published": Case("izhikevich", dict(consistent_integration=False), 12.0, (6.0, -3.0), 7),
    "izhikevich_floor": Case(
        "izhikevich",
        dict(consistent_integration=False, V_min=-68.0, V_th=25.0, b=0.25, c=-60.0, d=4.0),
        10.0,
        (60.0, -20.0),
        8,
    ),
    "glif_lif": Case("glif_psc", PORTS, 700.0, (90.0, -60.0), 9, (1, 2)),
    "glif_lif_r": Case("glif_psc", PORTS | RESETS, 700.0, (90.0, -60.0), 10, (1, 2)),
    "glif_lif_asc": Case("glif_psc", PORTS | AFTER, 700.0, (90.0, -60.0), 11, (1, 2)),
    "glif_lif_r_asc": Case("glif_psc", PORTS | RESETS | AFTER, 700.0, (90.0, -60.0), 12, (1, 2)),
    "glif_lif_r_asc_a": Case("glif_psc", PORTS | RESETS | AFTER | MOVES, 700.0, (90.0, -60.0), 13, (1, 2)),
    "glif_defaults": Case(
        "glif_psc",
        dict(spike_dependent_threshold=True, after_spike_currents=True, adapting_threshold=True),
        700.0,
        (90.0, -60.0),
        14,
        (1, 1),
    ),
}
