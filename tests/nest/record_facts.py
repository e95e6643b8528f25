"""Records what the reference runs leave out (floors, first values, inhibition, a coarse step); needs `nest-simulator`.

python tests/nest/record_facts.py tests/nest/data/facts
"""

import json
import sys

import numpy as np

import nest

T, STRIDE = 80.0, 7
# name: model, dt, parameters, weights of an excitatory and an inhibitory train
FACTS = {
    "delta, floor and first voltage": ("iaf_psc_delta", 0.1, {"V_min": -70.5, "E_L": -69.0, "V_m": -60.5}, (3.0, -9.0)),
    "delta, starts above threshold": (
        "iaf_psc_delta",
        0.1,
        {"V_m": -40.0, "V_reset": -65.0, "t_ref": 0.0},
        (4.0, -1.0),
    ),
    "delta, keeps input": ("iaf_psc_delta", 0.1, {"refractory_input": True, "t_ref": 3.0, "C_m": 180.0}, (5.0, -1.0)),
    "delta, keeps input for one step": ("iaf_psc_delta", 0.1, {"refractory_input": True, "t_ref": 0.1}, (8.0, -2.0)),
    "alpha, floor": ("iaf_psc_alpha", 0.1, {"V_min": -68.0, "E_L": -66.0, "I_e": 220.0}, (200.0, -300.0)),
    "alpha, equal time constants": ("iaf_psc_alpha", 0.1, {"tau_m": 8.0, "tau_syn_ex": 8.0}, (90.0, -20.0)),
    "cond exp, inhibition": ("iaf_cond_exp", 0.1, {"tau_syn_ex": 1.5, "E_in": -78.0, "V_m": -62.0}, (14.0, -9.0)),
    "cond exp, coarse": ("iaf_cond_exp", 0.5, {"tau_syn_ex": 1.5, "t_ref": 2.25, "g_L": 11.0}, (14.0, -5.0)),
    "cond alpha, inhibition": ("iaf_cond_alpha", 0.1, {"tau_syn_ex": 1.5, "E_ex": -5.0, "I_e": 90.0}, (9.0, -7.0)),
    "cond alpha, coarse": ("iaf_cond_alpha", 0.5, {"tau_syn_ex": 1.0, "t_ref": 2.25}, (16.0, -4.0)),
    "hh, first voltage": ("hh_psc_alpha", 0.1, {"V_m": -52.0, "I_e": 500.0}, (150.0, -60.0)),
    "hh, first gates": (
        "hh_psc_alpha",
        0.1,
        {"Act_m": 0.1, "Inact_h": 0.5, "Act_n": 0.35, "I_e": 900.0},
        (60.0, -20.0),
    ),
    "hh, no silence": ("hh_psc_alpha", 0.1, {"t_ref": 0.0, "g_K": 3000.0, "I_e": 600.0}, (60.0, -20.0)),
    "hh, coarse": ("hh_psc_alpha", 0.5, {"t_ref": 1.0, "I_e": 1000.0}, (200.0, -60.0)),
}


def run(index, model, dt, parameters, weights):
    """What went in and every STRIDE-th sample of what came out."""
    nest.ResetKernel()
    nest.resolution = dt
    neuron, draw = nest.Create(model, 1, parameters), np.random.default_rng(index)
    said = {k: v for k, v in neuron.get().items() if isinstance(v, (bool, float))}
    trains = []
    for weight, many, delay in zip(weights, (40, 12), (1.0, 1.5)):
        times = np.round(np.sort(draw.choice(np.arange(2, int(T / dt) - 5), many, replace=False)) * dt, 6)
        trains.append({"times": times.tolist(), "weight": weight, "delay": delay})
        source = nest.Create("spike_generator", 1, {"spike_times": times})
        nest.Connect(source, neuron, syn_spec={"weight": weight, "delay": delay})
    steps = [[30.0, 150.0], [50.0, -80.0]]
    current = nest.Create("step_current_generator", 1, dict(zip(("amplitude_times", "amplitude_values"), zip(*steps))))
    meter = nest.Create("multimeter", 1, {"interval": dt, "record_from": neuron.recordables})
    counter = nest.Create("spike_recorder")
    nest.Connect(current, neuron, syn_spec={"delay": dt})
    nest.Connect(meter, neuron)
    nest.Connect(neuron, counter)
    nest.Simulate(T)
    out = {k: np.asarray(meter.events[k])[::STRIDE] for k in ("times", *neuron.recordables)}
    given = {
        "model": model,
        "dt": dt,
        "parameters": said,
        "current_steps": steps,
        "current_delay": dt,
        "spikes": trains,
    }
    return given, {**out, "spike_times": np.asarray(counter.events["times"])}


if __name__ == "__main__":
    nest.verbosity = nest.VerbosityLevel.ERROR
    found = {name: run(index, *fact) for index, (name, fact) in enumerate(FACTS.items())}
    with open(f"{sys.argv[1]}.json", "w") as file:
        json.dump({name: given for name, (given, _) in found.items()}, file)
    arrays = {f"{name}/{key}": v for name, (_, out) in found.items() for key, v in out.items()}
    np.savez_compressed(f"{sys.argv[1]}.npz", **arrays)
