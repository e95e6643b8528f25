"""A network of ours, written as NIR, read and run by snnTorch: spikes of both, step by step."""

import subprocess
import sys
import tempfile
from pathlib import Path

import brainstate
import jax.numpy as jnp
import nir
import numpy as np
import saiunit as u

import vestige as vg
from vestige.nir import to_nir

HERE = Path(__file__).parent
THEIRS = HERE.parents[1] / ".venv-torch/bin/python"


def main(theirs: str = str(THEIRS)) -> None:
    """snnTorch steps by 0.1 ms, whatever one asks, and by forward Euler; here a thousandth of the time constant."""
    draw = np.random.default_rng(0)
    brainstate.environ.set(dt=0.1 * u.ms)
    weight = lambda a, b, size: jnp.asarray(draw.normal(size=(a, b)) * size, jnp.float32) * u.mA
    lif = lambda n: vg.neurons.LIF(n, tau=100.0 * u.ms, R=1000.0 * u.ohm, V_th=1.0 * u.volt, spk_reset="hard")
    first, second = (vg.nn.Linear(a, b, w_init=weight(a, b, s)) for a, b, s in ((20, 30, 200.0), (30, 5, 400.0)))
    model = brainstate.nn.Sequential(first, lif(30), second, lif(5))
    brainstate.nn.init_all_states(model)
    xs = (draw.random((1000, 20)) < 0.05).astype(np.float32)
    ours = np.asarray(brainstate.transform.for_loop(model.update, jnp.asarray(xs)))
    with tempfile.TemporaryDirectory() as folder:
        files = [str(Path(folder) / name) for name in ("net.nir", "xs.npy", "spikes.npy")]
        nir.write(files[0], to_nir(model))
        np.save(files[1], xs)
        subprocess.run([theirs, str(HERE / "read.py"), *files], check=True)
        other = np.load(files[2])
    near = [np.roll(other, k, axis=0) > 0 for k in range(-3, 4)]
    same, close = (ours * other).sum() / ours.sum(), (ours * np.any(near, axis=0)).sum() / ours.sum()
    print(
        f"{int(ours.sum())} spikes of ours, {int(other.sum())} of snnTorch: {same:.0%} in the same step, {close:.0%} within three"
    )
    assert ours.sum() > 100 and close > 0.9


if __name__ == "__main__":
    main(*sys.argv[1:])
