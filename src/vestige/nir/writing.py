"""A model as a NIR graph."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import brainstate
import numpy as np
import saiunit as u

from ..neurons import ALIF, LIF
from ..neurons.integrate import read
from ..nn import Linear
from .network import IN, OUT, Network, NIRError
from .values import ALIF_UNITS, HEARD, LIF_UNITS, LOOPS, NODE_FIELDS, SAID, notes_of, si

if TYPE_CHECKING:
    import nir


def to_nir(model: brainstate.nn.Module, dt: u.Quantity | None = None) -> nir.NIRGraph:
    """A model as a NIR graph; `nir.write(path, graph)` saves it.

    Weights are in amperes and `[out, in]`, voltages in volts, times in seconds, resistances in ohm, in double precision.
    The units, the precision, the reset and the adaptation that the model had are kept as metadata, so that `from_nir` gives
    its very parameters back.

    NIR has equations and no step. Ours is exact for constant input; other libraries mostly go by forward Euler, which is another
    network where `dt / tau` is not small. With `dt` the file is made for those who take Euler steps of `dt`: a time constant is
    written as `dt / (1 - exp(-dt / tau))`, with which their step is ours; a soft reset and the adaptation that goes with it are
    written in nodes of NIR's own (two `LI`, a `Threshold`, a `Scale` in each loop, with spikes heard in the next step).

    Args:
        model: a `Network`, or a `brainstate.nn.Sequential` of `Linear`, `LIF` and `ALIF`.
        dt: the step of the reader, such as `0.1 * u.ms`; None writes the time constants as they are.

    Raises:
        NIRError: a layer that NIR has no word for; a name that a part of a neuron takes; `dt` is not a positive time.

    Warns:
        UserWarning: NIR's LIF has the hard reset and no adaptation; what is lost to others, who read a soft reset as hard and an
            ALIF as a LIF: a soft reset without `dt`, an ALIF without it or with a hard reset.
    """
    import nir

    if isinstance(model, brainstate.nn.Sequential):
        names = [str(n) for n in range(len(model.layers))]
        model = Network(dict(zip(names, model.layers)), list(zip([IN, *names], [*names, OUT])))
    if not isinstance(model, Network):
        raise NIRError(
            f"{type(model).__name__} does not say how it is wired; give a `vestige.nir.Network` or a `Sequential`"
        )
    step = None if dt is None else _step(dt)
    parts = {name: _exported(name, node, step) for name, node in model.parts.items()}
    full = lambda name, end: name + end if end in parts.get(name, {}) else name
    edges = [(full(a, SAID), full(b, HEARD)) for a, b in model.edges]
    edges += [(name + a, name + b) for name, part in parts.items() for a, b in LOOPS if {a, b} <= {*part}]
    for taken in {name + more for name, part in parts.items() for more in part if more} & {*parts}:
        raise NIRError(f"node `{taken}` has the name of a part of a neuron in the file; give it another")
    nodes = {name + more: node for name, part in parts.items() for more, node in part.items()}
    first = next(nodes[b] for a, b in edges if a == IN)
    last = next(nodes[a] for a, b in edges if b == OUT)
    nodes |= {
        IN: nir.Input({"input": first.input_type["input"]}),
        OUT: nir.Output({"output": last.output_type["output"]}),
    }
    return nir.NIRGraph(nodes, edges, metadata={})


def _step(dt: u.Quantity) -> float:
    """Seconds of a step."""
    seconds = si(dt, u.second) if u.have_same_dim(dt, u.second) else np.asarray(0.0)
    if seconds.ndim or not seconds > 0:
        raise NIRError(f"dt is {dt}; give the reader's step as one positive time, such as 0.1 * u.ms, or None")
    return float(seconds)


def _exported(name: str, node: Any, dt: float | None) -> dict[str, nir.NIRNode]:
    """The nodes of one of ours, by what follows its name."""
    import nir

    if isinstance(node, Linear) and node.w_mask is None:
        held = {k: v for k, v in node.weight.value.items() if v is not None}
        plain = {k: si(v, u.get_unit(v) if u.get_unit(v).is_unitless else u.amp).T for k, v in held.items()}
        return {"": (nir.Affine if "bias" in held else nir.Linear)(**plain, metadata=notes_of(held["weight"]))}
    if type(node) in (LIF, ALIF):
        return _neuron(name, node, dt)
    masked = " with a mask" if isinstance(node, Linear) else ""
    raise NIRError(f"node `{name}` is a {type(node).__name__}{masked}; NIR export knows Linear, LIF and ALIF")


def _neuron(name: str, node: LIF, dt: float | None) -> dict[str, nir.NIRNode]:
    """A LIF with all that it lacks as metadata, or simpler nodes."""
    import nir

    units = LIF_UNITS | (ALIF_UNITS if isinstance(node, ALIF) else {})
    full = {k: np.broadcast_to(si(read(getattr(node, k)), unit), node.varshape) for k, unit in units.items()}
    notes = notes_of(read(node.V_th), *(read(getattr(node, k)) for k in units), spk_reset=node.spk_reset)
    soft, adapts = node.spk_reset == "soft", isinstance(node, ALIF)
    notes |= {k: full[k] for k in (ALIF_UNITS if dt is None else full) if k in full}
    if soft and dt is not None:
        return _apart(full, dt, notes)
    if soft or adapts:
        lost = ["the soft reset"] * soft + ["the adaptation"] * adapts
        warnings.warn(
            f"NIR has no word for {' and '.join(lost)} of `{name}`: kept as metadata, which other libraries do not read"
            + "; with the `dt` of theirs both can be written" * soft,
            stacklevel=4,
        )
    taken = {field: full[k] for k, field in NODE_FIELDS.items()}
    taken |= {} if dt is None else {"tau": _euler(full["tau"], dt)}
    return {"": nir.LIF(**taken, metadata=notes)}


def _euler(tau: np.ndarray, dt: float) -> np.ndarray:
    """The time constant with which a step of forward Euler decays by `exp(-dt / tau)`."""
    return dt / -np.expm1(-dt / tau)


def _apart(full: Mapping[str, np.ndarray], dt: float, notes: dict[str, Any]) -> dict[str, nir.NIRNode]:
    """A neuron with a soft reset in simple nodes, each loop a step long: spikes take the reset off what the voltage hears next.

    `keep (V - drop) + (1 - keep) R x` is `keep V + (1 - keep) R (x - keep drop / ((1 - keep) R))`.
    """
    import nir

    tau, drop = _euler(full["tau"], dt), full["V_th"] - full["V_reset"]
    nodes = {
        SAID: nir.Threshold(full["V_th"], metadata=notes), HEARD: nir.LI(tau, full["R"], full["V_rest"]),
        ".reset": nir.Scale((1 - tau / dt) * drop / full["R"]),
    }  # fmt: skip
    if "tau_a" in full:
        tau_a = _euler(full["tau_a"], dt)
        # one for every spike, before it decays
        nodes |= {".adaptation": nir.LI(tau_a, tau_a / dt - 1, 0 * tau_a), ".rise": nir.Scale(-full["beta"])}
    return nodes
