"""A flax nnx module learns online: split into parameters and state it is a pure step; flax's own gradient agrees."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx

import vestige as vg

N_IN, N_REC, STEPS, PIECE = 3, 16, 4000, 20


class Hidden(nnx.Variable):
    """What a module remembers from step to step."""


class Linear(nnx.Linear):
    """flax's layer, its product marked: the one change that a module needs."""

    def __call__(self, x):
        return vg.matmul(x, self.kernel[...], self.bias[...])


class Cell(nnx.Module):
    """A gated cell whose gates read the input alone, and a readout."""

    def __init__(self, rngs):
        self.gate, self.new = Linear(N_IN, N_REC, rngs=rngs), Linear(N_IN, N_REC, rngs=rngs)
        self.out = Linear(N_REC, 1, rngs=rngs)
        self.h = Hidden(jnp.zeros(N_REC))

    def __call__(self, x):
        z = jax.nn.sigmoid(self.gate(x))
        self.h[...] = z * self.h[...] + (1 - z) * jnp.tanh(self.new(x))
        return self.out(self.h[...])


def loss(y, target):
    """Squared error of one step."""
    return jnp.mean((y - target) ** 2)


def main():
    made, params, state = nnx.split(Cell(nnx.Rngs(0)), nnx.Param, Hidden)

    def step(params, state, x):
        y = (cell := nnx.merge(made, params, state))(x)
        return nnx.state(cell, Hidden), y

    xs = np.random.default_rng(0).normal(size=(STEPS, N_IN)).astype(np.float32)
    ys = np.convolve(xs[:, 0], 0.6 * 0.8 ** np.arange(40))[:STEPS, None].astype(
        np.float32
    )  # the recent past of one input
    rule = vg.rules.d_rtrl()
    print(graph := vg.trace_graph(step, params, state, xs[0]))

    def through_time(params):
        outputs = jax.lax.scan(lambda s, x: step(params, s, x), state, xs[:60])[1]
        return loss(outputs, ys[:60]) * 60

    first = vg.init(graph, rule, params, state)
    online = vg.gradients(graph, rule, params, first, xs[:60], ys[:60], loss, window=7).grads
    for ours, theirs in zip(jax.tree.leaves(online), jax.tree.leaves(jax.grad(through_time)(params))):
        np.testing.assert_allclose(ours, theirs, rtol=1e-3, atol=1e-4)

    optimizer, carry, losses = optax.adam(1e-2), first, []
    memory = optimizer.init(params)
    for n in range(0, STEPS, PIECE):  # an update every few steps, the stream goes on
        res = vg.gradients(graph, rule, params, carry, xs[n : n + PIECE], ys[n : n + PIECE], loss)
        change, memory = optimizer.update(res.grads, memory)
        params, carry = optax.apply_updates(params, change), res.carry
        losses.append(float(res.losses.mean()))
    assert nnx.merge(made, params, state)(xs[0]).shape == (1,)  # a flax module again
    print(f"loss {np.mean(losses[:10]):.3f} -> {np.mean(losses[-10:]):.3f}")
    assert np.mean(losses[-10:]) < 0.3 * np.mean(losses[:10]), "the loss did not fall"


if __name__ == "__main__":
    main()
