"""A brainstate model as a pure step, and its gradient by plain backpropagation through time."""

import brainstate
import jax
import jax.numpy as jnp
import saiunit as u


def pure(model, x):
    """`(step, params, state)` of an initialised model; `step(params, state, x) -> (state', y)`."""
    found = dict(model.states())
    params = {k: s.value for k, s in found.items() if isinstance(s, brainstate.ParamState)}
    state = {k: s.value for k, s in found.items() if k not in params}
    traced = brainstate.transform.StatefulFunction(model, return_only_write=False)
    traced.make_jaxpr(x)
    name = {id(s): k for k, s in found.items()}
    order = [name[id(s)] for s in traced.get_states(x)]

    def step(params, state, x):
        now = {**params, **state}
        new, y = traced.jaxpr_call([now[k] for k in order], x)
        return {**state, **{k: v for k, v in zip(order, new, strict=True) if k in state}}, y

    return step, params, state


def squares(y, target):
    """A loss without unit, whatever the output's."""
    return jnp.sum((u.get_mantissa(y) - target) ** 2)


def bptt(step, params, state, xs, targets, loss=squares):
    """The gradient through all of time."""

    def total(params):
        def body(s, xt):
            s, y = step(params, s, xt[0])
            return s, loss(y, xt[1])

        return jax.lax.scan(body, state, (xs, targets))[1].sum()

    return jax.grad(total)(params)
