"""Our side of the speed bench: one compiled scan over the steps, forward in two precisions, and with D-RTRL's gradient."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import brainstate
import jax
import jax.numpy as jnp
import numpy as np
import saiunit as u
from networks import DT, Case

import vestige as vg
from vestige import nest


@contextmanager
def precision(bits: int) -> Iterator[None]:
    """All numbers in so many bits."""
    before = jax.config.jax_enable_x64
    jax.config.update("jax_enable_x64", bits == 64)
    with brainstate.environ.context(precision=bits, dt=DT * u.ms):
        yield
    jax.config.update("jax_enable_x64", before)


class Ports(brainstate.nn.Module):
    """Every port of every neuron keeps its own state."""

    def __init__(self, case: Case, drawn: dict[str, np.ndarray]):
        super().__init__()
        numbers = {k: jnp.asarray(drawn[k], float) for k in ("weights", "V_m", "E_L")}
        self.exact = case.model == "iaf_bw_2001_exact"
        weights = numbers["weights"].T * u.nS if self.exact else numbers["weights"]
        self.weights = brainstate.ParamState(weights)
        more = {"nmda_weights": self.weights} if self.exact else {}
        start = {"V_initializer": numbers["V_m"] * u.mV, "E_L": numbers["E_L"] * u.mV}
        self.neuron = getattr(nest, case.model)(case.size, **start, **more)

    def update(self, x):
        arriving = {"NMDA": x} if self.exact else {"ex": vg.matmul(x, self.weights.value)}
        return self.neuron(0.0 * u.pA, arriving)


class Sources(Ports):
    """Ports that share kinetics and delay: one pair of variables per source, and a product with the weights."""

    def __init__(self, case: Case, drawn: dict[str, np.ndarray]):
        super().__init__(case, drawn)
        self.weights = brainstate.ParamState(jnp.asarray(drawn["weights"], float))
        start = {"V_initializer": self.neuron.V_initializer, "E_L": self.neuron.E_L}
        self.neuron, self.source = nest.iaf_bw_2001_exact(case.size, **start), nest.NMDASource(case.ports)

    def update(self, x):
        return self.neuron(0.0 * u.pA, {"NMDA_g": vg.matmul(self.source(x), self.weights.value)})


@dataclass
class Arm:
    """A network, compiled. `share`: of a measurement's steps that one call takes."""

    case: Case
    drawn: dict[str, np.ndarray]
    make: type[Ports] = Ports
    bits: int = 32
    online: bool = False
    share: int = 1
    at: int = 0
    seconds: dict[str, float] = field(default_factory=dict)
    call: Callable[[Any], Any] | None = None

    @property
    def steps(self) -> int:
        return self.case.steps // self.share

    def begin(self) -> np.ndarray:
        """Build, compile, and run once; the spikes of that run `[steps, size]`."""
        with precision(self.bits):
            began = time.perf_counter()
            model = self.make(self.case, self.drawn)
            brainstate.nn.init_all_states(model)
            self.call = online(model, self.case) if self.online else forward(model)
            built = time.perf_counter()
            out = self.once()
            # the second call compiles again where states have changed their types
            self.once()
            self.seconds = {"build": built - began, "first calls": time.perf_counter() - built}
        return out

    def once(self) -> np.ndarray:
        """The next steps."""
        xs = jnp.asarray(self.drawn["arrivals"][self.at : self.at + self.steps], float)
        self.at += self.steps
        return jax.block_until_ready(self.call(xs))

    def rate(self, clock: Callable[[], float] = time.perf_counter) -> float:
        """Steps per second of the next steps."""
        with precision(self.bits):
            began = clock()
            self.once()
            return self.steps / (clock() - began)


def forward(model: Ports) -> Callable[[jax.Array], jax.Array]:
    """All steps in one compiled scan; spikes come back as bytes."""
    return brainstate.transform.jit(
        lambda xs: brainstate.transform.for_loop(lambda x: (model(x) > 0).astype(jnp.uint8), xs)
    )


def online(model: Ports, case: Case) -> Callable[[jax.Array], jax.Array]:
    """Gradient of the squared distance to a spike in a hundred, for every weight; windows of 50 steps."""
    learner = vg.D_RTRL(model)
    learner.compile_graph(jnp.zeros(case.ports))
    loss = lambda spikes, target: jnp.mean((spikes - target) ** 2)

    def call(xs):
        target = jnp.full((len(xs), case.size), 0.01)
        return learner.gradients(xs, target, loss=loss, window=50).grads

    return call
