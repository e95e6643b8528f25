"""NIR: a network comes back with its very parameters and spikes, in SI units on the way; what has no word is refused."""

import brainstate
import jax
import jax.numpy as jnp
import nir
import numpy as np
import pytest
import saiunit as u
from euler_reader import Reader

import vestige as vg
from vestige.nir import Network, NIRError, from_nir, to_nir


@pytest.fixture(autouse=True)
def single_precision():
    """Files are in double; single precision comes back to the bit."""
    before = jax.config.jax_enable_x64
    jax.config.update("jax_enable_x64", False)
    yield
    jax.config.update("jax_enable_x64", before)


EDGES = [("input", "w"), ("w", "z"), ("z", "rec"), ("rec", "z"), ("z", "out"), ("out", "output")]


def network(neuron):
    draw = np.random.default_rng(0)
    weight = lambda a, b: jnp.asarray(draw.normal(size=(a, b)) * 30, jnp.float32) * u.mA
    rec, out = vg.nn.Linear(6, 6, w_init=weight(6, 6), b_init=None), vg.nn.Linear(6, 2)
    net = Network({"w": vg.nn.Linear(4, 6, w_init=weight(4, 6)), "z": neuron, "rec": rec, "out": out}, EDGES)
    brainstate.nn.init_all_states(net)
    return net


def spikes(net, xs):
    brainstate.nn.init_all_states(net)
    with brainstate.environ.context(dt=1.0 * u.ms):
        return brainstate.transform.for_loop(lambda x: (net.update(x), net.parts["z"].get_spike()), xs)


TAU = jnp.linspace(5.0, 30.0, 6).astype(jnp.float32) * u.ms
REST = jnp.full(6, -0.2, jnp.float32) * u.mV
NEURONS = {
    "hard": lambda: vg.neurons.LIF(6, tau=TAU, R=0.4 * u.ohm, V_rest=REST, V_initializer=REST, spk_reset="hard"),
    "soft": lambda: vg.neurons.LIF(6, tau=TAU, R=1.5 * u.ohm, V_rest=REST, V_reset=0.1 * u.mV, V_initializer=REST),
    "adaptive": lambda: vg.neurons.ALIF(6, tau=TAU, tau_a=20.0 * u.ms, beta=0.3 * u.mV),
}


@pytest.mark.filterwarnings("ignore:NIR has no word")
@pytest.mark.parametrize("kind", NEURONS)
def test_a_file_gives_back_parameters_and_spikes(kind, tmp_path):
    net = network(NEURONS[kind]())
    nir.write(tmp_path / "plain.nir", to_nir(net))
    nir.write(tmp_path / "stepped.nir", to_nir(net, dt=1.0 * u.ms))
    xs = jnp.asarray(np.random.default_rng(1).random((60, 4)) < 0.3, jnp.float32)
    y, z = spikes(net, xs)
    assert 10 < z.sum() < 300
    for file in ("plain.nir", "stepped.nir"):
        back = from_nir(tmp_path / file)
        ours, theirs = (m.states(brainstate.ParamState).to_dict_values() for m in (net, back))
        assert jax.tree.structure(ours) == jax.tree.structure(theirs)
        assert all(bool((a == b).all()) for a, b in zip(jax.tree.leaves(ours), jax.tree.leaves(theirs)))
        for name in ("tau", "R", "V_th", "V_rest", "V_reset", *(("tau_a", "beta") if kind == "adaptive" else ())):
            a, b = (getattr(m.parts["z"], name) for m in (net, back))
            assert u.get_unit(a) == u.get_unit(b) and np.allclose(u.get_mantissa(a), u.get_mantissa(b), rtol=1e-7)
        other, their = spikes(back, xs)
        assert bool((z == their).all()) and bool((y == other).all())


@pytest.mark.filterwarnings("ignore:NIR has no word")
@pytest.mark.parametrize("kind", NEURONS)
def test_a_reader_that_goes_by_forward_euler_has_our_spikes(kind, tmp_path):
    net = network(NEURONS[kind]())
    xs = np.random.default_rng(1).random((60, 4)) < 0.3
    y, z = (np.asarray(a) for a in spikes(net, jnp.asarray(xs, jnp.float32)))
    same = {}
    for dt in (None, 1.0 * u.ms):
        nir.write(tmp_path / "net.nir", to_nir(net, dt=dt))
        reader = Reader(nir.read(tmp_path / "net.nir"), 1e-3)
        said = [(reader(x), reader.said["z" if "z" in reader.said else "z.spikes"]) for x in xs.astype(float)]
        same[dt is None] = (np.stack([z for _, z in said]) == z).mean()
    assert same[False] == 1.0 and same[True] < 0.98
    np.testing.assert_allclose(said[-1][0], u.get_mantissa(y[-1]), rtol=1e-5, atol=1e-8)


