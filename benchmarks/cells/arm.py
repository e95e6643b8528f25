"""A compiled arm: what serve.py calls, of whichever simulator."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax


@dataclass
class Arm:
    """`fun(*inputs)`: voltages of the first compartments `[steps, cells]`, or gradients by g_Na `[cells]`."""

    fun: Callable[..., jax.Array]
    inputs: tuple[Any, ...] = ()

    def call(self) -> jax.Array:
        return jax.block_until_ready(self.fun(*self.inputs))

    def cost(self) -> dict[str, float]:
        """What the compiler counts, the body of a loop once: `flops`, `bytes`; empty where it cannot be asked."""
        counts = self.fun.lower(*self.inputs).compile().cost_analysis() if hasattr(self.fun, "lower") else None
        counts = counts[0] if isinstance(counts, list) else counts or {}
        return {to: float(counts[k]) for to, k in (("flops", "flops"), ("bytes", "bytes accessed")) if k in counts}
