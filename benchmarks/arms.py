"""Our own arms: each a compiled `() -> gradients` of one case, the loss read at every step and summed."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from cases import Case, spikes, weights
from networks import NETWORKS, cross_entropy

import vestige as vg

RULES = {"d_rtrl": lambda case: vg.rules.d_rtrl(), "es_d_rtrl": lambda case: vg.rules.es_d_rtrl(case.decay)}


def data(case: Case) -> tuple[dict, jax.Array, jax.Array]:
    """Weights, inputs and labels on the device, in the precision of this process."""
    dtype = np.float64 if jax.config.jax_enable_x64 else np.float32
    params = weights(NETWORKS[case.network].params(case), case.seed, dtype)
    return jax.tree.map(jnp.asarray, (params, *spikes(case, dtype)))


def rest(case: Case, *lead: int) -> dict[str, jax.Array]:
    """States before the first step."""
    shapes = NETWORKS[case.network].states(case)
    return {name: jnp.full((*lead, *shape), case.start) for name, shape in shapes.items()}


def bptt(case: Case) -> Callable:
    """Reverse mode through the whole sequence, in plain JAX."""
    step = NETWORKS[case.network].step
    params, xs, labels = data(case)

    @jax.jit
    def run(params, xs, labels):
        def loss(p):
            def one(state, now):
                state, y = step(p, state, now[0], jnp.matmul)
                return state, cross_entropy(y, now[1])

            return jax.lax.scan(one, rest(case, case.batch), (xs, labels))[1].sum()

        return jax.grad(loss)(params)

    return lambda: run(params, xs, labels)


def online(case: Case, rule: str, window: int) -> Callable:
    """A rule of ours in windows, through the pure functions."""
    network, chosen = NETWORKS[case.network], RULES[rule](case)
    params, xs, labels = data(case)
    graph = vg.trace_graph(lambda p, s, x: network.step(p, s, x, vg.matmul), params, rest(case), xs[0, 0])

    @jax.jit
    def run(params, xs, labels):
        carry = vg.init(graph, chosen, params, rest(case), batch_size=case.batch)
        result = vg.gradients(graph, chosen, params, carry, xs, labels, cross_entropy, window=window, first=True, last=True)
        return result.grads

    return lambda: run(params, xs, labels)
