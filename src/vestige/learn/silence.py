"""A population that never fires learns nothing: notice it, inside any transformation, and say so once."""

import warnings
from typing import Any

import jax
import jax.numpy as jnp

EARLIEST = 16


class SilentLayerWarning(UserWarning):
    """A spiking population stays silent, so its weights have little or no gradient."""


@jax.custom_batching.custom_vmap
def pooled(rate: jax.Array) -> jax.Array:
    """The value itself; under `vmap`, the mean over the batch, as one unbatched number."""
    return rate


@pooled.def_vmap
def _(size: int, batched: list[bool], rate: jax.Array) -> tuple[jax.Array, bool]:
    return pooled(rate.mean(0) if batched[0] else rate), False


class Silence:
    """Watches firing rates; each population is named once."""

    def __init__(self, populations: list[str]):
        self.populations = populations
        self.said: set[str] = set()

    def tell(self, population: str, steps: Any) -> None:
        if population not in self.said:
            self.said.add(population)
            warnings.warn(
                f"`{population}` is silent: firing rate 0.0 over {int(steps)} steps. Weights behind it get no gradient, and its "
                "own only where the surrogate reaches. Raise its input weights, lower its threshold, or check its input's units.",
                SilentLayerWarning,
                stacklevel=2,
            )

    def watch(self, steps: jax.Array, fired: dict[str, jax.Array]) -> None:
        """`fired`: rates summed over `steps`. Looks at 16, 32, 64, ... steps, by a callback that a transformed program keeps."""
        if not isinstance(steps, jax.core.Tracer):
            n = int(steps)
            if n & (n - 1) == 0:
                self.check(n, fired)
            return
        look = (steps >= EARLIEST) & (steps & (steps - 1) == 0)
        for population in self.populations:
            silent = look & (pooled(jax.lax.stop_gradient(fired[population])) == 0)
            speak = lambda n, population=population: jax.debug.callback(self.tell, population, n)
            jax.lax.cond(silent, speak, lambda n: None, steps)

    def check(self, steps: int, firing: dict[str, Any]) -> None:
        """The same for a finished sequence, whose mean rates are at hand."""
        for population, rate in firing.items():
            if steps >= EARLIEST and not isinstance(rate, jax.core.Tracer) and float(jnp.asarray(rate)) == 0:
                self.tell(population, steps)
