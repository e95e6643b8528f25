"""What is drawn for each of NEST's models: ranges of parameters, starts, currents and weights, as data."""

from dataclasses import dataclass, field

Span = tuple[float, float]


@dataclass(frozen=True)
class Train:
    """Spike trains at a receptor: range of their weights, and how many there are at most."""

    weight: Span
    receptor: int = 0  # 0: the only one
    most: int = 3


@dataclass(frozen=True)
class Ranges:
    """`start`: first voltage; in one draw of eight it is from `high`, above the threshold instead.

    `alike`: pairs of parameters that are equal in one draw of eight. `apart`: parameters that all neurons of one of our
    populations share. `together`: choices of several parameters. `rate`: spikes per train and ms.
    `more`: arguments of our class. `near`: bounds where random draws are worse than the recorded runs; `astray`: how many
    of 100 may be beyond, or spike at other steps; `why`.
    """

    parameters: dict[str, Span]
    start: Span
    high: Span
    current: Span
    trains: tuple[Train, ...]
    alike: tuple[tuple[str, str], ...] = ()
    choices: dict[str, tuple[object, ...]] = field(default_factory=dict)
    lists: dict[str, tuple[Span, ...]] = field(default_factory=dict)
    apart: tuple[str, ...] = ()
    together: tuple[dict[str, object], ...] = ()
    rate: float = 0.1
    silences: tuple[float, ...] = (0.0, 0.04, 0.1, 0.25, 0.7, 1.1, 2.0, 2.05, 5.05)  # ms
    more: dict[str, object] = field(default_factory=dict)
    near: dict[str, float] = field(default_factory=dict)
    astray: int = 0
    why: str = ""


LEAKY = {"C_m": (100.0, 400.0), "E_L": (-75.0, -65.0), "V_th": (-57.0, -48.0), "V_reset": (-80.0, -60.0)}
CURRENTS = LEAKY | {"tau_m": (4.0, 30.0), "I_e": (-50.0, 300.0)}
KINETICS = {"tau_syn_ex": (0.3, 6.0), "tau_syn_in": (0.5, 10.0)}
CONDUCTANCES = (
    LEAKY | KINETICS | {"g_L": (8.0, 25.0), "E_ex": (-10.0, 10.0), "E_in": (-95.0, -75.0), "I_e": (-50.0, 200.0)}
)
ADAPTING = {
    "C_m": (150.0, 350.0), "E_L": (-75.0, -65.0), "V_th": (-55.0, -47.0), "V_reset": (-72.0, -56.0),
    "V_peak": (-5.0, 15.0), "g_L": (15.0, 35.0), "Delta_T": (1.0, 3.0), "a": (0.0, 6.0), "b": (20.0, 120.0),
    "tau_w": (50.0, 200.0), "E_ex": (-5.0, 5.0), "E_in": (-90.0, -80.0), "I_e": (0.0, 300.0), **KINETICS,
}  # fmt: skip
BRUNEL_WANG = {
    "C_m": (200.0, 600.0), "g_L": (15.0, 30.0), "E_L": (-75.0, -65.0), "E_ex": (-5.0, 5.0), "E_in": (-80.0, -68.0),
    "V_th": (-56.0, -48.0), "V_reset": (-65.0, -57.0), "tau_AMPA": (1.0, 4.0), "tau_GABA": (3.0, 10.0),
    "tau_rise_NMDA": (1.0, 4.0), "tau_decay_NMDA": (50.0, 150.0), "alpha": (0.2, 1.0), "conc_Mg2": (0.5, 2.0),
}  # fmt: skip
IN_CURRENTS = Train((50.0, 600.0)), Train((-400.0, -50.0))
IN_CONDUCTANCES = Train((1.0, 25.0)), Train((-25.0, -1.0))
START, HIGH = (-80.0, -58.0), (-47.0, -40.0)

ROUNDING = "currents of nanoamperes are rounded at 1e-12 pA, and remembered for tau / dt steps"
TOLERANCE = "what is left is the simulator's tolerance: shorter steps of ours change nothing"
GRAZING = f"{TOLERANCE}; it grows where V grazes its threshold, and on the upstroke"

