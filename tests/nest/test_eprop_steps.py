"""NEST's e-prop at every step: four tables of losses through plain NumPy, and through vestige's neurons and e-prop rule."""

from functools import cache

import brainstate
import jax.numpy as jnp
import numpy as np
import pytest
import saiunit as u
from eprop_steps import CONSTANTS, KAPPA, LOSSES, N, losses_of, plain, protocol, synapses

import vestige as vg


class Network(brainstate.nn.Module):
    """Recurrent neurons without autapses, a leaky readout, and what the rates cost."""

    def __init__(self, model, w_in, w_rec, w_out):
        super().__init__()
        k = CONSTANTS[model]
        membrane = dict(C_m=1.0 * u.pF, E_L=0.0 * u.mV, tau_m=30.0 * u.ms)
        own = dict(V_th=k.V_th * u.mV, t_ref=0.0 * u.ms, c_reg=k.c_reg, f_target=10.0 * u.Hz, kappa_reg=KAPPA)
        own |= dict(surrogate_gradient_height=10.0 / u.mV, surrogate_gradient_width=0.03 * u.mV)
        own |= {} if k.V_reset is None else dict(V_reset=k.V_reset * u.mV)
        own |= dict(adapt_beta=k.adapt_beta * u.mV, adapt_tau=k.adapt_tau * u.ms) if k.adapt_beta else {}
        self.neurons = getattr(vg.nest, model)(N, **membrane, **own)
        self.readout = vg.nest.eprop_readout(1, **membrane)
        self.w_in, self.w_rec, self.w_out = map(brainstate.ParamState, (w_in, w_rec, w_out))

    def update(self, x):
        recurrent = vg.matmul(self.neurons.get_spike(), self.w_rec.value * (1.0 - np.eye(N)))
        z = self.neurons((vg.matmul(x, self.w_in.value) + recurrent) * u.mV)
        y = self.readout(vg.matmul(z, self.w_out.value) * u.mV)
        return y, self.neurons.regularisation(), z


def loss(output, target):
    """The readout's error and the cost of the rates, of one step."""
    y, cost, _ = output
    return vg.nest.mean_squared_error(y, target) + cost


def trained(model, sequences):
    """Losses and last weights of vestige: gradients of one step at a time, NEST's synapses between them and the weights."""
    weights, back, xs = protocol(model)
    learners, errors, before = synapses(model, weights), [], np.zeros(N)
    with brainstate.environ.context(dt=1.0 * u.ms, precision=64):
        net = Network(model, *map(jnp.asarray, weights))
        brainstate.nn.init_all_states(net)
        learner = vg.EProp(net, feedback={"w_out": back}, kappa=KAPPA)
        learner.compile_graph(jnp.zeros(N))
        for x in np.tile(xs, (sequences, 1)):
            got = learner.gradients(x[None], jnp.zeros((1, 1)), loss=loss, window=1)
            y, _, z = (np.asarray(u.get_mantissa(a))[0] for a in got.outputs)
            errors.append(y)
            for s, now, name in zip(learners, (x, before, z), ("w_in", "w_rec", "w_out")):
                getattr(net, name).value = jnp.asarray(s.learn(now, np.asarray(got.grads[name,])))
            before = z
    return losses_of(errors, sequences), [s.w for s in learners]


@cache
def numpys(model):
    return plain(model, 5)


@pytest.mark.parametrize("model", LOSSES)
def test_plain_numpy_follows_nest(model):
    got, weights = numpys(model)
    np.testing.assert_allclose(got, LOSSES[model], rtol=5e-11)  # 14 places were published, of numbers from 4e-4
    for w, before in zip(weights, protocol(model)[0]):
        assert np.count_nonzero(w - before) > 0.5 * before.size


@pytest.mark.parametrize("model", LOSSES)
def test_vestige_follows_nest(model):
    got, weights = trained(model, 5)
    np.testing.assert_allclose(got, LOSSES[model], rtol=5e-11)
    for w, want in zip(weights, numpys(model)[1]):
        np.testing.assert_allclose(w, want, rtol=0, atol=1e-12)
