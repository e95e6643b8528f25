"""braintrace's arms, in its own environment: answers JSON lines, so that a caller can interleave it with others."""

import sys
import warnings
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
warnings.filterwarnings("ignore")

from serving import arms, channel, serve  # noqa: E402

answers = channel()

import brainevent  # noqa: E402
import brainstate  # noqa: E402
import braintrace  # noqa: E402
import jax  # noqa: E402
import jax.numpy as jnp  # noqa: E402
import numpy as np  # noqa: E402
from cases import CASES, ONLINE, SMALL, few, spikes, weights  # noqa: E402
from clock import clock, one_by_one  # noqa: E402
from networks import NETWORKS, Ops, cross_entropy  # noqa: E402

RULES = {
    "d_rtrl": lambda model, case, **how: braintrace.D_RTRL(model, **how),
    "es_d_rtrl": lambda model, case: braintrace.ES_D_RTRL(model, decay_or_rank=case.decay),
    "e_prop": lambda model, case: braintrace.EProp(model),
}


def _conv(x, kernel):
    # the peer's product wants a batch, which a mapped step does not have
    return braintrace.conv(x[None], kernel, strides=(1, 1), padding="SAME", dimension_numbers=("NHWC", "HWIO", "NHWC"))[
        0
    ]


def _sparse(x, w, matrix):
    rows, cols, shape = matrix
    starts = np.searchsorted(rows, np.arange(shape[0] + 1)).astype(np.int32)
    like = brainevent.CSR((np.ones(len(rows), np.float32), cols, starts), shape=shape)
    return braintrace.sparse_matmul(x, w, sparse_mat=like)


OPS = Ops(braintrace.matmul, _conv, _sparse, braintrace.lora_matmul)


class Model(brainstate.nn.Module):
    """One of our networks as a brainstate module; matrices through braintrace's marked product."""

    def __init__(self, network, case, params):
        super().__init__()
        self.step, self.shapes, self.start = network.step, network.states(case), case.start
        self.params = {name: brainstate.ParamState(jnp.asarray(w)) for name, w in params.items()}

    def init_state(self, batch=None, **_):
        lead = () if batch is None else (batch,)
        self.hidden = {k: brainstate.HiddenState(jnp.full((*lead, *n), self.start)) for k, n in self.shapes.items()}

    def update(self, x):
        p = {k: w.value for k, w in self.params.items()}
        state, y = self.step(p, {k: h.value for k, h in self.hidden.items()}, x, OPS)
        for k, h in self.hidden.items():
            h.value = state[k]
        return y


class Compiled:
    """A compiled `xs, targets -> gradients` with its inputs; gives them by the names of the parameters."""

    def __init__(self, run, *inputs):
        self.run, self.inputs = run, inputs

    def __call__(self):
        return {path[-1]: g for path, g in self.run(*self.inputs).items()}

    def scratch(self):
        """Bytes of intermediate results, as the compiler lays them out."""
        return self.run.lower(*self.inputs).compile().memory_analysis().temp_size_in_bytes


def arm(case, rule):
    """`xs, targets -> gradients` summed over all steps, compiled, as the peer's own tutorial builds it."""
    network = NETWORKS[case.network]
    params = weights(network.params(case), case.seed, np.float64 if jax.config.jax_enable_x64 else np.float32)
    model = Model(network, case, params)
    of = model.states(brainstate.ParamState)

    @brainstate.transform.jit
    def run(xs, targets):
        learner = RULES[rule](model, case)

        @brainstate.transform.vmap_new_states(state_tag="new", axis_size=case.batch)
        def init():
            brainstate.nn.init_all_states(model)
            learner.compile_graph(xs[0, 0])

        init()
        batched = brainstate.nn.Vmap(learner, vmap_states="new")

        def step(total, now):
            x, target = now
            grads = brainstate.transform.grad(lambda: cross_entropy(batched(x), target), of)()
            return jax.tree.map(jnp.add, total, grads), None

        zero = jax.tree.map(jnp.zeros_like, of.to_dict_values())
        return brainstate.transform.scan(step, zero, (xs, targets))[0]

    return run


def chunks(case, size):
    """The same by the peer's chunked mode: BPTT inside windows of `size`, states with a batch axis of their own."""
    network = NETWORKS[case.network]
    model = Model(network, case, weights(network.params(case), case.seed))

    @brainstate.transform.jit
    def run(xs, targets):
        brainstate.nn.init_all_states(model, case.batch)
        learner = RULES["d_rtrl"](model, case, vjp_method="multi-step")
        learner.compile_graph(xs[0])
        loss = lambda x, target: jax.vmap(cross_entropy)(learner(braintrace.MultiStepData(x)), target)
        return learner.etrace_grad(xs, targets, step_fn=loss, chunk_size=size, reduction="sum")

    return run


def streaming(case, rule, rate):
    """One step at a time: a function of (input, target) that moves the weights against the gradient of that step."""
    network = NETWORKS[case.network]
    model = Model(network, case, weights(network.params(case), case.seed))
    learner, of = RULES[rule](model, case), model.states(brainstate.ParamState)
    brainstate.nn.init_all_states(model)
    learner.compile_graph(jnp.zeros(case.n_in))

    @brainstate.transform.jit
    def step(x, target):
        loss = lambda: cross_entropy(learner(x)[None], target)
        grads, seen = brainstate.transform.grad(loss, of, return_value=True)()
        for path, g in grads.items():
            of[path].value = of[path].value - rate * g
        return seen

    return step


def make(case, rule, batch=None, x64=False, chunk=None, stream=None):
    """The arm of one request."""
    if x64:
        jax.config.update("jax_enable_x64", True)
        brainstate.environ.set(precision=64)
    case = {**CASES, **SMALL, **ONLINE}[case]
    case = few(case, batch or case.batch)
    xs, targets = map(jnp.asarray, spikes(case, np.float64 if x64 else np.float32))
    if stream is not None:
        return partial(one_by_one, streaming(case, rule, stream), list(xs[:, 0]), list(targets))
    return Compiled(arm(case, rule) if chunk is None else chunks(case, chunk), xs, targets)


if __name__ == "__main__":
    serve(answers, arms(make, clock))
