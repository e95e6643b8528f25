"""Records the voltages and spikes of single e-prop neurons in NEST; needs `nest-simulator`, in an environment of its own.

python tests/nest/record.py tests/nest/data/neurons.npz
"""

import sys

import numpy as np
from neuron_cases import CASES, STEPS, weighted_spikes

import nest

# steps before a population's first one in NEST: the generator's offset and one delay a layer
SHIFT = {"eprop_iaf_bsshslm_2020": 2, "eprop_iaf_adapt_bsshslm_2020": 2, "eprop_readout_bsshslm_2020": 3}
WANTED = {
    "eprop_iaf_bsshslm_2020": ["V_m", "surrogate_gradient"],
    "eprop_iaf_adapt_bsshslm_2020": ["V_m", "surrogate_gradient", "adaptation"],
    "eprop_readout_bsshslm_2020": ["V_m"],
}


def run(model, dt, parameters):
    """States after each step of a sequence, and spikes, for the input that `weighted_spikes` draws."""
    nest.ResetKernel()
    nest.set(resolution=dt, eprop_update_interval=1000.0 * dt, eprop_learning_window=1000.0 * dt)
    neuron, start, x = nest.Create(model, 1, parameters), SHIFT[model], weighted_spikes()
    when = np.flatnonzero(x)
    source = nest.Create("spike_generator", 1, {"spike_times": (when + start) * dt, "spike_weights": x[when]})
    meter = nest.Create("multimeter", 1, {"interval": dt, "start": start * dt, "record_from": WANTED[model]})
    nest.Connect(source, neuron, syn_spec={"delay": dt})
    nest.Connect(meter, neuron)
    found = {}
    if len(WANTED[model]) > 1:
        counter = nest.Create("spike_recorder")
        nest.Connect(neuron, counter)
        nest.Simulate((start + STEPS) * dt + dt)
        fired = np.rint(counter.events["times"] / dt).astype(int) - start - 1
        found["spikes"] = np.isin(np.arange(STEPS), fired)
    else:
        nest.Simulate((start + STEPS) * dt + dt)
    return {**found, **{key: meter.events[key][:STEPS] for key in WANTED[model]}}


if __name__ == "__main__":
    nest.verbosity = nest.VerbosityLevel.ERROR
    runs = {name: run(*case) for name, case in CASES.items()}
    np.savez_compressed(sys.argv[1], **{f"{name}/{key}": v for name, got in runs.items() for key, v in got.items()})
