"""Brunel and Wang's neuron: what its reference page says of ports, events, errors, shapes, resets and gradients."""

import brainstate
import jax.numpy as jnp
import numpy as np
import pytest
import saiunit as u
from bw import EXACT, JUMP, made, run, states
from replay import DATA, STRIDE, at_receptors, gaps, nmda_weights, of, play, population

PORTS = np.array([[4.0, 20.0], [9.0, 2.0], [15.0, 7.0]])


@pytest.fixture(autouse=True)
def time_step():
    with brainstate.environ.context(dt=0.1 * u.ms):
        yield


def equal(a, b, atol=0.0):
    assert a.keys() == b.keys()
    for k in a:
        np.testing.assert_allclose(a[k], b[k], rtol=0, atol=atol, err_msg=k)


BEYOND = {  # run: step, bound in mV
    "bwx_dt0.5": (0.5, 3e-6),
    "bwx_dt1": (1.0, 4e-5),
    "bwx_strong_tol0.001": (0.1, 3e-2),  # 2000 nS and more, where NEST divides its steps
    "bwx_strong_tol1e-06": (0.1, 3e-2),
}


@pytest.mark.parametrize("dt", [0.1, 0.5, 1.0])
def test_long_steps_and_strong_weights_keep_every_spike(dt):
    group = [r for r in of("iaf_bw_2001_exact", dt) if r.name in BEYOND]
    for name, gap in gaps(
        group, *play(population(EXACT, group, **nmda_weights(group)), group, at_receptors(group))
    ).items():
        assert not gap.missing and not gap.extra, name
        assert BEYOND[name][0] == dt and gap.worst["V_m"] <= BEYOND[name][1], (name, gap.worst)


def test_one_sender_at_both_forms_as_recorded():
    with np.load(DATA / "references.npz") as data:
        want = {k.split("/")[1]: v for k, v in data.items() if k.startswith("bw_pair_train/")}
    kept = STRIDE * np.arange(len(want["times"]))
    fired = np.zeros(kept[-1] + 1)
    fired[np.rint(want["pre_spike_times"] / 0.1).astype(int) - 1] = 1.0
    sender, low = made(JUMP(1, t_ref=0.0 * u.ms)), dict(V_reset=-70.0 * u.mV)
    jump, exact = made(JUMP(1, **low)), made(EXACT(1, nmda_weights=[40.0] * u.nS, **low))

    def step(fire):
        sender.V.value = jnp.where(fire > 0, 0.0, -70.0)[None] * u.mV
        return sender(), sender.NMDA_jump.value

    spikes, jumps = (np.asarray(v) for v in brainstate.transform.for_loop(step, fired))
    np.testing.assert_array_equal(spikes[:, 0], fired)
    late = lambda v: np.concatenate([np.zeros((5, 1)), v])[: len(v)]
    for neuron, form, events, bound in [
        (jump, "approx", {"NMDA": 40.0 * late(jumps)}, 1e-12),
        (exact, "exact", {"NMDA": late(spikes)}, 1e-7),
    ]:
        got = run(neuron, events, 0.0)
        for k in neuron.recordables:
            np.testing.assert_allclose(got[k][kept, 0], want[f"{form}_{k}"], rtol=0, atol=4 * bound, err_msg=k)
        np.testing.assert_allclose(got["V_m"][kept, 0], want[f"{form}_V_m"], rtol=0, atol=bound)


FORMS = [
    [(1, 5 * u.nS), (2, 3.0), (3, 4.0 * u.nS, 0), (3, 20 * u.nS, 1), (3, 20 * u.nS, 1)],
    [("AMPA", 2.5 * u.nS, 2.0), (" 2 ", 3.0 * u.nS), ("NMDA", 4.0, "0"), ("3", 0.02 * u.uS, 1, 2.0)],
    [
        {"receptor_type": 1, "weight": 5.0 * u.nS},
        {"receptor": "GABA", "weight": 1.0 * u.nS, "multiplicity": 3.0},
        {"receptor": "NMDA", "weight": 4.0 * u.nS},
        {"receptor": 3, "weight": 20.0 * u.nS, "rport": 1},
        {"receptor": 3, "weight": np.full((2, 3), 20.0) * u.nS, "synapse_id": 1, "multiplicity": np.ones((2, 3))},
    ],
    {"AMPA": 5.0, 2: np.full(3, 3.0) * u.nS, "NMDA": np.array([1.0, 2.0])},
    {1: np.full((2, 3), 5.0) * u.nS, "GABA": 3.0 * u.nS, "3": np.broadcast_to([1.0, 2.0], (2, 3, 2))},
]


