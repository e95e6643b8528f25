"""Weights leave and come back to the bit, with their units; a file that does not fit moves nothing."""

import brainstate
import jax
import numpy as np
import pytest
import saiunit as u
from safetensors.numpy import load_file, save_file

import vestige as vg
from vestige.learn.weights import WeightsError

mA = brainstate.nn.init.Normal(scale=1.0, unit=u.mA)
KINDS = pytest.mark.parametrize("ending", ["npz", "safetensors"])


def net(n=3, unit=u.mA):
    drawn = brainstate.nn.init.Normal(scale=1.0, unit=unit)
    return brainstate.nn.Sequential(vg.nn.Linear(2, n, w_init=drawn), vg.nn.LoRA(n, 2, 4))


def held(model):
    return jax.tree.leaves(model.states(brainstate.ParamState).to_dict_values())


@KINDS
def test_weights_come_back_to_the_bit_with_their_units(ending, tmp_path):
    one, other = net(), net()
    path = vg.save_weights(one, tmp_path / f"w.{ending}")
    assert [p.name for p in tmp_path.iterdir()] == [path.name]
    assert not all(np.array_equal(a, b) for a, b in zip(held(one), held(other)))
    vg.load_weights(other, path)
    assert all(np.array_equal(a, b) for a, b in zip(held(one), held(other)))
    assert u.get_unit(other.layers[0].weight.value["weight"]) == u.mA


@KINDS
def test_another_unit_of_the_same_dimension_is_converted(ending, tmp_path):
    one, other = net(), net(unit=u.uA)
    vg.load_weights(other, vg.save_weights(one, tmp_path / f"w.{ending}"))
    a, b = (m.layers[0].weight.value["weight"].to_decimal(u.mA) for m in (one, other))
    np.testing.assert_allclose(a, b, rtol=1e-6)


def test_others_read_plain_names_and_write_without_units(tmp_path):
    model, path = net(), tmp_path / "w.safetensors"
    vg.save_weights(model, path)
    plain = load_file(path)
    assert "layers.0.weight.weight" in plain and plain["layers.0.weight.bias"].shape == (3,)
    save_file({name: 2 * a for name, a in plain.items()}, path)
    vg.load_weights(model, path)
    np.testing.assert_array_equal(
        model.layers[0].weight.value["weight"].to_decimal(u.mA), 2 * plain["layers.0.weight.weight"]
    )


@KINDS
@pytest.mark.parametrize(
    "model, said", [(lambda: net(4), "has shape"), (lambda: net(unit=u.mV), "is in mA, the model's in mV"),
                    (lambda: vg.nn.Linear(2, 3), "another model")], ids=["shape", "unit", "names"],
)  # fmt: skip
def test_what_does_not_fit_moves_nothing(ending, model, said, tmp_path):
    path, here = vg.save_weights(net(), tmp_path / f"w.{ending}"), model()
    before = [np.array(a) for a in held(here)]
    with pytest.raises(WeightsError, match=said):
        vg.load_weights(here, path)
    assert all(np.array_equal(a, b) for a, b in zip(before, held(here)))


@KINDS
def test_broken_files_are_told(ending, tmp_path):
    path = vg.save_weights(net(), tmp_path / f"w.{ending}")
    whole = path.read_bytes()
    for broken in (b"", whole[:40], whole[: len(whole) // 2], b"\x00" * 100):
        path.write_bytes(broken)
        with pytest.raises(WeightsError, match=path.name):
            vg.load_weights(net(), path)
    with pytest.raises(FileNotFoundError):
        vg.load_weights(net(), tmp_path / f"none.{ending}")
    with pytest.raises(WeightsError, match=r"\.npz or \.safetensors"):
        vg.save_weights(net(), tmp_path / "w.pt")
