"""Records again what the tests compare with: NEURON's voltages every 0.2 ms and all its spikes, for the tests' cases.

.venv-neuron/bin/python benchmarks/cells/neuron/record.py tests/cells/data/neuron.npz
"""

import sys
from pathlib import Path

import numpy as np
from simulate import recorded

sys.path.append(str(Path(__file__).parents[3] / "tests" / "cells"))
from neuron_cases import CASES, SAMPLED, fingerprint


def thin(name, array):
    """Every n-th step of a voltage; spikes as they are."""
    case, _, what = name.partition("/")
    return array[round(SAMPLED / CASES[case]["dt"]) - 1 :: round(SAMPLED / CASES[case]["dt"])] if what == "v" else array


if __name__ == "__main__":
    found = {name: thin(name, array) for name, array in recorded(CASES).items()}
    np.savez_compressed(sys.argv[1], **found, **{f"{name}/case": fingerprint(case) for name, case in CASES.items()})
    spikes = sum(len(array) for name, array in found.items() if "/spikes/" in name)
    print(f"{len(CASES)} cases, {spikes} spikes: {Path(sys.argv[1]).stat().st_size / 1000:.0f} kB in {sys.argv[1]}")
