"""What NEURON's own choices change in the tests' cases: tables for hh's rates, a step of second order.

.venv-neuron/bin/python benchmarks/cells/neuron/choices.py
"""

import sys
from pathlib import Path

import numpy as np
from simulate import simulate

sys.path.append(str(Path(__file__).parents[3] / "tests" / "cells"))
from neuron_cases import CASES

CHOICES = {"tables": {"usetable_hh": 1}, "secondorder = 2": {"secondorder": 2}}


def change(case, choice):
    """How far the voltage (mV) and the spikes (ms) move; no time where their number changes."""
    (v, spikes), (other, others) = simulate(case), simulate(case | choice)
    alike = all(len(a) == len(b) for a, b in zip(spikes, others, strict=True))
    moved = [np.abs(a - b).max() for a, b in zip(spikes, others, strict=True) if alike and len(a)]
    return np.abs(v - other).max(), f"{max(moved):.3f} ms" if moved else "other spikes" if not alike else "none"


if __name__ == "__main__":
    for name, case in CASES.items():
        found = [(title, *change(case, choice)) for title, choice in CHOICES.items()]
        print(f"{name:<32}" + "".join(f"  {title}: voltage {v:7.1e} mV, spikes {t:<12}" for title, v, t in found))
