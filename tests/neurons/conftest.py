"""Neurons are tested in double precision, with a step of one millisecond."""

import brainstate
import jax
import pytest
import saiunit as u


@pytest.fixture(autouse=True)
def double_precision():
    before = jax.config.jax_enable_x64
    jax.config.update("jax_enable_x64", True)
    with brainstate.environ.context(dt=1.0 * u.ms, precision=64):
        brainstate.random.seed(0)
        yield
    jax.config.update("jax_enable_x64", before)
