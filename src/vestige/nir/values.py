"""Parameters between the model's units and those of SI: names, units, precision."""

from typing import Any

import jax.numpy as jnp
import numpy as np
import saiunit as u

LIF_UNITS = {"tau": u.second, "R": u.ohm, "V_rest": u.volt, "V_th": u.volt, "V_reset": u.volt}
ALIF_UNITS = {"tau_a": u.second, "beta": u.volt}
NODE_FIELDS = {"tau": "tau", "R": "r", "V_rest": "v_leak", "V_th": "v_threshold", "V_reset": "v_reset"}
# a neuron in simple nodes, by what follows its name; sorted, as files are, sources come before those who hear them
HEARD, SAID = ".membrane", ".spikes"
LOOPS = (
    (HEARD, SAID), (SAID, ".reset"), (".reset", HEARD),
    (SAID, ".adaptation"), (".adaptation", ".rise"), (".rise", SAID),
)  # fmt: skip


def notes_of(first: Any, *others: Any, **more: Any) -> dict[str, Any]:
    """How the model had them: the first one's `unit`, empty for plain numbers; the precision of all together."""
    unit, dtype = u.get_unit(first), jnp.result_type(*(u.get_mantissa(v) for v in (first, *others)))
    return {"unit": "" if unit.is_unitless else str(unit), "dtype": str(dtype), **more}


def si(value: Any, unit: u.Unit) -> np.ndarray:
    """A value in a unit of SI, double precision: single precision is then given back to the bit."""
    scale = 1.0 if unit.is_unitless else float((1.0 * u.get_unit(value)).to_decimal(unit))
    return np.asarray(u.get_mantissa(value), np.float64) * scale


def from_si(value: Any, unit: u.Unit, named: str, dtype: np.dtype) -> Any:
    """A value of SI in the unit that the model had; without one where it had none."""
    if not named:
        return jnp.asarray(np.asarray(value), dtype)
    found = getattr(u, {"A": "amp", "V": "volt"}.get(named, named), None)
    into = found if isinstance(found, u.Unit) else unit
    return jnp.asarray(np.asarray(value) / float((1.0 * into).to_decimal(unit)), dtype) * into
