"""Synapses, projections and the boxes in which inputs wait."""

import brainstate
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import saiunit as u

from vestige.neurons import COBA, CUBA, LIF, AlignPostProj, Alpha, DeltaProj, Dynamics, Expon, exp_euler
from vestige.nn import Linear

rng = np.random.default_rng(6)


def weights(n_in, n_out, unit):
    return Linear(n_in, n_out, w_init=rng.normal(size=(n_in, n_out)) * unit, b_init=None)


def test_expon_decays_and_jumps():
    syn, g = Expon(3, tau=4.0 * u.ms), np.zeros(3)
    brainstate.nn.init_all_states(syn)
    for x in rng.random((10, 3)):
        g = g * np.exp(-1 / 4) + x
        np.testing.assert_allclose(syn(x * u.mS).to_decimal(u.mS), g, rtol=1e-9)


def test_one_spike_through_alpha_is_the_alpha_function():
    with brainstate.environ.context(dt=0.02 * u.ms):
        syn = Alpha(1, tau=2.0 * u.ms)
        brainstate.nn.init_all_states(syn)
        syn(jnp.ones(1) * u.mS)
        trace = np.array([syn().to_decimal(u.mS)[0] for _ in range(150)])
    t = 0.02 * np.arange(1, 151)
    np.testing.assert_allclose(trace, t / 2 * np.exp(-t / 2), atol=5e-3)


def test_delta_projection_jumps_the_voltage_after_the_leak():
    post, w = LIF(2, tau=5.0 * u.ms), weights(3, 2, u.mV)
    proj = DeltaProj(lambda x: 2 * x, comm=w, post=post)
    brainstate.nn.init_all_states(post)
    proj(jnp.ones(3))
    post()
    np.testing.assert_allclose(post.V.value.mantissa, 2 * np.asarray(w.weight.value["weight"].mantissa).sum(0))
    assert not post.delta_inputs, "an input is used once"


@pytest.mark.parametrize("out", [COBA(3.0 * u.mV), CUBA(2.0 * u.mV)])
def test_synaptic_projection(out):
    post, w = LIF(2, R=1.0 * u.ohm, V_th=50.0 * u.mV), weights(3, 2, u.siemens)
    syn = Expon(2, g_initializer=lambda n: jnp.zeros(n) * u.siemens)
    proj = AlignPostProj(comm=w, syn=syn, out=out, post=post)
    brainstate.nn.init_all_states(post)
    brainstate.nn.init_all_states(syn)
    V, g, W = np.zeros(2), np.zeros(2), np.asarray(w.weight.value["weight"].mantissa)
    for x in rng.random((10, 3)) < 0.5:
        proj(x)
        post(0.5 * u.mA * jnp.ones(2))
        g = g * np.exp(-1 / 8) + x @ W
        slope, at_rest = (-(1 + g), 0.5 + 3 * g) if isinstance(out, COBA) else (-np.ones(2), 0.5 + 2 * g)
        V = V + np.expm1(slope / 5) / slope * (slope * V + at_rest)
        np.testing.assert_allclose(post.V.value.mantissa, V, rtol=1e-8)


def test_boxes_by_label_and_by_key():
    d = Dynamics(2)
    d.add_current_input("a", jnp.ones(2) * u.mA, label="exc")
    d.add_current_input("b", lambda v: v / u.ohm)
    d.add_delta_input("c", jnp.ones(2) * u.mV)
    np.testing.assert_allclose(d.sum_current_inputs(0.0 * u.mA, 1.0 * u.mV, label="exc").mantissa, 1.0)
    np.testing.assert_allclose(d.sum_current_inputs(0.0 * u.mA, 1.0 * u.mV).to_decimal(u.mA), 1.0)
    assert list(d.current_inputs) == ["b"]
    with pytest.raises(ValueError, match="once per step"):
        d.add_delta_input("c", jnp.ones(2) * u.mV)
    with pytest.raises(u.UnitMismatchError, match="'c'"):
        d.sum_delta_inputs(0.0 * u.mA)


def test_projections_refuse_what_cannot_work():
    with pytest.raises(TypeError, match="comm"):
        DeltaProj(comm=np.ones((3, 2)), post=LIF(2))
    with pytest.raises(ValueError, match="shapes must agree"):
        AlignPostProj(comm=weights(3, 2, u.mS), syn=Expon(3), out=CUBA(), post=LIF(2))


def test_exponential_euler_is_exact_where_linear_and_smooth_at_slope_zero():
    x = jnp.array([1.0, 2.0]) * u.mV
    np.testing.assert_allclose(
        exp_euler(lambda v: -v / (2 * u.ms), x).mantissa, np.array([1, 2]) * np.exp(-0.5), rtol=1e-12
    )
    np.testing.assert_allclose(exp_euler(lambda v: 0 * v / u.ms + 3 * u.mV / u.ms, x).mantissa, [4.0, 5.0])
    step = lambda k: exp_euler(lambda v: -k * v / u.ms, jnp.array([1.0]))[0]
    for k in (0.0, 1e-7, 1e-4, 0.5):
        np.testing.assert_allclose(jax.grad(step)(k), -np.exp(-k), rtol=1e-4)
    with pytest.raises(u.UnitMismatchError):
        exp_euler(lambda v: -v, x)


def test_projections_of_brainpy_and_ours_meet_in_the_same_boxes():
    brainpy = pytest.importorskip("brainpy.state")
    w, ours, theirs = weights(3, 2, u.mV), LIF(2), brainpy.LIF(2)
    mixed, native = DeltaProj(comm=w, post=theirs), DeltaProj(comm=w, post=ours)
    for m in (ours, theirs):
        brainstate.nn.init_all_states(m)
    for x in rng.random((5, 3)):
        mixed(x), native(x), ours(), theirs()
        np.testing.assert_allclose(ours.V.value.mantissa, theirs.V.value.mantissa, rtol=1e-6)
