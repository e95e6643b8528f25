"""A NIR graph as a network of ours."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import brainstate
import jax.numpy as jnp
import numpy as np
import saiunit as u

from ..neurons import ALIF, LIF
from ..nn import Linear
from .network import IN, OUT, Network, NIRError
from .values import ALIF_UNITS, HEARD, LIF_UNITS, LOOPS, NODE_FIELDS, SAID, from_si

if TYPE_CHECKING:
    import nir


def from_nir(graph: nir.NIRGraph | str | Path) -> Network:
    """A NIR graph, or a file of one, as a network that can be trained.

    Without metadata of ours values stay in SI units, in single precision, and the reset is hard. Voltages begin at `V_rest`: NIR
    does not say where.

    Raises:
        NIRError: a kind of node other than Input, Output, Affine, Linear, LIF and what `to_nir` writes for a neuron.
        ModuleNotFoundError: `nir` is not installed.
    """
    if isinstance(graph, (str, Path)):
        import nir

        graph = _read(nir, Path(graph))
    kinds = {name: type(node).__name__ for name, node in graph.nodes.items()}
    ends = {name: {"Input": IN, "Output": OUT}[kind] for name, kind in kinds.items() if kind in ("Input", "Output")}
    whole = {name.removesuffix(SAID): node for name, node in graph.nodes.items() if _noted(name, node)}
    loops = {(name + a, name + b) for name in whole for a, b in LOOPS}
    ends |= {name + end: name for name in whole for end in (HEARD, SAID)}
    parts = {part for loop in loops for part in loop}
    nodes = {name: node for name, node in graph.nodes.items() if name not in {*ends, *parts}} | whole
    made = {name: _imported(name, node) for name, node in nodes.items()}
    return Network(made, [(ends.get(a, a), ends.get(b, b)) for a, b in graph.edges if (a, b) not in loops])


def _read(nir: Any, path: Path) -> nir.NIRGraph:
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file")
    try:
        return nir.read(path)
    except Exception as error:  # of nir, of HDF5, of NumPy: each has its own for what is broken
        raise NIRError(f"{path} is no file of NIR: {type(error).__name__}: {str(error).splitlines()[0]}") from error


def _noted(name: str, node: nir.NIRNode) -> bool:
    """Does it carry a whole neuron of ours?"""
    return type(node).__name__ == "Threshold" and name.endswith(SAID) and {*LIF_UNITS} <= {*(node.metadata or {})}


def _dtype(name: str, said: Any) -> np.dtype:
    if said not in ("float16", "bfloat16", "float32", "float64"):
        raise NIRError(
            f"node `{name}` has the precision {said!r} in its metadata; it can be float16, bfloat16, float32 or float64"
        )
    return jnp.dtype(said)


def _imported(name: str, node: nir.NIRNode) -> brainstate.nn.Module:
    kind = type(node).__name__
    notes = {k: v.decode() if isinstance(v, bytes) else v for k, v in (node.metadata or {}).items()}
    dtype, unit = _dtype(name, notes.get("dtype", "float32")), notes.get("unit")
    if kind in ("Affine", "Linear"):
        back = lambda a: from_si(a, u.amp, "A" if unit is None else unit, dtype)
        bias = back(node.bias) if kind == "Affine" else None
        weight = back(np.asarray(node.weight).T)
        return Linear(weight.shape[0], weight.shape[1], w_init=weight, b_init=bias)
    if kind == "LIF" or (kind == "Threshold" and "V_th" in notes):
        adapts = "tau_a" in notes
        units = LIF_UNITS | (ALIF_UNITS if adapts else {})
        given = {k: notes[k] if k in notes else getattr(node, NODE_FIELDS[k]) for k in units}
        volts, shape = "V" if unit is None else unit, np.shape(given["V_th"])
        named = {u.second: "ms", u.ohm: "ohm", u.volt: volts}
        values = {k: from_si(a, units[k], named[units[k]], dtype) for k, a in given.items()}
        start = lambda shape: jnp.zeros(shape, dtype) * u.get_unit(values["V_th"]) + values["V_rest"]
        return (ALIF if adapts else LIF)(shape, **values, spk_reset=notes.get("spk_reset", "hard"), V_initializer=start)
    raise NIRError(f"node `{name}` is a nir.{kind}; vestige reads Input, Output, Affine, Linear and LIF")
