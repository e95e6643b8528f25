"""Networks of ours, written as NIR, read and run by other libraries: spikes of both, step by step."""

import subprocess
import sys
import tempfile
import warnings
from pathlib import Path

import brainstate
import jax.numpy as jnp
import nir
import numpy as np
import saiunit as u

import vestige as vg
from vestige.nir import Network, to_nir

HERE = Path(__file__).parent
THEIRS = HERE.parents[1] / ".venv-torch/bin/python"
DT = 0.1 * u.ms  # snnTorch's, whatever one asks; forward Euler, as the others
TAU, HIDDEN = 20.0 * u.ms, 30
# dt / (1 - exp(-dt / tau)) over dt: the resistance that a recurrent network must have in snnTorch
UNIT = 1 / (1 - np.exp(-0.1 / 20.0)) * u.ohm
# how the first population is wired
FORWARD = (("n1", "n2"),)
LOOP = (("n1", "n2"), ("n2", "n5"), ("n5", "n2"))
# what snnTorch 1.0 makes of a loop: what comes in goes through the recurrent weights
THROUGH = (("n1", "n5"), ("n2", "n5"), ("n5", "n2"))


def layers(neuron, R, wiring):
    """Two populations; nirtorch visits nodes by name, so names go from input to output, after `input`."""
    draw, size = np.random.default_rng(0), float(200 / (R / u.ohm))
    make = lambda n: neuron(n, tau=TAU, R=R, V_th=1.0 * u.volt)
    weights = {"n1": (20, HIDDEN, 0.2), "n3": (HIDDEN, 5, 0.2), "n5": (HIDDEN, HIDDEN, 0.05)}
    # currents where a population hears them, plain numbers on the way to other weights
    units = {a: u.amp for a, b in (*wiring, ("n3", "n4")) if b in ("n2", "n4")}
    parts = {
        name: jnp.asarray(draw.normal(size=(a, b)) * scale * size, jnp.float32) * units.get(name, 1.0)
        for name, (a, b, scale) in weights.items()
    }
    parts = {name: vg.nn.Linear(*w.shape, w_init=w, b_init=None) for name, w in parts.items()}
    parts |= {"n2": make(HIDDEN), "n4": make(5)}
    edges = [("input", "n1"), *wiring, ("n2", "n3"), ("n3", "n4"), ("n4", "output")]
    return Network({k: part for k, part in parts.items() if any(k in edge for edge in edges)}, edges)


hard = lambda *size, **more: vg.neurons.LIF(*size, spk_reset="hard", **more)
soft = lambda *size, **more: vg.neurons.LIF(*size, **more)
adaptive = lambda *size, **more: vg.neurons.ALIF(*size, tau_a=50.0 * u.ms, beta=0.3 * u.volt, **more)
# library, network, neuron, resistance, wiring of the file, wiring that is run here
CASES = (
    ("snntorch", "LIF, hard reset", hard, 1.0 * u.ohm, FORWARD, FORWARD),
    ("snntorch", "LIF, recurrent (here: input through the loop)", hard, UNIT, LOOP, THROUGH),
    ("spikingjelly", "LIF, hard reset", hard, 1.0 * u.ohm, FORWARD, FORWARD),
    ("spikingjelly", "LIF, hard reset, recurrent", hard, 1.0 * u.ohm, LOOP, LOOP),
    ("nirtorch", "LIF, soft reset, recurrent", soft, 1.0 * u.ohm, LOOP, LOOP),
    ("nirtorch", "ALIF, recurrent", adaptive, 1.0 * u.ohm, LOOP, LOOP),
)


def read(theirs, library, graph, xs):
    """Spikes `[T, 5]` of another library."""
    with tempfile.TemporaryDirectory() as folder:
        files = [str(Path(folder) / name) for name in ("net.nir", "xs.npy", "spikes.npy")]
        nir.write(files[0], graph)
        np.save(files[1], xs)
        subprocess.run([theirs, str(HERE / "read.py"), library, *files], check=True, stdout=subprocess.DEVNULL)
        return np.load(files[2])


def compare(theirs, library, name, neuron, R, written, run) -> bool:
    """A file with the reader's step written for, and one without; do the spikes agree, all of them, with the first?"""
    brainstate.environ.set(dt=DT)
    model = layers(neuron, R, run)
    brainstate.nn.init_all_states(model)
    xs = (np.random.default_rng(1).random((2000, 20)) < 0.05).astype(np.float32)
    ours = np.asarray(brainstate.transform.for_loop(model.update, jnp.asarray(xs)))
    assert ours.sum() > 0, "a silent network compares nothing"
    print(f"{library}: {name}: {int(ours.sum())} spikes here", flush=True)
    right = []
    for dt, how in ((DT, "written with dt"), (None, "written without")):
        other = read(theirs, library, to_nir(layers(neuron, R, written), dt=dt), xs)
        same = (ours * other).sum() / max(ours.sum(), other.sum())
        right.append(bool((ours == other).all()))
        print(f"  {how}: {int(other.sum())} spikes there, {same:.1%} in the same step", flush=True)
    return right[0]


def main(theirs: str = str(THEIRS)) -> int:
    """1 where a file that was written for the reader's step gives another spike."""
    warnings.filterwarnings("ignore", "NIR has no word")
    right = [compare(theirs, *case) for case in CASES]
    print(f"{sum(right)} of {len(right)} agree in every spike")
    return int(not all(right))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
