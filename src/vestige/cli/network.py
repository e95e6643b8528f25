"""The network that every rule of a comparison trains: recurrent LIF and ALIF neurons, a leaky readout; plain JAX."""

from collections.abc import Callable
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np

from ..neurons.surrogate import ReluGrad
from ..nn import matmul

Tree = dict[str, jax.Array]
READOUT = ("out", "c")  # parameters that act on nothing but the readout


@dataclass(frozen=True)
class Network:
    """Sizes, length of a step and time constants in ms.

        v_t = alpha v_{t-1} - z_{t-1} + W x_t + R z_{t-1} + b      z_t = H(v_t - 1 - beta a_t)
        a_t = rho a_{t-1} + z_{t-1}                                y_t = kappa y_{t-1} + (1 - kappa) (O z_t + c)

    Time constants are spaced log-evenly over the neurons and are the same for every seed; every other neuron has no
    adaptation (beta = 0). The derivative of H is a triangle of height 1/2 and half width 1.
    """

    n_in: int
    n_rec: int
    n_out: int
    dt: float
    tau: tuple[float, float] = (20.0, 400.0)
    tau_a: tuple[float, float] = (200.0, 2000.0)
    tau_out: float = 100.0
    beta: float = 0.2

    @property
    def kappa(self) -> float:
        """Decay of the readout per step."""
        return float(np.exp(-self.dt / self.tau_out))

    @property
    def alpha(self) -> float:
        """Decay per step of the middle one of the membranes."""
        return float(np.exp(-self.dt / np.sqrt(self.tau[0] * self.tau[1])))

    def params(self, seed: int) -> Tree:
        """Weights of one seed: Gaussian, of variance 1 / n for inputs and readout, 1 / (4 n) for the recurrence."""
        draw = np.random.default_rng((seed, 0))
        normal = lambda n, m, gain: jnp.asarray(draw.normal(0, gain / np.sqrt(n), (n, m)), float)
        w, r = normal(self.n_in, self.n_rec, 1.0), normal(self.n_rec, self.n_rec, 0.5)
        out = normal(self.n_rec, self.n_out, 1.0)
        return {"w": w, "r": r, "b": jnp.zeros(self.n_rec), "out": out, "c": jnp.zeros(self.n_out)}

    def state(self) -> Tree:
        """Silence."""
        return {"v": jnp.zeros(self.n_rec), "a": jnp.zeros(self.n_rec), "y": jnp.zeros(self.n_out)}

    def step(self) -> Callable[[Tree, Tree, jax.Array], tuple[Tree, jax.Array]]:
        """`step(params, state, x [n_in]) -> (state', y [n_out])`."""
        decay = lambda span: jnp.asarray(np.exp(-self.dt / np.geomspace(*span, self.n_rec)), float)
        alpha, rho = decay(self.tau), decay(self.tau_a[::-1])
        beta = jnp.asarray(self.beta * (np.arange(self.n_rec) % 2), float)
        kappa = self.kappa
        spike = ReluGrad(0.5)
        fire = lambda v, a: spike(v - 1 - beta * a)

        def step(p: Tree, s: Tree, x: jax.Array) -> tuple[Tree, jax.Array]:
            z = fire(s["v"], s["a"])
            v = alpha * s["v"] - z + matmul(x, p["w"]) + matmul(z, p["r"]) + p["b"]
            a = rho * s["a"] + z
            y = kappa * s["y"] + (1 - kappa) * (matmul(fire(v, a), p["out"]) + p["c"])
            return {"v": v, "a": a, "y": y}, y

        return step
