"""Every model that has recorded runs: its class, how its events are made from a run's trains, and how near it must come.

A line's bounds are absolute, in the unit of the recordable (mV, pA, nS, 1); spikes must agree to the step.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from replay import Run, at_receptors, nmda_weights, signed

from vestige import nest


@dataclass(frozen=True, eq=False)
class Model:
    """`near`: worst deviation allowed, by recordable; `leave`: runs judged elsewhere, by name.

    `more`: parameters made from the runs.
    """

    kind: type
    events: Callable[[list[Run]], Any]
    near: dict[str, float]
    leave: tuple[str, ...] = ()
    more: Callable[[list[Run]], dict[str, Any]] = lambda group: {}

    @property
    def name(self) -> str:
        return self.kind.__name__


# the voltage is stored as such: 1.4e-14 mV of rounding at -70 mV, remembered for tau_m / dt = 100 steps
MODELS = [
    Model(nest.iaf_psc_exp, signed, {"V_m": 5e-13, "I_syn_ex": 3e-13, "I_syn_in": 3e-13}),
    # V: 20 ports of 15 to 25 nS that saturate; I_NMDA is that times the blocked conductance. Left: test_bw.py
    Model(
        nest.iaf_bw_2001_exact,
        at_receptors,
        {"V_m": 3e-7, "s_AMPA": 2e-8, "s_GABA": 1e-10, "s_NMDA": 3e-9, "I_AMPA": 1e-6, "I_GABA": 1e-6, "I_NMDA": 1e-5},
        ("bwx_strong_tol0.001", "bwx_strong_tol1e-06", "bwx_dt0.5", "bwx_dt1"),
        nmda_weights,
    ),
    # driven by currents alone; its synapses: test_bw.py
    Model(
        nest.iaf_bw_2001,
        lambda group: None,
        {**dict.fromkeys(["s_AMPA", "s_GABA", "s_NMDA", "I_AMPA", "I_GABA", "I_NMDA"], 0.0), "V_m": 1e-12},
    ),
    Model(nest.iaf_psc_delta, signed, {"V_m": 5e-13}),
    # currents of a nanoampere: 2e-13 pA of rounding
    Model(nest.iaf_psc_alpha, signed, {"V_m": 5e-13, "I_syn_ex": 2e-12, "I_syn_in": 5e-13}),
    # one step against the simulator's own, which halves its steps where a conductance decays fast
    Model(nest.iaf_cond_exp, signed, {"V_m": 1e-4, "g_ex": 3e-3, "g_in": 1e-14}),
    Model(nest.iaf_cond_alpha, signed, {"V_m": 5e-4, "g_ex": 1e-2, "g_in": 1e-14, "t_ref_remaining": 1e-14}),
    Model(
        nest.hh_psc_alpha,
        signed,
        {"V_m": 1e-2, "Act_m": 1e-4, "Inact_h": 2e-5, "Act_n": 2e-5, "I_syn_ex": 3e-4, "I_syn_in": 1e-6},
    ),
    # the upstroke in closed form; what is left is mostly the tolerance of the simulator
    Model(nest.aeif_cond_exp, signed, {"V_m": 4e-2, "g_ex": 2e-5, "g_in": 1e-8, "w": 2e-3}),
    Model(nest.aeif_cond_alpha, signed, {"V_m": 1.5e-2, "g_ex": 3e-5, "g_in": 1e-7, "w": 2e-3}),
    # no recorded run has kernels: tests/nest/test_more_neurons.py asks for both, and for the statistics of the random run
    Model(
        nest.gif_psc_exp,
        signed,
        {"V_m": 5e-13, "I_syn_ex": 5e-13, "I_syn_in": 5e-13, "I_stc": 0.0, "E_sfa": 0.0},
        ("gif_psc_exp_stochastic",),
        lambda group: dict.fromkeys(("tau_sfa", "q_sfa", "tau_stc", "q_stc"), ()),
    ),
]
