"""The SNN tutorial with something to learn: spike patterns, a network that fires, ES-D-RTRL, and a loss that falls."""

import brainstate
import jax
import jax.numpy as jnp
import numpy as np
import optax
import saiunit as u

import vestige as vg

N_IN, N_REC, N_OUT, STEPS, BATCH = 50, 128, 10, 50, 32


class LIF_SNN(brainstate.nn.Module):
    """Recurrent LIF neurons and a leaky readout of their spikes."""

    def __init__(self):
        super().__init__()
        # the tutorial's own gain never lifts a voltage to the threshold: twelve times as much does
        self.linear = vg.nn.Linear(N_IN + N_REC, N_REC, w_init=brainstate.nn.init.KaimingNormal(scale=300.0, unit=u.mA))
        self.neuron = vg.neurons.LIF(N_REC, tau=20.0 * u.ms, R=1.0 * u.ohm, V_th=1.0 * u.mV)
        self.readout = vg.nn.LeakyRateReadout(N_REC, N_OUT, tau=20.0 * u.ms)

    def update(self, spikes):
        x = jnp.concatenate([spikes, self.neuron.get_spike()], axis=-1)
        self.neuron(self.linear(x))
        return self.readout(self.neuron.get_spike())


def batches(seed):
    """Each class is a fixed pattern of 10 % spikes; a third of them is lost in every example, 2 % are noise."""
    draw = np.random.default_rng(seed)
    patterns = draw.random((N_OUT, STEPS, N_IN)) < 0.1
    while True:
        labels = draw.integers(0, N_OUT, BATCH)
        kept = patterns[labels] & (draw.random((BATCH, STEPS, N_IN)) < 2 / 3)
        spikes = kept | (draw.random(kept.shape) < 0.02)
        yield spikes.swapaxes(0, 1).astype(np.float32), np.broadcast_to(labels, (STEPS, BATCH))


def loss(output, label):
    """Cross entropy of a batch at one step."""
    return optax.softmax_cross_entropy_with_integer_labels(output, label).mean()


def main():
    brainstate.random.seed(0)
    with brainstate.environ.context(dt=1.0 * u.ms):
        model = LIF_SNN()
        brainstate.nn.init_all_states(model)
        learner = vg.ES_D_RTRL(model, decay_or_rank=0.9)
        learner.compile_graph(jnp.zeros(N_IN), batch_size=BATCH)
        print(learner.report)
        weights = model.states(brainstate.ParamState)
        optimizer = optax.adam(1e-2)

        @brainstate.transform.jit
        def update(memory, xs, labels):
            learner.reset()
            res = learner.gradients(xs, labels, loss=loss, window=5)
            change, memory = optimizer.update(res.grads, memory)
            for path, new in optax.apply_updates(weights.to_dict_values(), change).items():
                weights[path].value = new
            right = (res.outputs[STEPS // 2 :].mean(0).argmax(-1) == labels[0]).mean()
            return memory, res.losses.mean(), right

        memory, losses = optimizer.init(weights.to_dict_values()), []
        for n, (xs, labels) in zip(range(60), batches(1)):
            memory, now, right = update(memory, xs, jax.device_put(labels))
            losses.append(float(now))
            if n % 10 == 0 or n == 59:
                print(f"batch {n:2d}  loss {now:.3f}  right {right:.0%}  (chance loss {np.log(N_OUT):.3f})")
    assert losses[-1] < 0.5 * losses[0], "the loss did not fall"


if __name__ == "__main__":
    main()
