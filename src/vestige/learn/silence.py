"""A population that never fires learns nothing: notice it, inside any transformation, and say so once."""

import warnings
from typing import Any

import jax
import jax.numpy as jnp

EARLIEST = 16  # steps; sooner nothing is said
SATURATED = 0.95  # of all steps


class SilentLayerWarning(UserWarning):
    """A spiking population stays silent, so its weights have little or no gradient."""


def silent(population: str, steps: int) -> str:
    """What to say of a population that never fires."""
    return (
        f"`{population}` is silent: firing rate 0.0 over {steps} steps. Weights behind it get no gradient, and its "
        "own only where the surrogate reaches. Raise its input weights, lower its threshold, or check its input's units."
    )


def saturated(population: str, rate: float, steps: int) -> str:
    """What to say of a population that hardly ever does not fire."""
    return (
        f"`{population}` is saturated: firing rate {rate:.3f} over {steps} steps, so its spikes say next to nothing. "
        "Lower its input weights, raise its threshold, or check its input's units."
    )


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
            warnings.warn(silent(population, int(steps)), SilentLayerWarning, stacklevel=2)

    def watch(self, steps: jax.Array, fired: dict[str, jax.Array]) -> None:
        """`fired`: rates summed over `steps`. Looks at 16, 32, 64, ... steps, by a callback that a transformed program keeps."""
        if not isinstance(steps, jax.core.Tracer):
            n = int(steps)
            if n & (n - 1) == 0:
                self.check(n, fired)
            return
        look = (steps >= EARLIEST) & (steps & (steps - 1) == 0)
        for population in self.populations:
            self._speak(look & (pooled(jax.lax.stop_gradient(fired[population])) == 0), population, steps)

    def check(self, steps: int, firing: dict[str, Any]) -> None:
        """The same for a finished sequence of so many steps, by its mean rates."""
        for population, rate in firing.items() if steps >= EARLIEST else ():
            if isinstance(rate, jax.core.Tracer):
                self._speak(pooled(jax.lax.stop_gradient(rate)) == 0, population, steps)
            elif float(jnp.asarray(rate).mean()) == 0:
                self.tell(population, steps)

    def _speak(self, silent: jax.Array, population: str, steps: Any) -> None:
        """From inside a transformed program."""
        say = lambda n: jax.debug.callback(lambda n: self.tell(population, n), n)
        jax.lax.cond(silent, say, lambda n: None, jnp.asarray(steps))
