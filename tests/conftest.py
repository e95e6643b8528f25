"""What every test module stands on: float64, one thread of linear algebra, no compiled code left behind."""

# ruff: noqa: E402  threads are counted when jax is imported

import os

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")
os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false")

import hypothesis
import jax
import pytest

import vestige  # noqa: F401  brainstate sets the precision when it is first imported: ours comes after

jax.config.update("jax_enable_x64", True)

# few and small: each new shape is a new compilation, and the first one is slow
hypothesis.settings.register_profile("small", max_examples=20, deadline=None, derandomize=True)
hypothesis.settings.load_profile("small")


@pytest.fixture(autouse=True, scope="module")
def _fresh_caches():
    yield
    jax.clear_caches()
