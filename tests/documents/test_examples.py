"""Every example runs to its end: each asserts itself that its loss fell, or that the right side won."""

import runpy
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"
# minutes: two thousand neurons for nine seconds; a thousand trials
LONG = {"wang_decision": "NEST", "wang_training": "loss", "wang_curve": "off by"}
LONG |= {"equinox_cell": "loss", "nnx_cell": "loss"}  # their libraries take seconds to import and to trace
LONG |= {"dendrites": "right", "fit_hh": "worst"}  # fifteen hundred trials; forty thousand steps


@pytest.mark.parametrize(
    "path, said",
    [
        pytest.param(p, LONG.get(p.stem, "loss"), id=p.stem, marks=[pytest.mark.slow] if p.stem in LONG else [])
        for p in sorted(EXAMPLES.glob("*.py"))
    ],
)
def test_examples_learn(path, said, capsys, monkeypatch):
    monkeypatch.syspath_prepend(str(EXAMPLES))
    monkeypatch.setattr("sys.argv", [str(path)])
    runpy.run_path(str(path), run_name="__main__")
    assert said in capsys.readouterr().out
    assert len(path.read_text().splitlines()) <= 80
