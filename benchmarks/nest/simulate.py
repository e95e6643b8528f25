"""The simulator's side of the speed bench, in its own environment: answers JSON lines, so that arms can be interleaved."""

import json
import os
import sys
import time

import numpy as np
from networks import DELAY, DT

# answers travel on the first stdout; whatever the simulator prints goes to stderr
answers = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)

import nest  # noqa: E402

RECEPTOR = {"iaf_bw_2001_exact": {"receptor_type": 3}, "iaf_psc_exp": {}}


def build(path, threads):
    """The network of a file; the seconds that it took."""
    global counter, neurons
    with np.load(path) as file:
        said = dict(file)
    began = time.perf_counter()
    model, (ports, size) = str(said["model"]), said["weights"].shape
    nest.ResetKernel()
    nest.set(resolution=DT, local_num_threads=threads)
    neurons = nest.Create(model, size, {"V_m": said["V_m"], "E_L": said["E_L"]})
    # the first of the arrivals that a source can still bring has left one step after the beginning
    steps = [np.flatnonzero(column[DELAY:]) + 1 for column in said["arrivals"].T]
    sources = nest.Create("spike_generator", ports, [{"spike_times": np.round(k * DT, 6)} for k in steps])
    # one weight for each of many pairs is `[targets, sources]`, of one pair a number
    weights = said["weights"].T if ports * size > 1 else float(said["weights"][0, 0])
    nest.Connect(sources, neurons, "all_to_all", {"weight": weights, "delay": DELAY * DT, **RECEPTOR[model]})
    counter = nest.Create("spike_recorder")
    nest.Connect(neurons, counter, "all_to_all", {"delay": DELAY * DT})
    nest.Prepare()
    return {"seconds": time.perf_counter() - began}


def run(steps):
    """Go on for so many steps; the seconds by the clock and of the processor."""
    began = time.perf_counter(), time.process_time()
    nest.Run(round(steps * DT, 6))
    return {"seconds": time.perf_counter() - began[0], "processor": time.process_time() - began[1]}


def spikes(until):
    """Neuron and step of every spike before a step."""
    events, first = counter.events, neurons[0].global_id
    found = np.stack([events["senders"] - first, np.rint(events["times"] / DT).astype(int) - 1], 1)
    return {"spikes": sorted(found[found[:, 1] < until].tolist())}


if __name__ == "__main__":
    nest.verbosity = nest.VerbosityLevel.ERROR
    for line in sys.stdin:
        asked = json.loads(line)
        try:
            reply = {"build": build, "run": run, "spikes": spikes}[asked.pop("do")](**asked)
        except Exception as error:
            reply = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(reply), file=answers, flush=True)