@pytest.mark.parametrize("events", FORMS, ids=["tuples", "names", "dicts", "numbers", "arrays"])
def test_all_forms_of_events_say_the_same(events):
    ports = {0: 4.0, 1: 20.0} if isinstance(events, dict) else None
    neuron = made(EXACT((2, 3), nmda_weights=ports))
    for e in (events, None, None):
        neuron(0.0 * u.pA, e)
    x, left = neuron.x_NMDA.value, np.exp(-0.2 / 2)
    assert x.shape == neuron.s_NMDA_components.value.shape == neuron.nmda_weights.value.shape == (2, 3, 2)
    np.testing.assert_allclose(x, np.broadcast_to([left, 2 * left], x.shape), rtol=1e-9)
    np.testing.assert_allclose(neuron.nmda_weights.value[1, 2], [4.0, 20.0], rtol=1e-12)
    np.testing.assert_allclose(neuron.s_AMPA.value.to_decimal(u.nS), 5.0 * left, rtol=1e-9)
    np.testing.assert_allclose(neuron.s_GABA.value.to_decimal(u.nS), 3.0 * np.exp(-0.2 / 5), rtol=1e-9)


def test_every_neuron_has_its_weights_and_multiplicities():
    many, low = np.array([1.0, 0.0, 3.0]), np.array([-55.0, -58.0, -50.0])
    together = made(EXACT(3, nmda_weights=PORTS * u.nS, V_th=low * u.mV))
    alone = made(EXACT(1, nmda_weights=PORTS[2] * u.nS, V_th=low[2] * u.mV))
    together(900.0 * u.pA, [("NMDA", PORTS[:, 1] * u.nS, 1, many), (1, PORTS[:, 0] * u.nS)])
    alone(900.0 * u.pA, [("NMDA", PORTS[2, 1], 1, 3.0), (1, PORTS[2, 0])])
    both, one = run(together, {"GABA": np.zeros((200, 3))}, 900.0), run(alone, {"GABA": np.zeros((200, 1))}, 900.0)
    equal({k: v[:, 2:] for k, v in both.items()}, one, atol=1e-12)
    assert len({tuple(v) for v in both["spikes"].T}) == 3


def test_ports_are_declared_in_three_ways_and_outlive_a_reset():
    neuron = EXACT(2, nmda_weights={"a": 1.0 * u.nS, 7: np.array([2.0, 3.0]) * u.nS})
    neuron.add_ports({"b": 4.0 * u.nS})
    made(neuron)
    neuron.add_ports({("c", 1): 5.0})
    neuron(0.0 * u.pA, [("NMDA", 6.0, None, 1.0), ("NMDA", 1.0, "a")])
    assert list(neuron.ports.names) == ["a", 7, "b", ("c", 1), 0]
    np.testing.assert_array_equal(neuron.nmda_weights.value, [[1, 2, 4, 5, 6], [1, 3, 4, 5, 6]])
    np.testing.assert_array_equal(neuron.x_NMDA.value, [[1, 0, 0, 0, 1]] * 2)
    with pytest.raises(ValueError, match="port 'd' is new"):
        neuron.add_ports({"d": 1.0})
    neuron.reset_state(batch_size=4)
    neuron(0.0 * u.pA, [("NMDA", 1.0, "d")])
    assert neuron.x_NMDA.value.shape == (4, 2, 6) and neuron.V.value.shape == (4, 2)
    made(neuron)
    assert list(neuron.ports.names) == ["a", 7, "b", ("c", 1)] and neuron.x_NMDA.value.shape == (2, 4)


