"""NEST's e-prop evidence accumulation, reproduced: LIF and ALIF neurons, Adam, five losses to nine digits."""

import brainstate
import jax.numpy as jnp
import numpy as np
import optax
import saiunit as u

import vestige as vg

IN, N, OUT, STEPS, RECALL = 40, 100, 2, 2250, 150
RECALLED = (np.arange(STEPS) >= STEPS - RECALL) / RECALL  # weight of a step
NEST = [0.741152550006, 0.740388187700, 0.665785233177, 0.663644193322, 0.729428962844]


class Network(brainstate.nn.Module):
    """50 LIF and 50 ALIF neurons, all to all without autapses, and a leaky readout of their spikes."""

    def __init__(self, w_in, w_rec, w_out):
        super().__init__()
        membrane = dict(C_m=1.0 * u.pF, E_L=0.0 * u.mV, tau_m=20.0 * u.ms)
        spiking = dict(membrane, t_ref=5.0 * u.ms, V_th=0.6 * u.mV, surrogate_gradient_width=0.6 * u.mV)
        spiking |= dict(surrogate_gradient_height=0.3 / (0.6 * u.mV))
        beta = 1.7 * (1 - np.exp(-1 / 2000)) / (1 - np.exp(-1 / 20)) * u.mV
        self.lif = vg.nest.eprop_iaf_bsshslm_2020(N // 2, **spiking)
        self.alif = vg.nest.eprop_iaf_adapt_bsshslm_2020(N // 2, adapt_beta=beta, adapt_tau=2000.0 * u.ms, **spiking)
        membrane |= dict(regular_spike_arrival=False, loss="cross_entropy")
        self.readout = vg.nest.eprop_readout_bsshslm_2020(OUT, **membrane)
        self.w_in, self.w_rec, self.w_out = map(brainstate.ParamState, (w_in, w_rec, w_out))

    def update(self, x):
        z = jnp.concatenate([self.lif.get_spike(), self.alif.get_spike()])
        y = (vg.matmul(x, self.w_in.value) + vg.matmul(z, self.w_rec.value * (1.0 - np.eye(N)))) * u.mV
        z = jnp.concatenate([self.lif(y[: N // 2]), self.alif(y[N // 2 :])])
        return self.readout(vg.matmul(z, self.w_out.value) * u.mV)


def protocol():
    """Weights, feedback, and trials of spikes and target, as NEST's script draws them; weights in single precision."""
    draw, limit = np.random.RandomState(1), np.sqrt(6 / (N + OUT))
    drawn = [draw.standard_normal((k, N)) / np.sqrt(k) for k in (IN, N)]
    drawn += [draw.uniform(-limit, limit, (N, OUT)), draw.standard_normal((N, OUT))]
    *weights, feedback = (jnp.asarray(w.astype(np.float32), float) for w in drawn)
    return weights, feedback, [trial(draw) for _ in NEST]


def trial(draw):
    """Seven cues in one of two populations, a pause, the question which of them had more, and noise throughout."""
    cues, rate = draw.choice(2, 7, p=[[0.3, 0.7], [0.7, 0.3]][draw.choice(2, 1)[0]]), np.zeros((STEPS, IN))
    for k, cue in enumerate(cues):
        rate[150 * k + 50 : 150 * k + 150, 10 * cue : 10 * cue + 10] = 0.04
    rate[-RECALL:, 20:30], rate[:, 30:] = 0.04, 0.01
    xs = (rate > draw.random_sample(rate.shape)) * (np.arange(STEPS) > 0)[:, None]
    return jnp.asarray(xs, float)[None], jnp.tile(jnp.eye(OUT)[int(cues.sum() > 3)], (1, STEPS, 1))


def train():
    """Five iterations: the model as it is then, and the loss of each."""
    with brainstate.environ.context(dt=1.0 * u.ms, precision=64):
        weights, feedback, trials = protocol()
        model = Network(*weights)
        brainstate.nn.init_all_states(model)
        # NEST divides the whole gradient, of loss and rates, by the length of the recall
        learner = vg.EProp(model, feedback={"w_out": feedback}, rate_target=0.01, rate_strength=300.0 / RECALL)
        # its epsilon joins a second moment that is not yet corrected for its start at zero
        adam = optax.inject_hyperparams(optax.adam)(5e-3, eps=lambda k: 1e-8 / jnp.sqrt(1 - 0.999 ** (k + 1)))
        run = dict(loss=model.readout.loss, optimizer=adam, mask=RECALLED, epochs=5, window=90, progress=False)
        coming = iter([trials[0], *trials])  # fit looks at the first before it begins
        history = vg.fit(learner, lambda rng: next(coming), **run)
        return model, history["loss"]


def main():
    for got, nest in zip(train()[1], NEST):
        print(f"loss {got:.12f}  NEST's {nest:.12f}")
        assert abs(got / nest - 1) < 1e-9


if __name__ == "__main__":
    main()
