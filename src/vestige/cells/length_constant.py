"""How finely a section is cut: by the length over which an alternating voltage decays along it."""

from collections.abc import Callable

import numpy as np
import saiunit as u

from .morphology import CAPACITANCE, RESISTIVITY, Quantity, Section


def by_length_constant(d_lambda: float = 0.1, frequency: Quantity = 100.0 * u.Hz) -> Callable[[Section], int]:
    """A rule for `nseg`: compartments no longer than a part of the length constant at a frequency.

        lambda(d) = sqrt(d / (4 pi f Ra cm))           membrane currents other than the capacitance's do not count
        L         = int dx / lambda(d(x))              each frustum at its mean diameter
        nseg      = 2 floor((L / d_lambda + 0.9) / 2) + 1

    Odd, so that a section's middle is a compartment's middle. Triple it to see whether results depend on it.

    Args:
        d_lambda: longest compartment, in length constants.
        frequency: highest frequency of interest.

    Returns:
        rule: section -> nseg, for `nseg=` of sections, `Morphology.set_nseg` and `Morphology.from_swc`.

    Raises:
        ValueError: a number is not above zero. UnitMismatchError: `frequency` is none.

    Source: Hines and Carnevale 2001, https://doi.org/10.1177/107385840100700207; as NEURON's `lambda_f`.
    """
    if not u.have_same_dim(frequency, u.Hz):
        raise u.UnitMismatchError(f"by_length_constant: frequency is in {u.get_unit(frequency)}; it needs one like Hz")
    hertz = float(u.Quantity(frequency).to_decimal(u.Hz))
    if not (np.isfinite(d_lambda) and d_lambda > 0 and np.isfinite(hertz) and hertz > 0):
        raise ValueError(f"by_length_constant: d_lambda {d_lambda} and frequency {hertz} Hz must be above zero")
    return lambda section: 2 * int((_length(section, hertz) / d_lambda + 0.9) / 2) + 1


def _length(section: Section, hertz: float) -> float:
    """Of a section, in length constants."""
    diams = np.asarray(section.diams.to_decimal(u.um))
    Ra, cm = float(section.Ra.to_decimal(RESISTIVITY)), float(section.cm.to_decimal(CAPACITANCE))
    # 1e5: um over ohm cm, uF / cm2 and Hz
    constants = 1e5 * np.sqrt((diams[1:] + diams[:-1]) / 2 / (4 * np.pi * hertz * Ra * cm))
    return float((np.diff(section.along) / constants).sum())
