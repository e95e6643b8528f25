"""Wang's decision network at full size beside NEST's exact neuron, given the same spikes from outside: every spike compared.

.venv/bin/python benchmarks/nest/decision.py --ms 200      six minutes of the simulator: 3.2 million ports
"""

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
PYTHON = HERE.parents[1] / ".venv-nest" / "bin" / "python"  # made by `make nest-bench`
NE, NI, F, W_PLUS, DT = 1600, 400, 0.15, 1.7, 0.1
AMPA, GABA, NMDA = 1, 2, 3


def outside(ms: float, seed: int) -> np.ndarray:
    """Whether a spike arrives `[steps, neurons]`: 2400 Hz for each neuron, 80 Hz more for A and 15 Hz for B."""
    hertz = np.full(NE + NI, 2400.0)
    a = round(F * NE)
    hertz[:a] += 80.0
    hertz[a : 2 * a] += 15.0
    return np.random.default_rng(seed).random((round(ms / DT), NE + NI)) < hertz * DT * 1e-3


def simulated(path: Path, ms: float, seed: int) -> None:
    """Steps and neurons of the simulator's spikes, to a file; runs in its own environment."""
    import nest

    nest.verbosity = nest.VerbosityLevel.ERROR
    nest.resolution = DT
    same = {"V_th": -50.0, "V_reset": -55.0}
    E = nest.Create("iaf_bw_2001_exact", NE, {**same, "C_m": 500.0, "g_L": 25.0, "t_ref": 2.0})
    I = nest.Create("iaf_bw_2001_exact", NI, {**same, "C_m": 200.0, "g_L": 20.0, "t_ref": 1.0})
    a, low = round(F * NE), 1 - F * (W_PLUS - 1) / (1 - F)
    groups = [E[:a], E[a : 2 * a], E[2 * a :]]

    def join(pre, post, weight, receptor, rule="all_to_all", delay=0.5):
        nest.Connect(pre, post, rule, {"weight": weight, "delay": delay, "receptor_type": receptor})

    for pre, row in zip(groups, ([W_PLUS, low, 1.0], [low, W_PLUS, 1.0], [low, low, 1.0])):
        for post, scale in zip(groups, row):
            join(pre, post, 0.05 * scale, AMPA), join(pre, post, 0.165 * scale, NMDA)
    join(E, I, 0.04, AMPA), join(E, I, 0.13, NMDA), join(I, E, 1.3, GABA), join(I, I, 1.0, GABA)
    trains = [{"spike_times": np.round((np.flatnonzero(column) + 1) * DT, 1)} for column in outside(ms, seed).T]
    given = nest.Create("spike_generator", NE + NI, trains)
    join(given[:NE], E, 2.1, AMPA, "one_to_one", DT), join(given[NE:], I, 1.62, AMPA, "one_to_one", DT)
    counter = nest.Create("spike_recorder", 1, {"time_in_steps": True})
    nest.Connect(E + I, counter)
    nest.Simulate(ms)
    np.savez(path, steps=counter.events["times"] - 1, neurons=counter.events["senders"] - 1)


def ours(ms: float, seed: int) -> np.ndarray:
    """Spikes `[steps, neurons]` of the example's network, in double precision."""
    import jax

    jax.config.update("jax_enable_x64", True)
    import brainstate
    import jax.numpy as jnp
    import saiunit as u

    sys.path.append(str(HERE.parents[1] / "examples"))
    from parts.wang import DT as dt
    from parts.wang import Decision

    # what a source sends arrives one step later
    late = np.concatenate([np.zeros((1, NE + NI)), outside(ms, seed)[:-1]])
    with brainstate.environ.context(dt=dt, precision=64):
        model = Decision()
        brainstate.nn.init_all_states(model)
        step = lambda x: model.step(2.1 * x[:NE] * u.nS, 1.62 * x[NE:] * u.nS).astype(jnp.int8)
        return np.asarray(brainstate.transform.for_loop(step, jnp.asarray(late)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--ms", type=float, default=100.0)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--nest", type=Path, default=PYTHON, help="a Python that has the simulator")
    parser.add_argument("--write", type=Path, help=argparse.SUPPRESS)  # how it calls itself for the simulator's side
    said = parser.parse_args()
    if said.write:
        return simulated(said.write, said.ms, said.seed)
    if not said.nest.exists():
        sys.exit(f"no simulator at {said.nest}. `make nest-bench` installs it, or say --nest PYTHON")
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "spikes.npz"
        call = [said.nest, __file__, "--write", file, "--ms", said.ms, "--seed", said.seed]
        subprocess.run([*map(str, call)], check=True, stdout=subprocess.DEVNULL)
        with np.load(file) as found:
            wanted = {*zip(found["steps"].tolist(), found["neurons"].tolist())}
    spikes = {*map(tuple, np.argwhere(ours(said.ms, said.seed)).tolist())}
    print(
        f"{said.ms:g} ms of {NE + NI} neurons: NEST {len(wanted)} spikes, ours {len(spikes)}, {len(spikes ^ wanted)} differ"
    )
    sys.exit(bool(spikes ^ wanted) or not wanted)


if __name__ == "__main__":
    os.environ.setdefault("JAX_PLATFORMS", "cpu")
    main()
