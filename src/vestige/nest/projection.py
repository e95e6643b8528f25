"""Projections: what a population sends arrives at another, later and weighted."""

import brainstate
import numpy as np
import saiunit as u

from ..neurons.integrate import Param, Value, read
from ..neurons.population import Dynamics
from .connect import Connect, Fn, Layout, all_to_all, later
from .delay import DelayLine, steps

SAME: Fn = lambda w: w
ABOVE: Fn = lambda w: u.math.maximum(w, 0.0 * w)
BELOW: Fn = lambda w: u.math.minimum(w, 0.0 * w)


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
        self.layout = laid(connect, pre.n, post)
        fitting(self.layout, weight=read(weight), delay=delay)
        if u.math.ndim(delay):
            self.layout.listed()
        pre.reach(delay)

    def update(self) -> None:
        """Leave what arrives in this step for the population."""
        layout, x = self.arriving()
        for n, part in enumerate(self.parts()):
            y = layout.product(x, read(self.weight), part)
            self.post.add_delta_input(f"Projection-{id(self)}-{n}", shaped(y, self.post), label=self.receptor)

    def arriving(self) -> tuple[Layout, Value]:
        """The spikes that arrive in this step, and the connections on which they do."""
        back = steps(self.delay)
        if not back.ndim:
            return self.layout, self.pre.back(int(back))
        # spikes of each delay that occurs, end to end
        kinds, which = np.unique(back, return_inverse=True)
        rows = u.math.concatenate([self.pre.back(int(k)) for k in kinds], -1)
        return later(self.layout, which.reshape(back.shape), len(kinds)), rows

    def parts(self) -> list[Fn]:
        """The parts of the weights that are summed apart: by sign, where the receptor is not said."""
        if self.receptor is not None:
            return [SAME]
        fixed = self.weight is read(self.weight)
        signs = np.sign(u.get_mantissa(self.weight)) if fixed else np.array([-1, 1])
        return [SAME] if (signs >= 0).all() or (signs <= 0).all() else [ABOVE, BELOW]


class Opening(brainstate.nn.Module):
    """Weighted NMDA gates of an `NMDASource`, for the next step of a population of `iaf_bw_2001_exact`.

    All synapses of a sender share its delay and kinetics, so that the gates are the sender's:

        gates = self.source(self.line.read(0.5 * u.ms))
        self.to_b(gates)

    Args:
        n: number of senders.
        post, connect, weight: as for `Projection`, in nS.
    """

    def __init__(self, n: int, post: Dynamics, connect: Connect | None = None, *, weight: Param) -> None:
        super().__init__()
        self.post, self.weight, self.layout = post, weight, laid(connect, n, post)
        fitting(self.layout, weight=read(weight))

    def update(self, gates: Value) -> None:
        """Leave the sum for the population; `gates [4, ..., n]` is the course of one step."""
        y = self.layout.product(gates, read(self.weight), SAME)
        self.post.add_delta_input(f"Opening-{id(self)}", shaped(y, self.post), label="NMDA_g")


def laid(connect: Connect | None, n_pre: int, post: Dynamics) -> Layout:
    """Connections between this many sources and a population."""
    return (connect or all_to_all())(n_pre, int(np.prod(post.varshape)))


def fitting(layout: Layout, **values: Value) -> None:
    """Raise unless values are single or one for each connection."""
    for what, value in values.items():
        if u.math.shape(value) not in ((), layout.shape):
            raise ValueError(
                f"a projection's {what} has the shape {u.math.shape(value)}; it is one number, or {layout.shape}"
            )


def shaped(y: Value, post: Dynamics) -> Value:
    """`[..., n]` as `[..., *in_size]`."""
    return y.reshape((*y.shape[:-1], *post.varshape))
