"""The four programs of the reference page, with its import changed: they run, or say what to do."""

import brainstate
import pytest
import saiunit as u

IMPORTS = """
from vestige import nest as bp
import saiunit as u
import brainstate
"""
CONTEXT = "brainstate.environ.context(dt=0.1 * u.ms)\n"
AMPA = """
net = bp.iaf_bw_2001_exact(in_size=10)
net.init_all_states()
# Apply AMPA input spike
spike = bp.iaf_bw_2001_exact.get_spike(net(spike_events=[(1, 100*u.nS)]))
print(net.V.value)
"""
PORTS = """
net = bp.iaf_bw_2001_exact(in_size=5)
net.init_all_states()
# Register two NMDA ports with different weights
events = [
    (3, 50*u.nS, 'port_A', 1.0),  # NMDA port A, weight 50 nS
    (3, 75*u.nS, 'port_B', 1.0),  # NMDA port B, weight 75 nS
]
spike = net(spike_events=events)
print(net.s_NMDA_components.value.shape)
"""
MIXED = """
net = bp.iaf_bw_2001_exact(in_size=1, V_th=-50*u.mV)
net.init_all_states()
events = [
    {'receptor': 'AMPA', 'weight': 200*u.nS, 'multiplicity': 2.0},
    {'receptor': 'GABA', 'weight': 100*u.nS},
    {'receptor': 'NMDA', 'weight': 50*u.nS, 'port': 0},
]
for _ in range(100):
    spike = net(spike_events=events if _ == 10 else None)
print(net.last_spike_time.value)
"""
SILENT = """
net = bp.iaf_bw_2001_exact(in_size=3, ref_var=True, t_ref=5*u.ms)
net.init_all_states()
net.V.value = net.V_th + 1*u.mV  # Force spike
spike = net()
print(net.refractory.value)
"""


def run(program):
    """Names that the program leaves."""
    names = {}
    exec(compile(IMPORTS + program, "page", "exec"), names)
    return names


@pytest.fixture
def dt():
    with brainstate.environ.context(dt=0.1 * u.ms):
        yield


@pytest.mark.parametrize("program", [AMPA, PORTS, MIXED, SILENT])
def test_a_context_that_is_never_entered_is_named(program):
    assert brainstate.environ.get("dt", None) is None
    with pytest.raises(KeyError, match=r"no time step: run inside .*context\(dt=.*, or set it with environ.set"):
        run(CONTEXT + program)


def test_spikes_are_what_the_call_returns(dt):
    with pytest.raises(TypeError, match="what its call returned are the spikes already"):
        run(AMPA)
    found = run(
        AMPA.replace(
            "bp.iaf_bw_2001_exact.get_spike(net(spike_events=[(1, 100*u.nS)]))", "net(spike_events=[(1, 100*u.nS)])"
        )
    )
    assert found["spike"].shape == (10,) and found["net"].s_AMPA.value[9] == 100 * u.nS


def test_two_ports(dt, capsys):
    found = run(PORTS)
    assert capsys.readouterr().out == "(5, 2)\n" and found["spike"].shape == (5,)
    assert found["net"].nmda_weights.value[0].tolist() == [50.0, 75.0]


def test_a_port_is_declared_before_the_first_step(dt):
    with pytest.raises(ValueError, match=r"port 0 is new; .* Declare it: `nmda_weights=`"):
        run(MIXED)
    declared = MIXED.replace("V_th=-50*u.mV", "V_th=-50*u.mV, nmda_weights={0: 50*u.nS}")
    timed = declared.replace(
        "    spike = net(", "    with brainstate.environ.context(t=_ * 0.1 * u.ms):\n        spike = net("
    )
    assert run(declared)["net"].last_spike_time.value[0] == -1e7 * u.ms
    # a step after the spikes at 1.1 ms, and after 2 ms of silence and a step as often as the conductances last
    assert 3.0 < run(timed)["net"].last_spike_time.value[0].to_decimal(u.ms) < 10.0


def test_the_forced_are_silent(dt, capsys):
    found = run(SILENT)
    assert capsys.readouterr().out == "[ True  True  True]\n"
    assert found["net"].refractory_step_count.value.tolist() == [50] * 3 and found["spike"].sum() == 3
