"""Projections: how one population's spikes become another's input."""

from collections.abc import Callable
from dataclasses import dataclass

import brainstate
import saiunit as u

from .integrate import Value

Step = Callable[..., Value]


class DeltaProj(brainstate.nn.Module):
    """Spikes jump the voltage: `V <- V + comm(spikes)` in the target's next step.

    Args:
        *prefetch: modules applied to the input first.
        comm: a layer, spikes to jumps in the voltage's unit.
        post: the target, with `add_delta_input`.
        label: groups inputs of the target.

    Call the projection, then the target, once per step each.
    """

    def __init__(self, *prefetch: Step, comm: Step, post: brainstate.nn.Dynamics, label: str | None = None) -> None:
        super().__init__()
        if not callable(comm):
            raise TypeError(f"DeltaProj: comm is {type(comm).__name__}, which cannot be called; give a layer")
        self.prefetch, self.comm, self.post, self.label = prefetch, comm, post, label

    def update(self, *x: Value) -> None:
        """Leave `comm(x)` for the target."""
        for step in self.prefetch:
            x = (step(*x),)
        self.post.add_delta_input(f"{type(self).__name__}-{id(self)}", self.comm(*x), label=self.label)


class AlignPostProj(brainstate.nn.Module):
    """Spikes through a synapse that lives on the target: `I = out(syn(comm(spikes)), V)`.

    Args:
        *prefetch: modules applied to the input first.
        comm: a layer, spikes to jumps of the synapse.
        syn: a synapse with state `g`, of the target's shape.
        out: `CUBA()`, `COBA(E)` or any `(g, V) -> current`.
        post: the target, with `add_current_input`.
        label: groups inputs of the target.
    """

    def __init__(
        self, *prefetch: Step, comm: Step, syn: brainstate.nn.Dynamics, out: Step, post: brainstate.nn.Dynamics,
        label: str | None = None,
    ) -> None:  # fmt: skip
        super().__init__()
        if not callable(comm) or not callable(out):
            raise TypeError("AlignPostProj: comm and out must be callable: a layer, and CUBA(), COBA(E) or a function")
        if syn.varshape != post.varshape:
            raise ValueError(
                f"AlignPostProj: the synapse {syn.varshape} lives on the target {post.varshape}; shapes must agree"
            )
        self.prefetch, self.comm, self.syn, self.out, self.post = prefetch, comm, syn, out, post
        post.add_current_input(f"{type(self).__name__}-{id(self)}", self._current, label=label)

    def update(self, *x: Value) -> None:
        """Move the synapse by one step; the target reads it in its own."""
        for step in self.prefetch:
            x = (step(*x),)
        self.syn(self.comm(*x))

    def _current(self, V: Value) -> Value:
        return self.out(self.syn.g.value, V)


@dataclass(frozen=True)
class CUBA:
    """A current whatever the voltage: `I = scale g`; one volt by default, so that mS give mA."""

    scale: Value | u.Unit = u.volt

    def __call__(self, g: Value, V: Value) -> Value:
        return g * self.scale


@dataclass(frozen=True, eq=False)
class COBA:
    """A conductance: `I = g (E - V)`."""

    E: Value

    def __call__(self, g: Value, V: Value) -> Value:
        return g * (self.E - V)
