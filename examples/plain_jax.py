"""A spiking network in plain JAX learns spike patterns online: no modules, no units, one step function."""

import jax
import jax.numpy as jnp
import numpy as np
import optax

import vestige as vg

N_IN, N_REC, N_OUT, STEPS, BATCH = 40, 64, 4, 50, 32


@jax.custom_jvp
def spike(v):
    """`v >= 0`, with a triangle as its slope."""
    return (v >= 0).astype(v.dtype)


@spike.defjvp
def _(primals, tangents):
    (v,), (dv,) = primals, tangents
    return spike(v), 0.3 * jnp.maximum(0.0, 1 - jnp.abs(v)) * dv


def step(p, state, x):
    """One millisecond of a recurrent LIF population and a leaky readout; `vg.matmul` marks what is learned online."""
    z = spike(state["v"] - 1)
    v = 0.9 * (state["v"] - z) + vg.matmul(jnp.concatenate([x, z]), p["w"], p["b"])
    r = 0.9 * state["r"] + vg.matmul(spike(v - 1), p["out"])
    return {"v": v, "r": r}, r


def patterns(seed):
    """Endless batches: each class is a fixed pattern of 5 % spikes; every fourth spike is lost, 2 % are noise."""
    draw = np.random.default_rng(seed)
    templates = draw.random((N_OUT, STEPS, N_IN)) < 0.05
    while True:
        labels = draw.integers(0, N_OUT, BATCH)
        kept = templates[labels] & (draw.random((BATCH, STEPS, N_IN)) < 0.75)
        xs = kept | (draw.random(kept.shape) < 0.02)
        yield xs.swapaxes(0, 1).astype(np.float32), np.broadcast_to(labels, (STEPS, BATCH))


def loss(logits, labels):
    """Cross entropy of a batch at one step."""
    return optax.softmax_cross_entropy_with_integer_labels(logits, labels).mean()


def main():
    draw = np.random.default_rng(0)
    params = {
        "w": jnp.asarray(draw.normal(size=(N_IN + N_REC, N_REC)) * 0.25, jnp.float32),
        "b": jnp.full(N_REC, 0.02),
        "out": jnp.asarray(draw.normal(size=(N_REC, N_OUT)) * 0.1, jnp.float32),
    }
    state = {"v": jnp.zeros(N_REC), "r": jnp.zeros(N_OUT)}
    rule = vg.rules.d_rtrl()
    graph = vg.trace_graph(step, params, state, jnp.zeros(N_IN))
    print(graph.report)
    optimizer = optax.adam(5e-3)

    @jax.jit
    def update(params, memory, xs, labels):
        carry = vg.init(graph, rule, params, state, batch_size=BATCH)
        res = vg.gradients(graph, rule, params, carry, xs, labels, loss, window=25, last=True)
        change, memory = optimizer.update(res.grads, memory)
        return optax.apply_updates(params, change), memory, res.losses.mean()

    memory, losses = optimizer.init(params), []
    for n, (xs, labels) in zip(range(100), patterns(1)):
        params, memory, now = update(params, memory, xs, labels)
        losses.append(float(now))
        if n % 20 == 0 or n == 99:
            print(f"batch {n:3d}  loss {now:.3f}")
    assert losses[-1] < 0.5 * losses[0], "the loss did not fall"


if __name__ == "__main__":
    main()