MODELS = {
    "iaf_psc_exp": Ranges(
        CURRENTS | KINETICS, START, HIGH, (-200.0, 900.0), IN_CURRENTS, (("tau_syn_ex", "tau_m"),),
        near={"V_m": 2e-11, "I_syn_ex": 2e-11, "I_syn_in": 2e-11}, why=ROUNDING,
    ),
    "iaf_psc_alpha": Ranges(
        CURRENTS | KINETICS, START, HIGH, (-200.0, 900.0), IN_CURRENTS, (("tau_syn_in", "tau_m"),),
        near={"V_m": 5e-11, "I_syn_ex": 2e-10, "I_syn_in": 2e-10}, why=ROUNDING,
    ),
    "iaf_psc_delta": Ranges(
        CURRENTS, START, HIGH, (-200.0, 900.0), (Train((0.5, 6.0)), Train((-6.0, -0.5))),
        choices={"refractory_input": (False, True), "V_min": (-1.7976931348623157e308, -82.0)},
        near={"V_m": 2e-11}, why="V is rounded at 1e-14 mV in each of the tau_m / dt steps that it remembers",
    ),
    "iaf_cond_exp": Ranges(
        CONDUCTANCES, START, HIGH, (-200.0, 800.0), IN_CONDUCTANCES,
        near={"V_m": 3e-3, "g_ex": 3e-3, "g_in": 1e-3}, why=TOLERANCE,
    ),
    "iaf_cond_alpha": Ranges(
        CONDUCTANCES, START, HIGH, (-200.0, 800.0), IN_CONDUCTANCES,
        near={"V_m": 2e-2, "g_ex": 3e-3, "g_in": 1e-3}, why=TOLERANCE,
    ),
    "iaf_bw_2001_exact": Ranges(
        BRUNEL_WANG, START, HIGH, (-200.0, 900.0),
        (Train((1.0, 20.0), 1), Train((1.0, 20.0), 2), Train((0.5, 12.0), 3, most=6)), (("tau_AMPA", "tau_rise_NMDA"),),
        near={"V_m": 3e-5, "I_AMPA": 1e-3, "I_GABA": 1e-3, "I_NMDA": 5e-4},
        why="conductances over a step of 0.2 ms: the error of a step of fifth order, a hundredth of it at 0.05 ms",
    ),
    "iaf_bw_2001": Ranges(
        BRUNEL_WANG, START, HIGH, (-200.0, 900.0), (Train((1.0, 20.0), 1), Train((1.0, 20.0), 2)),
        near={"V_m": 1e-12, "s_AMPA": 1e-12, "s_GABA": 1e-12, "I_AMPA": 1e-10, "I_GABA": 1e-10},
        why="rounding alone; its NMDA spikes need senders of its own kind, and are not drawn",
    ),
    "aeif_cond_exp": Ranges(
        ADAPTING, START, HIGH, (0.0, 900.0), IN_CONDUCTANCES, more={"sub_steps": 40},
        near={"V_m": 0.1, "g_ex": 2e-5, "g_in": 2e-5, "w": 5e-3}, astray=5, why=GRAZING,
    ),
    "aeif_cond_alpha": Ranges(
        ADAPTING, START, HIGH, (0.0, 900.0), IN_CONDUCTANCES, more={"sub_steps": 40},
        near={"V_m": 0.1, "g_ex": 2e-5, "g_in": 2e-5, "w": 5e-3}, astray=5, why=GRAZING,
    ),
    "hh_psc_alpha": Ranges(
        {"C_m": (80.0, 120.0), "E_K": (-80.0, -75.0), "E_L": (-56.0, -53.0), "E_Na": (45.0, 55.0), "I_e": (0.0, 500.0),
         "g_K": (3200.0, 4000.0), "g_L": (25.0, 35.0), "g_Na": (11000.0, 13000.0), **KINETICS},
        (-70.0, -60.0), (-40.0, 20.0), (-100.0, 1200.0), (Train((20.0, 300.0)), Train((-100.0, -10.0))),
        near={"V_m": 0.1, "Act_m": 1e-3, "Act_n": 2e-4, "Inact_h": 2e-4, "I_syn_ex": 1e-3, "I_syn_in": 1e-3},
        astray=6, why=GRAZING,
    ),
    "gif_psc_exp": Ranges(
        {"C_m": (60.0, 200.0), "g_L": (3.0, 10.0), "E_L": (-75.0, -65.0), "V_reset": (-65.0, -50.0), "lambda_0": (0.5, 5.0),
         "V_T_star": (-50.0, -42.0), "Delta_V": (1e-7, 1e-6), "I_e": (-10.0, 50.0), **KINETICS},
        START, (-41.0, -35.0), (-50.0, 300.0), (Train((10.0, 150.0)), Train((-100.0, -10.0))),
        lists={"tau_sfa": ((10.0, 50.0), (50.0, 200.0)), "q_sfa": ((0.0, 10.0), (-1.0, 3.0)),
               "tau_stc": ((5.0, 30.0), (30.0, 100.0)), "q_stc": ((-10.0, 50.0), (0.0, 10.0))},
        near={"V_m": 2e-11, "I_syn_ex": 2e-11, "I_syn_in": 2e-11, "I_stc": 2e-11, "E_sfa": 2e-11},
        why=f"a Delta_V so small that chance decides nothing; {ROUNDING}",
    ),
    "glif_psc": Ranges(
        {"g": (5.0, 15.0), "C_m": (50.0, 120.0), "E_L": (-80.0, -70.0), "V_th": (-57.0, -48.0), "V_reset": (-80.0, -65.0),
         "th_spike_add": (0.0, 5.0), "th_spike_decay": (0.005, 0.1), "voltage_reset_fraction": (0.0, 0.5),
         "voltage_reset_add": (-5.0, 5.0), "th_voltage_index": (0.0, 0.02), "th_voltage_decay": (0.01, 0.1)},
        START, HIGH, (-50.0, 500.0),
        (Train((20.0, 120.0), 1), Train((-80.0, -20.0), 1), Train((20.0, 120.0), 2), Train((-80.0, -20.0), 2)),
        lists={"tau_syn": ((0.5, 4.0), (3.0, 10.0)),
               "asc_decay": ((0.003, 0.01), (0.05, 0.2)), "asc_amps": ((-30.0, 10.0), (-100.0, 0.0)),
               "asc_r": ((0.0, 1.0), (0.0, 1.0))},
        together=tuple(
            {"spike_dependent_threshold": a, "after_spike_currents": b, "adapting_threshold": c, "asc_init": [-10.0, 5.0]}
            # the simulator takes the first currents twice, if there are such
            | ({"ASCurrents": [-10.0, 5.0]} if b else {})
            for a, b, c in ((False, False, False), (True, False, False), (False, True, False), (True, True, False),
                            (True, True, True))
        ),
        apart=("spike_dependent_threshold", "after_spike_currents", "adapting_threshold"),
        silences=(0.04, 0.1, 0.25, 0.7, 1.1, 2.0, 2.05, 5.05),
        near=dict.fromkeys(
            ("V_m", "ASCurrents_sum", "I", "I_syn", "threshold", "threshold_spike", "threshold_voltage"), 2e-11
        ),
        why=ROUNDING,
    ),
    "izhikevich": Ranges(
        {"a": (0.02, 0.1), "b": (0.2, 0.26), "c": (-65.0, -55.0), "d": (2.0, 8.0), "U_m": (-15.0, -10.0), "I_e": (0.0, 6.0)},
        (-75.0, -60.0), (31.0, 40.0), (0.0, 15.0), (Train((0.5, 5.0)), Train((-5.0, -0.5))),
        choices={"consistent_integration": (True, False)}, apart=("consistent_integration",), silences=(),
        near={"V_m": 1e-2, "U_m": 1e-3}, astray=4,
        why="a chaotic model: rounding grows tenfold in 10 to 20 ms where it bursts",
    ),
}  # fmt: skip
