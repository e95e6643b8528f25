"""Where arrays lie when many devices share the work: examples along one axis of a mesh, neurons along another."""

from collections.abc import Callable
from typing import Any

import jax
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from ..graph import Graph

BATCH, NEURON = "batch", "neuron"
Place = Callable[[Any], Any]


def checked_mesh(mesh: Mesh | None, batch_size: int | None) -> Mesh | None:
    """The mesh, its axes left to the compiler.

    Raises:
        TypeError: it is none. ValueError: its axes are not known, or examples cannot be dealt out evenly.
    """
    if mesh is None:
        return None
    if not isinstance(mesh, Mesh):
        raise TypeError(
            f"mesh is {type(mesh).__name__}; give a jax.sharding.Mesh, for instance jax.make_mesh((8,), ('batch',))"
        )
    if not mesh.axis_names or set(mesh.axis_names) - {BATCH, NEURON}:
        raise ValueError(
            f"the axes of the mesh are {mesh.axis_names}; they can be '{BATCH}' (examples) and '{NEURON}' (neurons)"
        )
    n = parts(mesh)
    if n > 1 and (batch_size is None or batch_size % n):
        raise ValueError(
            f"{n} devices along '{BATCH}' cannot share a batch of {batch_size} evenly; make batch_size a multiple of {n}"
        )
    return Mesh(mesh.devices, mesh.axis_names)


def parts(mesh: Mesh | None) -> int:
    """Devices that share the batch."""
    return 1 if mesh is None else mesh.shape.get(BATCH, 1)


class Places:
    """Keeps arrays of one graph where a mesh wants them; without a mesh, leaves them alone.

    Examples are dealt out along `batch`. Along `neuron`, each device has the states, incoming weights and traces of its own
    neurons: a trace never meets another device's, what travels is spikes.
    """

    def __init__(self, mesh: Mesh | None, graph: Graph, batch: int | None):
        self.mesh = mesh
        self.lead = () if batch is None else (self._axis(BATCH),)
        sizes = {q.P for q in graph.groups}
        n = 1 if mesh is None else mesh.shape.get(NEURON, 1)
        self.populations = {P for P in sizes if n > 1 and P % n == 0}

    def _axis(self, name: str) -> str | None:
        return name if self.mesh is not None and name in self.mesh.axis_names else None

    def weights(self, params: Any) -> Any:
        """Parameters `[..., neurons]`: each device holds what its neurons receive."""
        return self._put(params, lambda shape: self._last(shape))

    def states(self, state: Any) -> Any:
        """States `[(B,) *state]`."""
        return self._put(state, lambda shape: (*self.lead, *self._first(shape[len(self.lead) :])))

    def traces(self, trace: Any) -> Any:
        """Traces `[(B,) ..., neurons]`."""
        return self._put(trace, lambda shape: (*self.lead, *self._last(shape[len(self.lead) :])))

    def sequence(self, data: Any, batched: Any = None) -> Any:
        """What leads with time, `[T, (B,) ...]`."""
        B = self.lead and batched
        return self._put(data, lambda shape: (None, *self.lead) if not self.lead or shape[1:2] == (B,) else ())

    def _first(self, shape: tuple[int, ...]) -> tuple[str | None, ...]:
        at = next((n for n, size in enumerate(shape) if size in self.populations), None)
        return () if at is None else (*[None] * at, NEURON)

    def _last(self, shape: tuple[int, ...]) -> tuple[str | None, ...]:
        return (*[None] * (len(shape) - 1), NEURON) if shape and shape[-1] in self.populations else ()

    def _put(self, tree: Any, spec: Callable[[tuple[int, ...]], tuple[str | None, ...]]) -> Any:
        if self.mesh is None:
            return tree
        lay = lambda a: NamedSharding(self.mesh, PartitionSpec(*spec(a.shape)))
        return jax.tree.map(lambda a: jax.lax.with_sharding_constraint(a, lay(a)), tree)
