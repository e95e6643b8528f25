"""Every example runs to its end: each asserts itself that its loss fell."""

import runpy
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.py")), ids=lambda p: p.stem)
def test_examples_learn(path, capsys):
    runpy.run_path(str(path), run_name="__main__")
    assert "loss" in capsys.readouterr().out
    assert len(path.read_text().splitlines()) <= 80
