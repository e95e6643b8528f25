"""Layers and neurons wired by name, as NIR wires its nodes."""

from collections.abc import Mapping, Sequence
from typing import Any

import brainstate

from ..neurons import Neuron

IN, OUT = "input", "output"


class NIRError(ValueError):
    """A network that NIR, or vestige, has no word for."""


class Network(brainstate.nn.Module):
    """Layers and neurons, wired by name; one step of all of them. An ordinary model: learners take it.

    Args:
        nodes: `vestige.nn.Linear`, `LIF`, `ALIF` by name; `"input"` and `"output"` are the network's own ends.
        edges: (from, to). A node hears the sum of what its sources say in this step; a neuron that closes a loop is
            heard with the spikes of the last step.

    Raises:
        NIRError: a name without a node, nothing on the way to `"output"`, one end used as the other, a loop without a neuron.
    """

    def __init__(self, nodes: Mapping[str, brainstate.nn.Module], edges: Sequence[tuple[str, str]]) -> None:
        super().__init__()
        self.parts, self.edges = dict(nodes), [(str(a), str(b)) for a, b in edges]
        for end in {e for edge in self.edges for e in edge} - {IN, OUT, *nodes}:
            raise NIRError(f"an edge names `{end}`; the nodes are {sorted(nodes)}, and the ends `{IN}` and `{OUT}`")
        for a, b in self.edges:
            if a == OUT or b == IN:
                raise NIRError(f"an edge leads from `{a}` to `{b}`; nobody hears `{OUT}`, and `{IN}` hears nobody")
        self.order: list[str] = []
        self._visit(OUT, ())
        for left in set(nodes) - {*self.order}:
            raise NIRError(f"node `{left}` is not on the way to `{OUT}`; connect it, or leave it out")

    def update(self, x: Any) -> Any:
        """One step: input `[..., in]` to output `[..., out]`."""
        said = {IN: x}
        for name in self.order:
            heard = [said[a] if a in said else self.parts[a].get_spike() for a in self._sources(name)]
            total = heard[0]
            for more in heard[1:]:
                total = total + more
            said[name] = total if name == OUT else self.parts[name](total)
        return said[OUT]

    def _sources(self, name: str) -> list[str]:
        return [a for a, b in self.edges if b == name]

    def _visit(self, name: str, above: tuple[str, ...]) -> None:
        """Sources before those who hear them; who is above already closes a loop."""
        if not self._sources(name):
            raise NIRError(f"node `{name}` hears nobody; give it an edge")
        for source in self._sources(name):
            if source in (*above, name):
                if not isinstance(self.parts[source], Neuron):
                    raise NIRError(
                        f"`{source}` closes a loop without a neuron: the last step has spikes of neurons alone"
                    )
            elif source != IN and source not in self.order:
                self._visit(source, (*above, name))
        self.order.append(name)
