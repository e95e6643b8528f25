"""Single neurons and their input, for NEST and for vestige: model, time step in ms, parameters in NEST's units."""

import numpy as np

STEPS = 300
LIF, ALIF, READOUT = "eprop_iaf_bsshslm_2020", "eprop_iaf_adapt_bsshslm_2020", "eprop_readout_bsshslm_2020"
DELTA, ADELTA = "eprop_iaf_psc_delta", "eprop_iaf_psc_delta_adapt"

CASES = {
    "defaults": (LIF, 1.0, {}),
    "a current, a floor": (LIF, 1.0, {"I_e": 200.0, "C_m": 150.0, "tau_m": 14.0, "V_min": -72.0}),
    "half a step": (LIF, 0.5, {"t_ref": 1.7, "regular_spike_arrival": False, "I_e": 600.0}),
    "exponential": (LIF, 1.0, {"surrogate_gradient_function": "exponential", "V_th": -60.0, "t_ref": 0.0}),
    "fast sigmoid": (
        LIF,
        1.0,
        {"surrogate_gradient_function": "fast_sigmoid_derivative", "E_L": -65.0, "V_th": -60.0},
    ),
    "arctan": (
        LIF,
        1.0,
        {"surrogate_gradient_function": "arctan_derivative", "surrogate_gradient_width": 3.0, "t_ref": 5.0},
    ),
    "adaptation": (ALIF, 1.0, {"adapt_beta": 1.5, "adapt_tau": 60.0, "I_e": 300.0}),
    "slow adaptation": (ALIF, 0.5, {"adapt_beta": 0.4, "adapt_tau": 500.0, "t_ref": 4.0, "V_th": -62.0}),
    "tonic": (ALIF, 1.0, {"V_th": -71.0, "adapt_tau": 30.0}),
    "readout": (READOUT, 1.0, {"I_e": -600.0, "E_L": -2.0, "V_min": -9.0}),
    "early arrival": (READOUT, 0.5, {"regular_spike_arrival": False, "tau_m": 25.0}),
    "per step": ("eprop_iaf", 1.0, {}),
    "per step, a current, a floor": ("eprop_iaf", 1.0, {"I_e": 200.0, "C_m": 150.0, "tau_m": 14.0, "V_min": -72.0}),
    "per step, half a step": (
        "eprop_iaf",
        0.5,
        {"t_ref": 1.7, "I_e": 300.0, "surrogate_gradient_function": "exponential"},
    ),
    "per step, adaptation": ("eprop_iaf_adapt", 1.0, {"adapt_beta": 1.5, "adapt_tau": 60.0, "I_e": 300.0}),
    "per step, fast": ("eprop_iaf_adapt", 0.5, {"V_th": -66.0, "adapt_tau": 30.0, "t_ref": 0.0, "I_e": 300.0}),
    "delta": (DELTA, 1.0, {}),
    "delta, silent at once": (DELTA, 1.0, {"t_ref": 0.0, "V_reset": -90.0, "V_th": -62.0}),
    "delta, input waits": (DELTA, 1.0, {"t_ref": 4.0, "refractory_input": True, "V_reset": -74.0, "V_th": -62.0}),
    "delta, half a step": (
        DELTA,
        0.5,
        {"t_ref": 2.5, "I_e": 450.0, "V_min": -71.0, "surrogate_gradient_function": "fast_sigmoid_derivative"},
    ),
    "delta, adaptation": (ADELTA, 1.0, {"adapt_beta": 1.5, "adapt_tau": 60.0, "I_e": 300.0, "t_ref": 0.0}),
    "delta, both": (ADELTA, 0.5, {"t_ref": 3.0, "refractory_input": True, "adapt_beta": 0.4, "V_th": -65.0}),
    "per step, readout": ("eprop_readout", 1.0, {"I_e": -600.0, "E_L": -2.0, "V_min": -9.0}),
}


def weighted_spikes():
    """`[STEPS]`: spikes at two steps in five, weights between -5 and 14."""
    draw = np.random.default_rng(7)
    return np.where(draw.random(STEPS) < 0.4, np.round(draw.uniform(-5.0, 14.0, STEPS), 3), 0.0)
