"""Records the spikes of three small networks in NEST; needs `nest-simulator`, in an environment of its own.

python tests/nest/record_networks.py tests/nest/data/networks.npz
"""

import sys

import numpy as np

import nest

DT, T = 0.1, 200.0


def two(draw):
    """Two neurons that answer each other, the second by inhibition."""
    return dict(
        V_m=[-70.0, -63.0], I_e=[390.0, 300.0], sources=[0, 1, 0], targets=[1, 0, 0], weights=[900.0, -400.0, 60.0],
        delays=[1.5, 0.1, 3.2], trains=[[5.0, 5.1, 20.0, 20.3]], heights=[[1.0, 2.0, -1.0, 0.5]], drives=[0],
        driven=[1], strengths=[700.0], latencies=[0.7],
    )  # fmt: skip


def many(draw):
    """Fifty neurons with ten sources each, a fifth of them inhibitory, and twenty trains from outside."""
    n, k, outside = 50, 10, 20
    sources = draw.integers(0, n, n * k)
    trains = [np.unique(draw.integers(1, int(T / DT), 12)) * DT for _ in range(outside)]
    drives = draw.integers(0, outside, 4 * n)
    return dict(
        V_m=draw.uniform(-70.0, -56.0, n), I_e=draw.uniform(250.0, 390.0, n), sources=sources,
        targets=np.repeat(np.arange(n), k), weights=draw.uniform(40.0, 160.0, n * k) * np.where(sources < 40, 1.0, -3.0),
        delays=draw.integers(1, 51, n * k) * DT, trains=trains, heights=[np.ones(len(t)) for t in trains], drives=drives,
        driven=np.repeat(np.arange(n), 4), strengths=draw.uniform(-200.0, 700.0, 4 * n),
        latencies=draw.integers(1, 31, 4 * n) * DT,
    )  # fmt: skip


def run(net):
    """Steps (from 0) and senders of all spikes."""
    nest.ResetKernel()
    nest.resolution = DT
    neurons = nest.Create("iaf_psc_exp", len(net["V_m"]), {"V_m": list(net["V_m"]), "I_e": list(net["I_e"])})
    given = [{"spike_times": np.round(t, 1), "spike_weights": h} for t, h in zip(net["trains"], net["heights"])]
    outside = nest.Create("spike_generator", len(given))
    for node, what in zip(outside, given):
        node.set(what)
    wire(neurons, neurons, *(net[k] for k in ("sources", "targets", "weights", "delays")))
    wire(outside, neurons, *(net[k] for k in ("drives", "driven", "strengths", "latencies")))
    counter = nest.Create("spike_recorder")
    nest.Connect(neurons, counter)
    nest.Simulate(T)
    return np.rint(counter.events["times"] / DT).astype(int) - 1, counter.events["senders"] - 1


def wire(pre, post, sources, targets, weights, delays):
    """Connections one by one."""
    first = lambda nodes, which: np.array(nodes.tolist())[np.asarray(which)]
    how = {"weight": np.array(weights, float), "delay": np.array(delays, float)}
    nest.Connect(first(pre, sources), first(post, targets), "one_to_one", how)


def flat(net):
    """What a file holds: trains end to end, with their numbers."""
    trains, heights = net.pop("trains"), net.pop("heights")
    of = np.repeat(np.arange(len(trains)), [len(t) for t in trains])
    return {**net, "train_times": np.concatenate(trains), "train_heights": np.concatenate(heights), "train_of": of}


def decision(model, draw, NE=40, NI=10, chosen=6, T=300.0):
    """Wang's network with fifty neurons: what came from outside, `[steps, neurons]`, and the spikes."""
    nest.ResetKernel()
    nest.resolution = DT
    same, scale = {"V_th": -50.0, "V_reset": -55.0}, 1600 / NE
    E = nest.Create(model, NE, {**same, "C_m": 500.0, "g_L": 25.0, "t_ref": 2.0})
    I = nest.Create(model, NI, {**same, "C_m": 200.0, "g_L": 20.0, "t_ref": 1.0})
    low = 1 - 0.15 * 0.7 / 0.85
    pairs = np.array([[1.7, low, 1.0], [low, 1.7, 1.0], [low, low, 1.0]])
    of = np.repeat([0, 1, 2], [chosen, chosen, NE - 2 * chosen])
    within = scale * pairs[of][:, of]
    gates(E, E, "AMPA", 0.05 * within), gates(E, E, "NMDA", 0.165 * within), gates(I, E, "GABA", 1.3 * scale)
    gates(E, I, "AMPA", 0.04 * scale), gates(E, I, "NMDA", 0.13 * scale), gates(I, I, "GABA", 1.0 * scale)
    outside = draw.random((int(T / DT), NE + NI)) < 0.024
    for k, neuron in enumerate(np.concatenate([E.tolist(), I.tolist()])):
        train = nest.Create("spike_generator", 1, {"spike_times": np.round(np.flatnonzero(outside[:, k]) * DT + DT, 1)})
        gates(train, nest.NodeCollection([int(neuron)]), "AMPA", 23.5 if k < NE else 18.0, 0.1)
    # iaf_bw_2001 hides its jump in the part of a step at which a spike falls: whole steps alone say when
    counter = nest.Create("spike_recorder", 1, {"time_in_steps": True})
    nest.Connect(E + I, counter)
    nest.Simulate(T)
    steps, senders = counter.events["times"].astype(int) - 1, counter.events["senders"] - 1
    return {"outside": np.packbits(outside, axis=0), "steps": steps, "senders": senders}


def gates(pre, post, receptor, weight, delay=0.5):
    """All-to-all, with a weight for each connection."""
    port = {"AMPA": 1, "GABA": 2, "NMDA": 3}[receptor]
    sources, targets = (k.ravel() for k in np.meshgrid(pre.tolist(), post.tolist(), indexing="ij"))
    each = lambda value: np.broadcast_to(value, (len(pre), len(post))).ravel()
    how = {
        "weight": each(float(weight) if np.ndim(weight) == 0 else weight),
        "delay": each(delay),
        "receptor_type": each(port),
    }
    nest.Connect(sources, targets, "one_to_one", how)


if __name__ == "__main__":
    nest.verbosity = nest.VerbosityLevel.ERROR
    out, draw = {}, np.random.default_rng(3)
    for name, make in (("two", two), ("many", many)):
        net = make(draw)
        steps, senders = run(net)
        out |= {f"{name}/{k}": v for k, v in {**flat(net), "steps": steps, "senders": senders}.items()}
        print(name, len(steps), "spikes")
    for name, model in (("Decision", "iaf_bw_2001_exact"), ("Jumping", "iaf_bw_2001")):
        out |= {f"{name}/{k}": v for k, v in decision(model, np.random.default_rng(5)).items()}
        print(name, len(out[f"{name}/steps"]), "spikes")
    np.savez_compressed(sys.argv[1], **out)
