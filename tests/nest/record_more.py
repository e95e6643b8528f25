"""Records the cases of `more_cases` in NEST; needs `nest-simulator`, in an environment of its own.

python tests/nest/record_more.py tests/nest/data/more.npz
"""

import sys

import numpy as np
from more_cases import CASES, DT, EVERY, STEPS, Case

import nest


def run(case: Case) -> dict[str, np.ndarray]:
    """Recordables after every `EVERY`th step, and the steps that spiked."""
    nest.ResetKernel()
    nest.resolution = DT
    neuron = nest.Create(case.model, 1, case.parameters)
    meter = nest.Create("multimeter", 1, {"interval": DT, "record_from": nest.GetDefaults(case.model)["recordables"]})
    counter = nest.Create("spike_recorder")
    nest.Connect(meter, neuron)
    nest.Connect(neuron, counter)
    current = case.current()
    # a current that a step k is given acts in step k + 1, which is the simulator's with a delay of one step
    change = np.flatnonzero(np.diff(current, prepend=0.0))
    steps = {"amplitude_times": change * DT, "amplitude_values": current[change]}
    source = nest.Create("step_current_generator", 1, steps)
    nest.Connect(source, neuron, syn_spec={"delay": DT})
    for k, weight in enumerate(case.weights):
        when = np.flatnonzero(case.trains()[:, k])
        # a spike sent at the end of step k - 1 arrives in step k
        spikes = nest.Create("spike_generator", 1, {"spike_times": when * DT})
        port = {"receptor_type": case.ports[k]} if case.ports else {}
        nest.Connect(spikes, neuron, syn_spec={"weight": weight, "delay": DT, **port})
    nest.Simulate((STEPS + 1) * DT)
    fired = np.rint(counter.events["times"] / DT).astype(int) - 1
    kept = {k: v[:STEPS:EVERY] for k, v in meter.events.items() if k not in ("times", "senders")}
    return {**kept, "spikes": fired[fired < STEPS]}


if __name__ == "__main__":
    nest.verbosity = nest.VerbosityLevel.ERROR
    runs = {name: run(case) for name, case in CASES.items()}
    np.savez_compressed(sys.argv[1], **{f"{name}/{key}": v for name, got in runs.items() for key, v in got.items()})
