"""What no neuron, channel, synapse or clock can be is refused when it is made, by name and with what would do."""

import brainstate
import jax.numpy as jnp
import pytest
import saiunit as u

import vestige as vg
from vestige.neurons import GIF, LIF, Alpha

mV, ms, nan = u.mV, u.ms, float("nan")
WRONG = [
    (lambda: LIF(3, tau=0 * ms), "LIF: tau must be above zero, is 0"),
    (lambda: LIF(3, tau=jnp.array([1.0, -1.0, 2.0]) * ms), "LIF: tau must be above zero"),
    (lambda: LIF(3, tau=nan * ms), r"LIF: tau is not a number \(NaN\) in 1 of 1"),
    (lambda: LIF(3, R=-1 * u.ohm), "LIF: R must be finite and not negative"),
    (lambda: LIF(3, V_th=brainstate.ParamState(0 * mV)), "LIF: V_reset is 0. mV; it must be below V_th"),
    (lambda: LIF(0), "LIF: in_size is 0; it counts cells"),
    (lambda: LIF((2, -1)), "LIF: in_size is"),
    (lambda: vg.neurons.ALIF(3, tau_a=-1 * ms), "ALIF: tau_a must be above zero"),
    (lambda: GIF(3, k1=-0.1 / ms), "GIF: k1 must be finite and not negative"),
    (lambda: GIF(3, V_reset=-40 * mV), "GIF: V_reset is -40 mV; it must be below V_th_inf"),
    (lambda: Alpha(3, tau=0 * ms), "Alpha: tau must be above zero"),
    (lambda: vg.nest.iaf_psc_exp(3, C_m=0 * u.pF), "iaf_psc_exp: C_m is 0"),
    (lambda: vg.nest.iaf_psc_exp(3, tau_m=-1 * ms), "iaf_psc_exp: tau_m is -1"),
    (lambda: vg.nest.iaf_psc_exp(3, E_L=nan * mV), "iaf_psc_exp: E_L is not a number"),
    (lambda: vg.nest.izhikevich(0), "izhikevich: in_size is 0"),
    (lambda: vg.nest.hh_psc_alpha(3, g_Na=-1 * u.nS), "g_Na is -1"),
]


@pytest.mark.parametrize("make, words", WRONG)
def test_no_such_neuron(make, words):
    with pytest.raises(ValueError, match=words):
        make()


def test_what_is_unusual_is_taken():
    """A membrane that never leaks, a dendrite that listens to nothing."""
    LIF(3, tau=float("inf") * ms, R=0 * u.ohm)


@pytest.mark.parametrize("dt", [0.0, -0.1, nan])
@pytest.mark.parametrize("make", [LIF, vg.nest.iaf_psc_delta])
def test_time_goes_forward(make, dt):
    neuron = make(3)
    brainstate.nn.init_all_states(neuron)
    before = neuron.V.value
    with brainstate.environ.context(dt=dt * ms), pytest.raises(ValueError, match="time goes forward"):
        neuron()
    assert neuron.V.value is before
