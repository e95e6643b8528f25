"""KF-RTRL: the influence of each weight as a Kronecker product of a row like its input and a matrix."""

from functools import cache
from typing import Any

import jax
import jax.numpy as jnp

from ..graph import Graph, GraphError
from ..graph.program import Value, up
from .couplings import is_linear
from .influence import back, empty, keys, learning, owed, trained
from .types import Obs, Rule, Signal, Update, picks, pre_zeros, present, weights
from .uoro import balance, size


@cache
def kf_rtrl(seed: int = 0) -> Rule:
    """Kronecker-factored RTRL: per marked weight `u` like its input x and `A` (states by outputs), `E[u (x) A] = dh/dw`.

        u <- p1 u + c p2 x ;      A <- (dh'/dh) A / p1 + c (dh'/dy) / p2 ;      c = +-1, drawn anew each step and weight
        dw = present + correlate(u_0, < dL/dh_0, A_0 >)
        p1^2 = |(dh'/dh) A| / |u| ,   p2^2 = |dh'/dy| / |x|

    The mean over draws is BPTT's gradient for every window. What a step reads without a mark (biases, leaks, matrices) is its
    own input, x = 1, for which `A` alone is exact: no chance there.

    Memory `inputs + states * outputs` per weight and example, `states * parameters` where there is no mark; compute per step
    one pull of the whole step per state and a product of `states^2 * outputs`. Works with every operator that is linear in
    its input; needs no positions. Exact at T = 1 and in one window over the whole sequence.

    Source: Mujika, Meier & Steger, "Approximating real-time recurrent learning with random Kronecker factors", 2018.
    """

    def init(graph: Graph, static: list[Any]) -> Any:
        marks, plain = _split(graph)
        n, w = empty(graph), weights(graph, static)
        _check(graph, list(marks.values()), w)
        like = lambda v: jnp.zeros((n.size, *v.shape), jnp.result_type(n, v.dtype))
        factors = [(pre_zeros(graph.edges[e], w[e]), like(y)) for y, e in marks.items()]
        return factors, [like(v) for v in plain]

    def update(graph: Graph, trace: Any, obs: Obs, signal: Signal) -> Update:
        marks, plain = _split(graph)
        static, states, xs = obs.at

        def step(trace: Any, now: Any) -> Any:
            key, state, x, pre = now
            pull = back(graph, static, state, x, list(marks))
            J, values, delivered = jax.vmap(pull)(jnp.eye(empty(graph).size, dtype=empty(graph).dtype))
            onward = lambda A: jnp.tensordot(J, A, 1)
            live = dict(zip(trained(graph, graph.frontier), values))
            signs = jax.random.rademacher(key, (len(marks),), J.dtype)
            factors = [_mixed(c, u, onward(A), x, D) for c, (u, A), x, D in zip(signs, trace[0], pre, delivered)]
            return (factors, [(onward(A) + live[v]).astype(A.dtype) for v, A in zip(plain, trace[1])]), None

        d, uses = owed(graph, signal), present(obs, signal)
        for n, (u, A) in zip(marks.values(), trace[0]):
            uses[n] = [*uses[n], (u[None], jnp.tensordot(d, A, 1).astype(u.dtype)[None])]
        own = {v: jnp.tensordot(d, A, 1).astype(v.dtype) for v, A in zip(plain, trace[1])}
        new, _ = jax.lax.scan(step, trace, (keys(obs), states, xs, [obs.pre[n] for n in marks.values()]))
        every = [own.get(v, jnp.zeros(v.shape, v.dtype)) for v in trained(graph, graph.frontier)]
        return Update(new, uses, [None] * len(graph.edges), every)

    return Rule(init, update, "full", seed=seed)


def _mixed(c: jax.Array, u: jax.Array, A: jax.Array, x: jax.Array, D: jax.Array) -> tuple[jax.Array, jax.Array]:
    """`u (x) A + x (x) D` as one product, right on average over the sign c."""
    x = x.astype(u.dtype)
    (a, b), (p, q) = balance(size(u), size(A)), balance(size(x), size(D))
    return (a * u + c * p * x).astype(u.dtype), (b * A + c * q * D).astype(A.dtype)


def _split(graph: Graph) -> tuple[dict[Value, int], list[Value]]:
    """What trained marks deliver on the way to states, with the number of the edge; trained values that are read otherwise."""
    need = up(graph.eqns, [graph.h_out[i] for i in learning(graph)])
    first = {e.y: n for n, e in reversed(list(enumerate(graph.edges))) if e.x is not None and e.y in need}
    reads = [e.ins[0] if e.outs[0] in first else a for e in graph.eqns if e.outs[0] in need for a in e.ins]
    return first, [v for v in trained(graph, graph.frontier) if v in {*reads} or v in graph.h_out]


def _check(graph: Graph, used: list[int], w: list[Any]) -> None:
    for n in used:
        edge = graph.edges[n]
        if picks(edge):
            raise GraphError(
                f"`{edge.name}` is picked by an integer (an embedding), which cannot be a factor of its influence. "
                "Use `uoro()`, or a one-hot input and a matrix product."
            )
        if not is_linear(edge.op, edge.x, w[n]):
            raise GraphError(
                f"`{edge.name}`: its operator is not linear in its input, so sums of inputs say nothing. "
                "Put what bends the input in front of the operator, or use `uoro()`."
            )
