"""One computation on the CPU and on another device, and what must be the same."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import jax
import jax.numpy as jnp
import pytest

from measure import assert_same

TOLERANCE = {"float64": 1e-10, "float32": 1e-4}


def found(platform: str) -> jax.Device:
    """The first device of a platform; without one the test fails, since it was asked for."""
    with suppress(RuntimeError):
        return jax.devices(platform)[0]
    pytest.fail(
        f"jax sees no {platform} here, only {jax.default_backend()}: install a build for it, such as "
        "`pip install 'jax[cuda12]'`, and leave JAX_PLATFORMS unset; or leave these tests out with `-m 'not gpu'`",
        pytrace=False,
    )


def on(device: jax.Device, run: Callable[..., Any], *args: Any) -> Any:
    """`run(*args)` on a device, products in full precision; what comes back lies there."""
    with jax.default_device(device), jax.default_matmul_precision("highest"):
        out = run(*jax.device_put(args, device))
    elsewhere = {a.device for a in jax.tree.leaves(out) if isinstance(a, jax.Array)} - {device}
    assert not elsewhere, f"computed on {elsewhere}, not on {device}"
    return out


def same_on(device: jax.Device, run: Callable[..., Any], *args: Any, tol: float = TOLERANCE["float64"]) -> Any:
    """Runs both, compares all that comes back, and gives what the device gave."""
    there, here = on(device, run, *args), on(jax.devices("cpu")[0], run, *args)
    assert_same(*jax.device_get((there, here)), tol)
    return there


def largest(tree: Any) -> float:
    """The largest size of any number: of zeros alone a comparison is empty."""
    return max(float(jnp.abs(a).max()) for a in jax.tree.leaves(tree))


def typed(tree: Any, dtype: Any) -> Any:
    """Floating arrays in another type."""
    return jax.tree.map(lambda a: a.astype(dtype) if jnp.issubdtype(a.dtype, jnp.floating) else a, tree)
