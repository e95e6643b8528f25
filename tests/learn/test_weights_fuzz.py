"""Files of weights that are not a model's, by name, shape, type, unit or byte: refused, nothing moved; or the very numbers."""

import brainstate
import jax
import numpy as np
import pytest
import saiunit as u
from hypothesis import example, given
from hypothesis import strategies as st
from safetensors.numpy import save_file

import vestige as vg
from broken import broken
from vestige.learn.weights import UNITS, WeightsError

DTYPES = ["float16", "float32", "float64", "int8", "uint64", "bool", "complex64", "U3"]
SHAPES = [(2, 3), (3, 2), (6,), (), (0,), (1, 2, 3)]


@pytest.fixture(scope="module")
def model():
    return vg.nn.Linear(2, 3, w_init=brainstate.nn.init.Normal(scale=1.0, unit=u.mA))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("weights")


def held(model):
    return [np.array(a) for a in jax.tree.leaves(model.states(brainstate.ParamState).to_dict_values())]


def loaded(model, path) -> bool:
    """Was it taken? If not, it was refused by name, and the model is as it was."""
    before = held(model)
    try:
        vg.load_weights(model, path)
    except WeightsError as error:
        assert path.name in str(error)
        assert all(np.array_equal(a, b) for a, b in zip(before, held(model)))
        return False
    assert all(np.isfinite(a).all() for a in held(model))
    return True


@given(
    st.sampled_from(["weight.weight", "weight.bias", "weight", "", "weight.Weight"]), st.sampled_from(DTYPES),
    st.sampled_from(SHAPES), st.sampled_from([0.5, np.nan, np.inf]),
    st.sampled_from(["{}", "[]", "3", "{", '{"weight.weight": 3}', '{"weight.weight": "math"}', '{"weight.weight": "ms"}']),
)  # fmt: skip
@example("weight.weight", "float64", (2, 3), 0.5, "{}")
@example("weight.weight", "float64", (2, 3), np.nan, "{}")
@example("weight.weight", "complex64", (2, 3), 0.5, "{}")
@example("weight.weight", "U3", (2, 3), 0.5, "{}")
@example("weight.weight", "float32", (2, 3), 0.5, "[]")
@example("weight.weight", "float32", (2, 3), 0.5, '{"weight.weight": "math"}')
def test_any_arrays_are_taken_or_refused(folder, model, name, dtype, shape, value, units):
    with np.errstate(all="ignore"):
        array = np.full(shape, value).astype(dtype) if dtype != "U3" else np.full(shape, "one")
    arrays = {"weight.weight": np.ones((2, 3), np.float32), "weight.bias": np.ones(3, np.float32), name: array}
    arrays = {k: v for k, v in arrays.items() if k}
    np.savez(folder / "a.npz", **{UNITS: np.array(units)}, **arrays)
    taken = loaded(model, folder / "a.npz")
    if dtype != "U3":
        save_file({k: np.ascontiguousarray(v) for k, v in arrays.items()}, folder / "a.safetensors", {UNITS: units})
        assert loaded(model, folder / "a.safetensors") == taken
    if taken and name == "weight.weight":
        np.testing.assert_allclose(model.weight.value["weight"].to_decimal(u.mA), array.astype(float))


@given(st.sampled_from(["npz", "safetensors"]), st.data())
def test_any_bytes_are_refused_or_say_nothing_new(folder, model, ending, data):
    whole = vg.save_weights(model, folder / f"whole.{ending}").read_bytes()
    path = folder / f"broken.{ending}"
    path.write_bytes(data.draw(broken(whole, least=1)))
    before = held(model)
    taken = loaded(model, path)
    assert [(a.shape, a.dtype) for a in held(model)] == [(a.shape, a.dtype) for a in before]
    assert taken or path.read_bytes() != whole
    # safetensors keeps no sums: a changed number is another number; an archive's are checked
    assert ending == "safetensors" or all(map(np.array_equal, held(model), before))
    model.weight.value = jax.tree.unflatten(
        jax.tree.structure(model.weight.value), [jax.numpy.asarray(a) for a in before]
    )
