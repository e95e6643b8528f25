"""Parity with NEST is in double precision."""

import brainstate
import jax
import pytest


@pytest.fixture(autouse=True)
def double_precision():
    before = jax.config.jax_enable_x64
    jax.config.update("jax_enable_x64", True)
    with brainstate.environ.context(precision=64):
        yield
    jax.config.update("jax_enable_x64", before)
