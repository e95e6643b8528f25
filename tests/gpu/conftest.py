"""The device under test: a GPU, or what `VESTIGE_TEST_DEVICE` names."""

import os

import jax
import pytest
from on_device import found


@pytest.fixture(scope="session")
def device() -> jax.Device:
    return found(os.environ.get("VESTIGE_TEST_DEVICE", "gpu"))
