"""Our own arms: each a compiled `() -> gradients` of one case, the loss read at every step and summed."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from cases import LEAK, Case, spikes, weights
from networks import NETWORKS, Ops, cross_entropy

import vestige as vg

NHWC = ("NHWC", "HWIO", "NHWC")
RULES = {
    "d_rtrl": lambda case: vg.rules.d_rtrl(),
    "es_d_rtrl": lambda case: vg.rules.es_d_rtrl(case.decay),
    "e_prop": lambda case: vg.rules.e_prop(),
    "ottt": lambda case: vg.rules.ottt(LEAK),
}


def _conv(x, kernel):
    return vg.conv(x[None], kernel, padding="SAME", dimension_numbers=NHWC)[0]


def _plain_conv(x, kernel):
    lead = x.shape[:-3]
    y = jax.lax.conv_general_dilated(x.reshape(-1, *x.shape[-3:]), kernel, (1, 1), "SAME", dimension_numbers=NHWC)
    return y.reshape(*lead, *y.shape[1:])


def _plain_sparse(x, w, matrix):
    rows, cols, (_, out) = matrix
    return jnp.zeros((*x.shape[:-1], out), x.dtype).at[..., cols].add(x[..., rows] * w)


OPS = Ops(vg.matmul, _conv, vg.sparse_matmul, vg.lora_matmul)
PLAIN = Ops(jnp.matmul, _plain_conv, _plain_sparse, lambda x, B, A: x @ (B @ A))


@dataclass(frozen=True)
class Arm:
    """A compiled function and what it is called with."""

    run: Callable
    args: tuple[Any, ...]

    def __call__(self) -> dict[str, jax.Array]:
        return self.run(*self.args)

    def scratch(self) -> int:
        """Bytes of intermediate results, as the compiler lays them out."""
        return self.run.lower(*self.args).compile().memory_analysis().temp_size_in_bytes


def data(case: Case) -> tuple[dict, jax.Array, jax.Array]:
    """Weights, inputs and labels on the device, in the precision of this process."""
    dtype = np.float64 if jax.config.jax_enable_x64 else np.float32
    params = weights(NETWORKS[case.network].params(case), case.seed, dtype)
    return jax.tree.map(jnp.asarray, (params, *spikes(case, dtype)))


def rest(case: Case, *lead: int) -> dict[str, jax.Array]:
    """States before the first step."""
    shapes = NETWORKS[case.network].states(case)
    return {name: jnp.full((*lead, *shape), case.start) for name, shape in shapes.items()}


def bptt(case: Case) -> Arm:
    """Reverse mode through the whole sequence, in plain JAX."""
    step = NETWORKS[case.network].step

    @jax.jit
    def run(params, xs, labels):
        def loss(p):
            def one(state, now):
                state, y = step(p, state, now[0], PLAIN)
                return state, cross_entropy(y, now[1])

            return jax.lax.scan(one, rest(case, case.batch), (xs, labels))[1].sum()

        return jax.grad(loss)(params)

    return Arm(run, data(case))


def online(case: Case, rule: str, window: int | str | None) -> Arm:
    """A rule of ours in windows, through the pure functions."""
    network, chosen = NETWORKS[case.network], RULES[rule](case)
    params, xs, labels = data(case)
    shapes = jax.eval_shape(lambda: (rest(case), xs[0, 0]))
    graph = vg.trace_graph(lambda p, s, x: network.step(p, s, x, OPS), params, *shapes)

    @jax.jit
    def run(params, xs, labels):
        carry = vg.init(graph, chosen, params, rest(case), batch_size=case.batch)
        result = vg.gradients(
            graph, chosen, params, carry, xs, labels, cross_entropy, window=window, first=True, last=True
        )
        return result.grads

    return Arm(run, (params, xs, labels))
