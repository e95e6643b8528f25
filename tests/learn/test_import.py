"""Importing the library: what it leaves alone, and what it costs beside brainstate."""

import subprocess
import sys

HEAVY = ("matplotlib", "sklearn", "tqdm", "scipy.sparse", "brainpy", "braintools", "braintrace", "braincell", "seglearn")


def told(program: str) -> str:
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.strip()


def test_double_precision_that_was_asked_for_stays():
    ask = "import jax; jax.config.update('jax_enable_x64', {}); import vestige; print(jax.config.jax_enable_x64)"
    assert told(ask.format(True)) == "True"
    assert told(ask.format(False)) == "False"


def test_nothing_heavy_is_imported_beyond_what_brainstate_imports():
    extra = "import sys, brainstate; had = set(sys.modules); import vestige; print(*sorted(set(sys.modules) - had))"
    assert not set(told(extra).split()) & set(HEAVY)
