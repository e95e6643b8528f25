"""Projections: what a population sends arrives at another, later and weighted."""

import brainstate
import numpy as np
import saiunit as u

from ..neurons.integrate import Param, Value, read
from ..neurons.population import Dynamics
from .connect import Connect, all_to_all, later
from .delay import DelayLine, steps


class Projection(brainstate.nn.Module):
    """Spikes of a line, delayed and weighted, for the next step of a population.

    In each step call the projections, then the populations, then the lines:

        self.to_b()                          # what arrives in this step
        self.line(self.a(current))           # what is sent in it

    Args:
        pre: the line that keeps the spikes.
        post: the population, with `add_delta_input`.
        connect: who with whom: `all_to_all()`, `one_to_one()`, `fixed_indegree(k)`, `from_indices(i, j)`, `from_csr(...)`,
            `from_mask(mask)`, `blocks(pre, post)`.
        weight: one, or an array as `connect` says, in the unit of the receptor; a `ParamState` is trained, offline and
            online. Products are marked, fixed weights too: neurons meet in marks alone.
        delay: one, or one for each connection in the shape of the weights.
        receptor: its label at the target; None: each connection's sign decides, as in NEST.

    Raises:
        ValueError: shapes that do not fit, a delay that is not above 0. UnitMismatchError: a delay that is no time.
    """

    def __init__(
        self, pre: DelayLine, post: Dynamics, connect: Connect | None = None, *, weight: Param,
        delay: Value = 1.0 * u.ms, receptor: str | None = None,
    ) -> None:  # fmt: skip
        super().__init__()
        self.pre, self.post, self.weight, self.delay, self.receptor = pre, post, weight, delay, receptor
        self.layout = (connect or all_to_all())(pre.n, int(np.prod(post.varshape)))
        for what, value in (("weight", read(weight)), ("delay", delay)):
            if u.math.shape(value) not in ((), self.layout.shape):
                raise ValueError(
                    f"a projection's {what} has the shape {u.math.shape(value)}; it is one number, or {self.layout.shape}"
                )
        if u.math.ndim(delay):
            self.layout.listed()
        pre.reach(delay)

    def update(self) -> None:
        """Leave what arrives in this step for the population."""
        for n, sign in enumerate(self.signs()):
            self.post.add_delta_input(f"Projection-{id(self)}-{n}", self.arriving(sign), label=self.receptor)

    def arriving(self, sign=lambda w: w) -> Value:
        """Summed weights `[..., *post]`."""
        back = steps(self.delay)
        if back.ndim:
            kinds, which = np.unique(back, return_inverse=True)
            layout = later(self.layout, which.reshape(back.shape))
            x = u.math.concatenate([self.pre.read(int(k)) for k in kinds], -1)
        else:
            layout, x = self.layout, self.pre.read(int(back))
        total = layout.product(x, read(self.weight), sign)
        return total.reshape((*total.shape[:-1], *self.post.varshape))

    def signs(self):
        """The parts of the weights that go apart: by sign where the receptor is not said."""
        low, high = (lambda w: u.math.minimum(w, 0.0 * w)), (lambda w: u.math.maximum(w, 0.0 * w))
        if self.receptor is not None:
            return [lambda w: w]
        if self.weight is read(self.weight):  # fixed
            w = np.asarray(u.get_mantissa(self.weight))
            if (w >= 0).all() or (w <= 0).all():
                return [lambda w: w]
        return [high, low]
