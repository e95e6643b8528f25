"""Memory does not grow with the sequence."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

SOAK = Path(__file__).parents[2] / "benchmarks" / "soak.py"


def soaked(*args):
    """What a process of its own saw of its memory and speed, tenth by tenth."""
    env = os.environ | {"JAX_PLATFORMS": "cpu"}
    made = subprocess.run(
        [sys.executable, str(SOAK), "--json", *map(str, args)], env=env, text=True, capture_output=True, timeout=1500
    )
    assert made.returncode == 0, made.stderr[-3000:]
    return json.loads(made.stdout.splitlines()[-1])


@pytest.mark.slow
@pytest.mark.parametrize("how", [("--piece", 100), ("--piece", 0)], ids=["windows", "one by one"])
def test_peak_memory_of_a_hundred_thousand_steps_is_that_of_a_thousand(how):
    short, long = soaked("--steps", 1_000, *how), soaked("--steps", 100_000, *how)
    assert long[-1]["steps"] == 100 * short[-1]["steps"]
    assert long[-1]["peak_mb"] < 1.05 * short[-1]["peak_mb"]
    assert long[-1]["loss"] < 1.0


@pytest.mark.slow
def test_a_million_steps_drift_in_neither_memory_nor_speed():
    rows = soaked("--steps", 1_000_000)
    first, last = rows[1], rows[-1]  # the first tenth holds the compilation
    assert last["resident_mb"] < 1.02 * first["resident_mb"]
    middle = sorted(row["us_per_step"] for row in rows[1:])
    # half of the run beside the other half: a shared machine is slow for minutes, a leak for good
    assert min(row["us_per_step"] for row in rows[5:]) < 1.3 * middle[0]
