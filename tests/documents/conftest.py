"""The tutorials and examples run in single precision, as users run them; the rest of the suite is in double."""

import brainstate
import jax
import pytest


@pytest.fixture(autouse=True)
def _single_precision():
    before = jax.config.jax_enable_x64
    jax.config.update("jax_enable_x64", False)
    with brainstate.environ.context(precision=32):
        yield
    jax.config.update("jax_enable_x64", before)
