"""Files and graphs of NIR that are broken, odd or of nodes that we have no word for: refused, or a network that takes a step."""

import brainstate
import jax.numpy as jnp
import nir
import numpy as np
import pytest
import saiunit as u
from hypothesis import example, given, settings
from hypothesis import strategies as st

import vestige as vg
from broken import broken
from vestige.nir import Network, NIRError, from_nir, to_nir

NODES = {
    "affine": lambda: nir.Affine(np.ones((2, 2)), np.zeros(2)),
    "linear": lambda: nir.Linear(np.ones((2, 2))),
    "lif": lambda: nir.LIF(np.full(2, 0.01), np.ones(2), np.zeros(2), np.ones(2)),
    "wrong lif": lambda: nir.LIF(np.zeros(2), np.ones(2), np.zeros(2), np.ones(2)),
    "nan": lambda: nir.LIF(np.full(2, np.nan), np.ones(2), np.zeros(2), np.ones(2)),
    "conv": lambda: nir.Flatten({"input": np.array([1, 2])}, 0, 1),
    "threshold": lambda: nir.Threshold(np.ones(2)),
    "noted": lambda: nir.Affine(np.ones((2, 2)), np.zeros(2), metadata={"dtype": "no type", "unit": "no unit"}),
    "narrow": lambda: nir.Linear(np.ones((3, 2))),
}
KINDS = st.sampled_from(sorted(NODES))
names = st.sampled_from(["input", "output", "a", "b", "none"])


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("nir")


@pytest.fixture(scope="module")
def whole(folder):
    net = Network({"a": vg.nn.Linear(2, 2), "b": vg.neurons.LIF(2)}, [("input", "a"), ("a", "b"), ("b", "output")])
    nir.write(folder / "whole.nir", to_nir(net))
    return (folder / "whole.nir").read_bytes()


@settings(max_examples=5)
@given(KINDS, KINDS, st.lists(st.tuples(names, names), min_size=1, max_size=5))
@example("linear", "lif", [("input", "a"), ("a", "b"), ("b", "output")])
@example("linear", "lif", [("input", "a"), ("a", "b"), ("b", "a"), ("b", "output")])
@example("linear", "linear", [("input", "a"), ("a", "b"), ("b", "a"), ("b", "output")])
@example("noted", "lif", [("input", "a"), ("a", "b"), ("b", "output")])
@example("linear", "wrong lif", [("input", "a"), ("a", "b"), ("b", "output")])
@example("linear", "nan", [("input", "a"), ("a", "b"), ("b", "output")])
@example("linear", "lif", [("input", "a"), ("a", "b"), ("output", "a"), ("b", "output")])
@example("linear", "lif", [("input", "a"), ("a", "input"), ("a", "b"), ("b", "output")])
def test_any_wiring(a, b, edges):
    ends = {"input": nir.Input({"input": np.array([2])}), "output": nir.Output({"output": np.array([2])})}
    try:
        graph = nir.NIRGraph({**ends, "a": NODES[a](), "b": NODES[b]()}, edges, type_check=False)
    except Exception:  # nir's own
        return
    try:
        net = from_nir(graph)
    except ValueError as error:
        assert str(error) and "\n" not in str(error)
        return
    if "narrow" not in (a, b):
        brainstate.nn.init_all_states(net)
        with brainstate.environ.context(dt=1.0 * u.ms):
            assert jnp.isfinite(u.get_mantissa(net.update(jnp.ones(2)))).all()


@given(st.data())
def test_any_file(folder, whole, data):
    path = folder / "broken.nir"
    path.write_bytes(data.draw(broken(whole)))
    try:
        net = from_nir(path)
    except ValueError as error:
        assert str(error) and "\n" not in str(error)
    else:
        assert net.order == ["a", "b", "output"]


def test_other_files_are_told(folder):
    (folder / "text.nir").write_text("no HDF5")
    with pytest.raises(NIRError, match="text.nir is no file of NIR: OSError"):
        from_nir(folder / "text.nir")
    with pytest.raises(FileNotFoundError):
        from_nir(folder / "none.nir")
