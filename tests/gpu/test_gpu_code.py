"""What can be known of a GPU without one: programs are lowered for it, and its ways through an operator are right."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from on_device import TOLERANCE, found, largest, same_on
from test_gpu_rules import learned, ways

from marks import slowly
from measure import assert_same
from vestige.learn.window import _readout
from zoo import ALL_MODELS, ALL_OPS, MODELS, RULES, I, name


def test_without_a_gpu_the_tests_say_what_to_do():
    with pytest.raises(pytest.fail.Exception, match=r"jax sees no rocm here, only \w+: install .*-m 'not gpu'"):
        found("rocm")


def test_the_tests_themselves_run():
    """On the CPU, which then is both sides."""
    run, args = learned(MODELS["block of 1"], RULES["es_d_rtrl 0.9"], "float32")
    there = same_on(found("cpu"), run, *args, tol=TOLERANCE["float32"])
    assert largest(there.grads) > 0
    with pytest.raises(AssertionError):  # and find what differs
        first = iter([1.0])
        same_on(found("cpu"), lambda w: w + next(first, 2.0), jnp.zeros(2))


@pytest.mark.parametrize("model", slowly(ALL_MODELS, ["conv 1d"]), ids=name)
def test_programs_are_lowered_for_a_gpu(model):
    """Nothing in them is the CPU's alone."""
    run, args = learned(model, RULES["d_rtrl" if model.local else "rtrl"])
    assert "stablehlo" in jax.jit(run).trace(*args).lower(lowering_platforms=("cuda",)).as_text()


def as_elsewhere(patch):
    """What is written for a CPU alone is left out, as on every other device."""
    patch.setattr(jax.lax, "platform_dependent", lambda *args, default, **_: default(*args))


APART = [op for op in ALL_OPS if "conv" in op.name or "sparse" in op.name]


@pytest.mark.parametrize("op", slowly(APART, ["conv 2d, groups, padded"]), ids=name)
def test_ways_of_other_devices_give_the_same(op, monkeypatch):
    run, args = ways(op)
    here = run(*args)
    as_elsewhere(monkeypatch)
    assert_same(run(*args), here, 1e-12)


@pytest.mark.parametrize("parts", [1, 2])
def test_traces_are_read_alike(monkeypatch, parts):
    """At once over the examples, which a CPU takes one by one."""
    edge, draw = MODELS["block of 2"].graph.edges[0], np.random.default_rng(0)
    signal, trace = (jnp.asarray(draw.normal(size=(4, 2, *lead))) for lead in (edge.out, (I, *edge.out)))
    here = _readout(edge, (signal, trace), 4, parts)
    as_elsewhere(monkeypatch)
    assert_same(_readout(edge, (signal, trace), 4, parts), here, 1e-12)
    np.testing.assert_allclose(here, jnp.einsum("bso,bsio->io", signal, trace), rtol=1e-12)
