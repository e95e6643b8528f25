"""Networks to and from NIR, the neuromorphic intermediate representation, in SI units: dense weights, LIF, ALIF, any wiring."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import brainstate
import jax.numpy as jnp
import numpy as np
import saiunit as u

from .neurons import ALIF, LIF, Neuron
from .neurons.integrate import read
from .nn import Linear

if TYPE_CHECKING:
    import nir

IN, OUT = "input", "output"
LIF_UNITS = {"tau": u.second, "R": u.ohm, "V_rest": u.volt, "V_th": u.volt, "V_reset": u.volt}
ALIF_UNITS = {"tau_a": u.second, "beta": u.volt}
NODE_FIELDS = {"tau": "tau", "R": "r", "V_rest": "v_leak", "V_th": "v_threshold", "V_reset": "v_reset"}


class NIRError(ValueError):
    """A network that NIR, or vestige, has no word for."""


class Network(brainstate.nn.Module):
    """Layers and neurons, wired by name; one step of all of them. An ordinary model: learners take it.

    Args:
        nodes: `vestige.nn.Linear`, `LIF`, `ALIF` by name; `"input"` and `"output"` are the network's own ends.
        edges: (from, to). A node hears the sum of what its sources say in this step; a neuron that closes a loop is
            heard with the spikes of the last step.

    Raises:
        NIRError: a name without a node, nothing on the way to `"output"`, or a loop without a neuron.
    """

    def __init__(self, nodes: Mapping[str, brainstate.nn.Module], edges: Sequence[tuple[str, str]]) -> None:
        super().__init__()
        self.parts, self.edges = dict(nodes), [(str(a), str(b)) for a, b in edges]
        for end in {e for edge in self.edges for e in edge} - {IN, OUT, *nodes}:
            raise NIRError(f"an edge names `{end}`; the nodes are {sorted(nodes)}, and the ends `{IN}` and `{OUT}`")
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


def to_nir(model: brainstate.nn.Module) -> nir.NIRGraph:
    """A model as a NIR graph; `nir.write(path, graph)` saves it.

    Weights are in amperes and `[out, in]`, voltages in volts, times in seconds, resistances in ohm, in double precision.
    The units, the precision, the reset and the adaptation that the model had are kept as metadata, so that `from_nir` gives
    its very parameters back.

    Args:
        model: a `Network`, or a `brainstate.nn.Sequential` of `Linear`, `LIF` and `ALIF`.

    Raises:
        NIRError: a layer that NIR has no word for.

    Warns:
        UserWarning: NIR's LIF has the hard reset and no adaptation; others read a soft reset as hard, and an ALIF as a LIF.
    """
    import nir

    if isinstance(model, brainstate.nn.Sequential):
        names = [str(n) for n in range(len(model.layers))]
        model = Network(dict(zip(names, model.layers)), list(zip([IN, *names], [*names, OUT])))
    if not isinstance(model, Network):
        raise NIRError(
            f"{type(model).__name__} does not say how it is wired; give a `vestige.nir.Network` or a `Sequential`"
        )
    nodes = {name: _exported(name, node) for name, node in model.parts.items()}
    first = next(nodes[b] for a, b in model.edges if a == IN)
    last = next(nodes[a] for a, b in model.edges if b == OUT)
    nodes |= {
        IN: nir.Input({"input": first.input_type["input"]}),
        OUT: nir.Output({"output": last.output_type["output"]}),
    }
    return nir.NIRGraph(nodes, list(model.edges), metadata={})


def from_nir(graph: nir.NIRGraph | str | Path) -> Network:
    """A NIR graph, or a file of one, as a network that can be trained.

    Without metadata of ours values stay in SI units, in single precision, and the reset is hard. Voltages begin at `V_rest`: NIR
    does not say where.

    Raises:
        NIRError: a kind of node other than Input, Output, Affine, Linear and LIF.
        ModuleNotFoundError: `nir` is not installed.
    """
    if isinstance(graph, (str, Path)):
        import nir

        graph = nir.read(graph)
    kinds = {name: type(node).__name__ for name, node in graph.nodes.items()}
    ends = {name: {"Input": IN, "Output": OUT}[kind] for name, kind in kinds.items() if kind in ("Input", "Output")}
    nodes = {name: _imported(name, node) for name, node in graph.nodes.items() if name not in ends}
    return Network(nodes, [(ends.get(a, a), ends.get(b, b)) for a, b in graph.edges])


def _exported(name: str, node: Any) -> nir.NIRNode:
    import nir

    if isinstance(node, Linear) and node.w_mask is None:
        held = {k: v for k, v in node.weight.value.items() if v is not None}
        plain = {k: _si(v, u.get_unit(v) if u.get_unit(v).is_unitless else u.amp).T for k, v in held.items()}
        return (nir.Affine if "bias" in held else nir.Linear)(**plain, metadata=_notes(held["weight"]))
    if type(node) in (LIF, ALIF):
        units = LIF_UNITS | (ALIF_UNITS if isinstance(node, ALIF) else {})
        notes = _notes(read(node.V_th), *(read(getattr(node, k)) for k in units), spk_reset=node.spk_reset)
        full = {k: np.broadcast_to(_si(read(getattr(node, k)), unit), node.varshape) for k, unit in units.items()}
        if node.spk_reset != "hard" or isinstance(node, ALIF):
            lost = ["the soft reset"] * (node.spk_reset != "hard") + ["the adaptation"] * isinstance(node, ALIF)
            warnings.warn(
                f"NIR has no word for {' and '.join(lost)} of `{name}`: kept as metadata, which other libraries do not read",
                stacklevel=3,
            )
        notes |= {k: full[k] for k in ALIF_UNITS if k in full}
        return nir.LIF(**{field: full[k] for k, field in NODE_FIELDS.items()}, metadata=notes)
    masked = " with a mask" if isinstance(node, Linear) else ""
    raise NIRError(f"node `{name}` is a {type(node).__name__}{masked}; NIR export knows Linear, LIF and ALIF")


def _imported(name: str, node: nir.NIRNode) -> brainstate.nn.Module:
    kind = type(node).__name__
    notes = {k: v.decode() if isinstance(v, bytes) else v for k, v in (node.metadata or {}).items()}
    dtype, unit = np.dtype(notes.get("dtype", "float32")), notes.get("unit")
    if kind in ("Affine", "Linear"):
        back = lambda a: _back(a, u.amp, "A" if unit is None else unit, dtype)
        bias = back(node.bias) if kind == "Affine" else None
        weight = back(np.asarray(node.weight).T)
        return Linear(weight.shape[0], weight.shape[1], w_init=weight, b_init=bias)
    if kind == "LIF":
        adapts = "tau_a" in notes
        units = LIF_UNITS | (ALIF_UNITS if adapts else {})
        given = {k: notes[k] if k in ALIF_UNITS else getattr(node, NODE_FIELDS[k]) for k in units}
        volts, shape = "V" if unit is None else unit, np.shape(node.v_threshold)
        named = {u.second: "ms", u.ohm: "ohm", u.volt: volts}
        values = {k: _back(a, units[k], named[units[k]], dtype) for k, a in given.items()}
        start = lambda shape: jnp.zeros(shape, dtype) * u.get_unit(values["V_th"]) + values["V_rest"]
        return (ALIF if adapts else LIF)(shape, **values, spk_reset=notes.get("spk_reset", "hard"), V_initializer=start)
    raise NIRError(f"node `{name}` is a nir.{kind}; vestige reads Input, Output, Affine, Linear and LIF")


def _notes(first: Any, *others: Any, **more: Any) -> dict[str, Any]:
    """How the model had them: the first one's `unit`, empty for plain numbers; the precision of all together."""
    unit, dtype = u.get_unit(first), jnp.result_type(*(u.get_mantissa(v) for v in (first, *others)))
    return {"unit": "" if unit.is_unitless else str(unit), "dtype": str(dtype), **more}


def _si(value: Any, unit: u.Unit) -> np.ndarray:
    """A value in a unit of SI, double precision: single precision is then given back to the bit."""
    scale = 1.0 if unit.is_unitless else float((1.0 * u.get_unit(value)).to_decimal(unit))
    return np.asarray(u.get_mantissa(value), np.float64) * scale


def _back(value: Any, unit: u.Unit, named: str, dtype: np.dtype) -> Any:
    if not named:
        return jnp.asarray(np.asarray(value), dtype)
    into = getattr(u, {"A": "amp", "V": "volt"}.get(named, named), unit)
    return jnp.asarray(np.asarray(value) / float((1.0 * into).to_decimal(unit)), dtype) * into
