"""The users' tutorials run with only their import lines changed, and print what they print."""

import hashlib
import math
import re
import warnings

import brainstate
import brainunit as u
import jax
import jax.numpy as jnp
import matplotlib
import pytest
from extract import cells, stored
from play import PROGRAMS, play

matplotlib.use("Agg")

SEEDS = PROGRAMS.parents[3] / "shared" / "seeds"  # beside the checkout where the tutorials are at hand
MORPHOLOGY = """\
Morphology(
  sections={
    'soma': Section<name='soma', nseg=1, points=2, Ra=100.0 * ohm * cmetre, cm=1.0 * ufarad / cmeter2, parent=None, parent_loc=None>,
    'axon': Section<name='axon', nseg=2, points=2, Ra=100.0 * ohm * cmetre, cm=1.0 * ufarad / cmeter2, parent='soma', parent_loc=1.0>,
    'dendrite': Section<name='dendrite', nseg=3, points=3, Ra=100.0 * ohm * cmetre, cm=1.0 * ufarad / cmeter2, parent='soma', parent_loc=1.0>
  }
)"""  # noqa: E501


# of the programs as they were taken from the tutorials
SUMS = {
    "000": "15dfcfe87297bb1a45e6b5de0482bf2607cc6e4b8f75fd9addecc1378d0679a7",
    "002": "7ba11a63394bc86b25122f4383baf99c6f5469b87e47e6191c60edb54e55ca3c",
    "004": "fa3b73ba2ba087581a65573cf6369aa9cdef5b6b11653862258eac0034694624",
}


@pytest.mark.parametrize("number", SUMS)
def test_stored_programs_are_the_tutorials_own(number):
    program = PROGRAMS / f"{number}.py"
    assert hashlib.sha256(program.read_bytes()).hexdigest() == SUMS[number]
    for source in SEEDS.glob(f"{number}_*"):
        assert stored(program) == cells(source.read_text())


def test_state_classes():
    told, names = play("000")
    assert told[3].printed == ("Dimensions managed by each state variable: 1\nNeuron population shape: (100,)\n")
    assert told[7].printed == ("Total number of compartments: 6\nState shape: (10,)\nNeuron population size: (10,)\n")
    assert told[10].printed == "Number of independent states in state tree: 4\n"
    tree = names["gif_tree"].state
    assert u.get_unit(tree.get_value("I1")) == u.mA and u.get_unit(tree.get_value("Vth")) == u.mV


def test_morphology_prints_as_in_the_tutorial():
    told, _ = play("000")
    assert repr(told[4].shown) == MORPHOLOGY


def test_snn_tutorial_says_why_it_does_not_learn():
    call = "losses = train_snn(n_steps=50, n_epochs=50, batch_size=32, n_in=50, n_rec=128, n_out=10, lr=1e-3)"
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        told, names = play("002", {call: call.replace("n_epochs=50", "n_epochs=11")})
        jax.effects_barrier()
    assert told[2].printed.startswith("Output shape: (10,)\n")
    assert told[4].printed == "Epoch   0, Loss: 2.3026\nEpoch  10, Loss: 2.3026\n"
    assert names["losses"] == pytest.approx([math.log(10)] * 11, abs=5e-5)
    silent = [str(w.message) for w in caught if "silent" in str(w.message)]
    assert silent, "no warning about the silent network"
    assert "neuron" in silent[0] and re.search(r"\b0(\.0+)?\b", silent[0])


def test_key_concepts_show_the_traces():
    told, names = play("004")
    model = names["model"]
    assert [x.value.shape for x in model.etrace_xs.values()] == [(20,)]
    assert [df.value.shape for df in model.etrace_dfs.values()] == [(10, 1)]
    assert "32[20]" in repr(told[7].shown) and "32[10,1]" in repr(told[8].shown)  # float32, or f32 on the second stack


def test_key_concepts_definitions_can_be_used():
    _, names = play("004")
    weight = names["generate_weight"](3, 2)
    assert weight.execute(jnp.ones(3)).shape == (2,)
    bare = names["Linear"]((3,), (2,))
    assert jnp.allclose(bare(jnp.ones(3)), bare.weight_op.value.sum(0))
    gru = names["GRU_Net"](n_in=3, n_rec=4, n_out=2, n_layer=2)
    brainstate.nn.init_all_states(gru)
    learner = names["braintrace"].D_RTRL(gru)
    learner.compile_graph(jnp.ones(3))
    assert learner(jnp.ones(3)).shape == (2,)
