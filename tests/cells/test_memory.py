"""Learning online takes no more memory over a hundred thousand steps than over a thousand."""

import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = Path(__file__).parents[2] / "benchmarks" / "cells" / "memory.py"


@pytest.mark.slow
def test_peak_memory_is_flat_in_time():
    out = subprocess.run([sys.executable, str(PROGRAM)], capture_output=True, text=True)
    assert out.returncode == 0, out.stdout + out.stderr
    # the measure sees what grows
    assert float(out.stdout.split()[-1]) > 1.2, out.stdout
