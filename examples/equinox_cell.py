"""An equinox module learns online: its layers mark their products, the pure core does the rest, equinox's own gradient agrees."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax

import vestige as vg

N_IN, N_REC, STEPS, PIECE = 3, 16, 4000, 20


class Linear(eqx.nn.Linear):
    """equinox's layer, its product marked: the one change that a module needs."""

    def __call__(self, x, *, key=None):
        return vg.matmul(x, self.weight.T, self.bias)


class Cell(eqx.Module):
    """A gated cell whose gates read the input alone, and a readout."""

    gate: Linear
    new: Linear
    out: Linear

    def __init__(self, key):
        a, b, c = jax.random.split(key, 3)
        self.gate, self.new, self.out = Linear(N_IN, N_REC, key=a), Linear(N_IN, N_REC, key=b), Linear(N_REC, 1, key=c)

    def __call__(self, h, x):
        z = jax.nn.sigmoid(self.gate(x))
        h = z * h + (1 - z) * jnp.tanh(self.new(x))
        return h, self.out(h)


def loss(y, target):
    """Squared error of one step."""
    return jnp.mean((y - target) ** 2)


def main():
    cell = Cell(jax.random.key(0))
    params, static = eqx.partition(cell, eqx.is_array)  # what is trained, and the rest
    step = lambda params, h, x: eqx.combine(params, static)(h, x)
    xs = np.random.default_rng(0).normal(size=(STEPS, N_IN)).astype(np.float32)
    ys = np.convolve(xs[:, 0], 0.6 * 0.8 ** np.arange(40))[:STEPS, None].astype(
        np.float32
    )  # the recent past of one input

    rule, h = vg.rules.d_rtrl(), jnp.zeros(N_REC)
    graph = vg.trace_graph(step, params, h, xs[0])
    print(graph.report)

    @eqx.filter_grad
    def through_time(cell):
        outputs = jax.lax.scan(lambda h, x: cell(h, x), h, xs[:60])[1]
        return loss(outputs, ys[:60]) * 60

    online = vg.gradients(graph, rule, params, vg.init(graph, rule, params, h), xs[:60], ys[:60], loss, window=7).grads
    for ours, theirs in zip(jax.tree.leaves(online), jax.tree.leaves(through_time(cell))):
        np.testing.assert_allclose(ours, theirs, rtol=1e-3, atol=1e-4)

    optimizer, carry, losses = optax.adam(1e-2), vg.init(graph, rule, params, h), []
    memory = optimizer.init(params)
    for n in range(0, STEPS, PIECE):  # an update every few steps, the stream goes on
        res = vg.gradients(graph, rule, params, carry, xs[n : n + PIECE], ys[n : n + PIECE], loss)
        change, memory = optimizer.update(res.grads, memory)
        params, carry = eqx.apply_updates(params, change), res.carry
        losses.append(float(res.losses.mean()))
    cell = eqx.combine(params, static)  # an equinox module again
    assert cell(h, xs[0])[1].shape == (1,)
    print(f"loss {np.mean(losses[:10]):.3f} -> {np.mean(losses[-10:]):.3f}")
    assert np.mean(losses[-10:]) < 0.3 * np.mean(losses[:10]), "the loss did not fall"


if __name__ == "__main__":
    main()
