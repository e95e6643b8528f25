"""NEST's e-prop regression, reproduced: spiking neurons learn a sum of four sines, five losses to nine digits."""

import brainstate
import jax.numpy as jnp
import numpy as np
import optax
import saiunit as u

import vestige as vg

N, STEPS = 100, 1000
NEST = [101.964356999041, 103.466731126205, 103.340607074771, 103.680244037686, 104.412775748752]


class Network(brainstate.nn.Module):
    """Recurrent LIF neurons without autapses, and a leaky readout of their spikes."""

    def __init__(self, w_in, w_rec, w_out):
        super().__init__()
        same = dict(C_m=1.0 * u.pF, E_L=0.0 * u.mV, tau_m=30.0 * u.ms, regular_spike_arrival=False)
        psi = dict(surrogate_gradient_height=0.3 / (0.03 * u.mV), surrogate_gradient_width=0.03 * u.mV)
        self.neurons = vg.nest.eprop_iaf_bsshslm_2020(N, t_ref=0.0 * u.ms, V_th=0.03 * u.mV, **psi, **same)
        self.readout = vg.nest.eprop_readout_bsshslm_2020(1, loss="mean_squared_error", **same)
        self.w_in, self.w_rec, self.w_out = map(brainstate.ParamState, (w_in, w_rec, w_out))

    def update(self, x):
        recurrent = vg.matmul(self.neurons.get_spike(), self.w_rec.value * (1.0 - np.eye(N)))
        z = self.neurons((vg.matmul(x, self.w_in.value) + recurrent) * u.mV)
        return self.readout(vg.matmul(z, self.w_out.value) * u.mV)


def protocol():
    """Weights, feedback, spikes and target, as NEST's script draws them; weights in single precision."""
    draw = np.random.RandomState(1)
    drawn = [draw.standard_normal((N, k)) / np.sqrt(N) for k in (N, N, 1, 1)]
    *weights, feedback = (jnp.asarray(w.astype(np.float32), float) for w in drawn)
    xs = (draw.random_sample((STEPS, N)) < 0.05) * (np.arange(STEPS) > 0)[:, None]
    height, phase = draw.uniform(0.5, 2.0, 4), draw.uniform(0.0, 2 * np.pi, 4)
    wave = np.sin(np.linspace(phase, phase + 2 * np.pi * np.array([1, 2, 3, 5]), STEPS)) @ height
    wave = (wave - wave[0]) / np.abs(wave - wave[0]).max()
    return weights, feedback, jnp.asarray(xs, float), jnp.asarray(wave[:, None])


def train():
    """Five iterations: the model as it is then, and the loss of each."""
    with brainstate.environ.context(dt=1.0 * u.ms, precision=64):
        weights, feedback, xs, target = protocol()
        model = Network(*weights)
        brainstate.nn.init_all_states(model)
        learner = vg.EProp(model, feedback={"w_out": feedback}, rate_target=0.01, rate_strength=300.0)
        run = dict(loss=model.readout.loss, optimizer=optax.sgd(1e-4), epochs=5, window=100, progress=False)
        history = vg.fit(learner, (xs[None], target[None]), **run)
        return model, history["loss"] * STEPS  # fit gives the mean over steps


def main():
    for got, nest in zip(train()[1], NEST):
        print(f"loss {got:.12f}  NEST's {nest:.12f}")
        assert abs(got / nest - 1) < 1e-9


if __name__ == "__main__":
    main()
