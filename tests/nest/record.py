"""Records the voltages and spikes of single e-prop neurons in NEST; needs `nest-simulator`, in an environment of its own.

python tests/nest/record.py tests/nest/data/neurons.npz
"""

import sys

import numpy as np
from eprop_cases import CASES, STEPS, weighted_spikes

import nest

LAST = "_bsshslm_2020"


def shift(model):
    """Steps before a population's first one in NEST: in a sequence the generator's offset and one delay a layer, else one."""
    return {"eprop_readout" + LAST: 3}.get(model, 2) if LAST in model else 1


def wanted(model):
    """What is recorded of a model."""
    slope = ["surrogate_gradient"] if "readout" not in model else []
    return ["V_m", *slope, *(["adaptation"] if "adapt" in model else [])]


def run(model, dt, parameters):
    """States after each step of a sequence, and spikes, for the input that `weighted_spikes` draws."""
    nest.ResetKernel()
    nest.set(resolution=dt, eprop_update_interval=1000.0 * dt, eprop_learning_window=1000.0 * dt)
    rest = {"V_m": parameters["E_L"]} if "E_L" in parameters else {}
    neuron, start, x = nest.Create(model, 1, parameters | rest), shift(model), weighted_spikes()
    if "psc" in model:  # these know their current one step earlier than the others
        neuron.I_e = 0.0
    when = np.flatnonzero(x)
    source = nest.Create("spike_generator", 1, {"spike_times": (when + start) * dt, "spike_weights": x[when]})
    meter = nest.Create("multimeter", 1, {"interval": dt, "start": start * dt, "record_from": wanted(model)})
    nest.Connect(source, neuron, syn_spec={"delay": dt})
    nest.Connect(meter, neuron)
    nest.Simulate(start * dt)
    neuron.I_e = parameters.get("I_e", 0.0)
    found = {}
    if len(wanted(model)) > 1:
        counter = nest.Create("spike_recorder")
        nest.Connect(neuron, counter)
        nest.Simulate((STEPS + 1) * dt)
        fired = np.rint(counter.events["times"] / dt).astype(int) - start - 1
        found["spikes"] = np.isin(np.arange(STEPS), fired)
    else:
        nest.Simulate((STEPS + 1) * dt)
    return {**found, **{key: meter.events[key][:STEPS] for key in wanted(model)}}


if __name__ == "__main__":
    nest.verbosity = nest.VerbosityLevel.ERROR
    runs = {name: run(*case) for name, case in CASES.items()}
    np.savez_compressed(sys.argv[1], **{f"{name}/{key}": v for name, got in runs.items() for key, v in got.items()})