def test_with_the_readers_step_only_a_hard_reset_loses_the_adaptation(recwarn):
    nodes = to_nir(network(NEURONS["adaptive"]()), dt=1.0 * u.ms).nodes
    kinds = {name: type(node).__name__ for name, node in nodes.items() if name.startswith("z")}
    assert kinds == {
        "z.membrane": "LI", "z.spikes": "Threshold", "z.reset": "Scale", "z.adaptation": "LI", "z.rise": "Scale",
    }  # fmt: skip
    assert not [w for w in recwarn if "NIR" in str(w.message)]
    with pytest.warns(UserWarning, match="no word for the adaptation of `z`"):
        to_nir(network(vg.neurons.ALIF(6, spk_reset="hard")), dt=1.0 * u.ms)


def test_values_are_in_units_of_si_and_weights_are_out_by_in():
    graph = to_nir(network(vg.neurons.LIF(6, tau=20.0 * u.ms, spk_reset="hard")))
    z, w = graph.nodes["z"], graph.nodes["w"]
    np.testing.assert_allclose([z.tau[0], z.r[0], z.v_threshold[0], z.v_reset[0]], [0.02, 1.0, 1e-3, 0.0])
    assert w.weight.shape == (6, 4) and 1e-3 < np.abs(w.weight).max() < 1.0
    assert isinstance(graph.nodes["rec"], nir.Linear) and isinstance(w, nir.Affine)


def test_a_file_of_others_is_read_in_units_of_si():
    n, w = np.ones(3), np.arange(6.0).reshape(3, 2)
    graph = nir.NIRGraph.from_list(nir.Linear(w), nir.LIF(tau=0.02 * n, r=n, v_leak=0 * n, v_threshold=n))
    net = from_nir(graph)
    assert {type(p).__name__ for p in net.parts.values()} == {"Linear", "LIF"} and net.parts["lif"].spk_reset == "hard"
    np.testing.assert_array_equal(net.parts["linear"].weight.value["weight"].to_decimal(u.amp), w.T)
    assert float(net.parts["lif"].V_th[0].to_decimal(u.volt)) == 1.0
    brainstate.nn.init_all_states(net)
    learner = vg.D_RTRL(net)
    with brainstate.environ.context(dt=1.0 * u.ms):
        learner.compile_graph(jnp.ones(2, jnp.float32))
    assert "linear.weight.weight -> parts.lif.V" in learner.report


def test_what_others_will_not_read_is_said():
    with pytest.warns(UserWarning, match="the soft reset and the adaptation of `z`"):
        to_nir(network(vg.neurons.ALIF(6)))


TAKEN = [("input", "z"), ("z", "z.reset"), ("z.reset", "output")]


@pytest.mark.parametrize(
    "make, said",
    [
        (lambda: to_nir(vg.neurons.LIF(2)), "does not say how it is wired"),
        (lambda: to_nir(brainstate.nn.Sequential(vg.nn.Linear(2, 2), vg.nn.MiniGRU(2, 2))), "`1` is a MiniGRU"),
        (lambda: to_nir(brainstate.nn.Sequential(vg.nn.Linear(2, 2, w_mask=jnp.eye(2)))), "Linear with a mask"),
        (lambda: Network({}, [("input", "a"), ("a", "output")]), "an edge names `a`"),
        (lambda: Network({"a": vg.nn.Linear(2, 2)}, [("input", "output")]), "not on the way"),
        (lambda: Network({"a": vg.nn.Linear(2, 2)}, [("input", "a"), ("a", "a"), ("a", "output")]), "without a neuron"),
        (lambda: from_nir(nir.NIRGraph.from_list(nir.Scale(np.ones(2)))), "`scale` is a nir.Scale"),
        (lambda: to_nir(brainstate.nn.Sequential(vg.nn.Linear(2, 2)), dt=1.0 * u.mV), "dt is 1. mV"),
        (lambda: to_nir(brainstate.nn.Sequential(vg.nn.Linear(2, 2)), dt=0.0 * u.ms), "one positive time"),
        (
            lambda: to_nir(Network({"z": vg.neurons.LIF(2), "z.reset": vg.nn.Linear(2, 2)}, TAKEN), dt=1.0 * u.ms),
            "`z.reset`",
        ),
    ],
)
def test_what_has_no_word_is_refused(make, said):
    with pytest.raises(NIRError, match=said):
        make()
