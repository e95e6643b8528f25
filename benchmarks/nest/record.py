"""The simulator's side of the parity run, in its own environment: draws in, every recordable and spike out.

.venv-nest/bin/python benchmarks/nest/record.py draws.json recordings.npz
"""

import json
import sys
import time
from itertools import groupby

import numpy as np

import nest

TAIL = 1.0  # ms more than asked for: a recorder misses the last steps of a simulation


def place(model, run):
    """One neuron with its inputs."""
    neuron = nest.Create(model, 1, run["parameters"])
    if run["current_steps"]:
        times, amplitudes = zip(*run["current_steps"], strict=True)
        source = nest.Create("step_current_generator", 1, {"amplitude_times": times, "amplitude_values": amplitudes})
        nest.Connect(source, neuron, syn_spec={"delay": run["current_delay"]})
    for train in run["spikes"]:
        inputs = {"spike_times": train["times"]}
        if "multiplicities" in train:
            inputs["spike_multiplicities"] = train["multiplicities"]
        port = {"receptor_type": train["receptor"]} if train["receptor"] else {}
        source = nest.Create("spike_generator", 1, inputs)
        nest.Connect(source, neuron, syn_spec={"weight": train["weight"], "delay": train["delay"], **port})
    return neuron


def by_sender(events, key):
    """Values of each neuron in order of time."""
    order = np.lexsort((events["times"], events["senders"]))
    senders, first = np.unique(events["senders"][order], return_index=True)
    return dict(zip(senders.tolist(), np.split(events[key][order], first[1:]), strict=True))


def record(runs, dt):
    """Recordables and spike times of runs with one resolution, in one simulation; and the seconds that it took."""
    began = time.perf_counter()
    nest.ResetKernel()
    nest.set(resolution=dt, local_num_threads=1)
    neurons = {name: place(run["model"], run) for name, run in runs.items()}
    model = next(iter(runs.values()))["model"]
    wanted = [str(k) for k in nest.GetDefaults(model, "recordables")]
    meter = nest.Create("multimeter", 1, {"interval": dt, "record_from": wanted})
    # in steps: iaf_bw_2001 sends its NMDA jump as the offset of a spike, which a recorder takes off the time in ms
    counter = nest.Create("spike_recorder", 1, {"time_in_steps": True})
    for neuron in neurons.values():
        nest.Connect(meter, neuron)
        nest.Connect(neuron, counter)
    nest.Simulate(max(run["T"] for run in runs.values()) + TAIL)
    took = time.perf_counter() - began
    seen, fired = {k: by_sender(meter.events, k) for k in ("times", *wanted)}, by_sender(counter.events, "times")
    found = {}
    for name, neuron in neurons.items():
        who, steps = neuron.global_id, round(runs[name]["T"] / dt)
        stamps = seen["times"][who][:steps]
        if not np.allclose(stamps, dt * np.arange(1, steps + 1), rtol=0.0, atol=dt / 10):
            sys.exit(f"{name}: the recorder's {len(stamps)} stamps are not those of {steps} steps")
        found |= {f"{name}/{k}": seen[k][who][:steps] for k in wanted}
        found[f"{name}/spike_times"] = np.round(dt * fired.get(who, np.zeros(0)), 6)
    return found, took


if __name__ == "__main__":
    nest.verbosity = nest.VerbosityLevel.ERROR
    with open(sys.argv[1]) as file:
        said = json.load(file)
    out, seconds = {}, 0.0
    for dt, group in groupby(sorted(said, key=lambda name: said[name]["dt"]), key=lambda name: said[name]["dt"]):
        found, took = record({name: said[name] for name in group}, dt)
        out, seconds = out | found, seconds + took
    np.savez(sys.argv[2], seconds=seconds, **out)
