"""What every test module stands on: float64, one thread of linear algebra, quick compilation, no compiled code left behind."""

# ruff: noqa: E402  threads are counted when jax is imported

import atexit
import os
import shutil
import tempfile

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")
# tests compile far more than they run
_quick = "--xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true"
os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '--xla_cpu_multi_thread_eigen=false')} {_quick}"
# one run's processes share what they compile; workers inherit the folder from the process that starts them
if "JAX_COMPILATION_CACHE_DIR" not in os.environ:
    os.environ["JAX_COMPILATION_CACHE_DIR"] = _compiled = tempfile.mkdtemp(prefix="vestige-tests-")
    atexit.register(shutil.rmtree, _compiled, ignore_errors=True)
    os.environ["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] = "0"
    os.environ["JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES"] = "0"

import brainstate
import hypothesis
import jax
import pytest

# brainstate sets jax's precision when it is imported, and again at the end of every context of its own
brainstate.environ.set(precision=64)

# few and small: each new shape is a new compilation, and the first one is slow
hypothesis.settings.register_profile("small", max_examples=20, deadline=None, derandomize=True)
hypothesis.settings.load_profile("small")


def pytest_collection_modifyitems(config, items):
    """A law marked `of(...)` is asked of those models alone that it speaks of."""
    asked, others = [], []
    for item in items:
        mark = item.get_closest_marker("of")
        (asked if mark is None or mark.args[0](item.callspec.params["runs"]) else others).append(item)
    if others:
        config.hook.pytest_deselected(items=others)
        items[:] = asked


@pytest.fixture(autouse=True, scope="module")
def _fresh_caches():
    yield
    jax.clear_caches()