BAD_EVENTS = {
    "late port": ([("NMDA", 1.0 * u.nS, "late")], "new; ports can be added only before"),
    "changed weight": ([("NMDA", 5.0 * u.nS, 0)], "one connection with one weight"),
    "unknown name": ([("ampa", 1.0 * u.nS)], "no receptor 'ampa'"),
    "unknown number": ([(4, 1.0 * u.nS)], "no receptor 4"),
    "half a number": ([(1.5, 1.0 * u.nS)], "no receptor 1.5"),
    "port without hash": ([("NMDA", 1.0 * u.nS, [1])], "must be hashable"),
    "one number": ([(1,)], "a tuple of 2, 3 or 4 or a dict"),
    "five numbers": ([(3, 1.0, 0, 1.0, 2.0)], "a tuple of 2, 3 or 4 or a dict"),
    "no weight": ([{"receptor": 1}], "needs 'receptor'"),
    "unknown key": ([{"receptor": 1, "weight": 1.0, "delay": 2.0}], "and knows"),
    "not in a list": ({"receptor": 1, "weight": 1.0}, "a single event is given in a list"),
    "shape of a weight": ([("AMPA", np.ones(2) * u.nS)], r"shape \(2,\); it needs \(3,\)"),
    "shape of an array": ({"NMDA": np.ones(5)}, r"shape \(5,\); it needs \(3, 2\)"),
    "shape of a course": ({"NMDA_g": np.ones((3, 3))}, r"shape \(3, 3\); it needs \(4, 3\)"),
    "second of two": ([("AMPA", 1.0), ("NMDA", 4.0, "0"), ("GABA",)], "a tuple of 2, 3 or 4"),
}


@pytest.mark.parametrize("bad", BAD_EVENTS)
def test_bad_events_move_nothing(bad):
    events, message = BAD_EVENTS[bad]
    neuron = made(EXACT(3, nmda_weights=[4.0, 20.0] * u.nS))
    neuron(300.0 * u.pA, [("NMDA", 4.0, 0)])
    before, names = states(neuron), dict(neuron.ports.names)
    with pytest.raises(ValueError, match=message):
        neuron(100.0 * u.pA, events)
    equal(states(neuron), before)
    assert neuron.ports.names == names


def test_an_event_after_a_new_port_is_refused_with_it():
    neuron = made(EXACT(3))
    for events, current, error in [
        ([("NMDA", 1.0, "new"), ("AMPA", 1.0 * u.mV)], 0.0 * u.pA, u.UnitMismatchError),
        ([("NMDA", 1.0, "new"), ("NMDA", 2.0, "new")], 0.0 * u.pA, ValueError),
        ([("NMDA", 1.0, "new")], 1.0 * u.mV, u.UnitMismatchError),
        ([("NMDA", 1.0, "new", 1.0 * u.nS)], 0.0 * u.pA, u.UnitMismatchError),
        ({"NMDA": np.ones(1)}, 0.0 * u.pA, ValueError),
    ]:
        with pytest.raises(error):
            neuron(current, events)
        assert not neuron.ports.names and neuron.nmda_weights.value.shape == (3, 0)
    neuron(0.0 * u.pA, [("NMDA", 1.0, "new")])
    assert list(neuron.ports.names) == ["new"]


def test_deltas_go_to_ampa_or_where_their_label_says():
    boxed, direct = made(EXACT(2)), made(EXACT(2))
    boxed.add_delta_input("one", np.array([1.0, 2.0]) * u.nS)
    boxed.add_delta_input("two", 3.0 * u.nS, label="GABA")
    boxed.add_current_input("drive", 50.0 * u.pA)
    boxed()
    direct(50.0 * u.pA, {"AMPA": np.array([1.0, 2.0]), "GABA": 3.0})
    equal(states(boxed), states(direct))
    boxed.add_delta_input("three", 3.0 * u.nS, label="NMDA")
    with pytest.raises(ValueError, match="a delta has no port"):
        boxed()


BAD_PARAMETERS = {
    "V_reset": -55.0 * u.mV, "C_m": 0.0 * u.pF, "t_ref": -0.1 * u.ms, "tau_AMPA": 0.0 * u.ms, "tau_GABA": -1.0 * u.ms,
    "tau_rise_NMDA": 0.0 * u.ms, "tau_decay_NMDA": 0.0 * u.ms, "alpha": 0.0 / u.ms, "conc_Mg2": 0.0 * u.mM,
    "gsl_error_tol": 0.0,
}  # fmt: skip


@pytest.mark.parametrize("kind", [EXACT, JUMP])
@pytest.mark.parametrize("name", BAD_PARAMETERS)
def test_what_the_page_refuses_is_refused(kind, name):
    with pytest.raises(ValueError, match=f"{kind.__name__}: {name} is .*; it must be"):
        kind(2, **{name: BAD_PARAMETERS[name]})
    if name != "gsl_error_tol":
        with pytest.raises(u.UnitMismatchError, match=f"{name} has the unit"):
            kind(2, **{name: 1.0 * u.meter})
