"""The bench of the device's limits: what it counts, and what it says where nothing is judged."""

import importlib
import json
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.mark.slow
def test_small_sizes_on_the_cpu(tmp_path, monkeypatch, capsys):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    roofline = importlib.import_module("roofline")
    monkeypatch.setattr(roofline, "PER_SAMPLE", 1e-4)
    file = tmp_path / "roofline.json"
    sizes = "--widths 16 --batch 2 --windows 4 --memory 4000000 --repeats 1".split()
    assert roofline.main([*sizes, "--out", str(file)]) == 0
    found = json.loads(file.read_text())
    assert all(limit > 0 for limit in found["limits"].values())
    step, window = found["rows"]
    # what the voltage keeps of 32 x 16 weights, for two examples; these weights and those of the readout; in and out
    assert step["of"] == "bandwidth" and step["done"] >= 2 * 4 * (2 * 32 * 16 + 32 * 16 + 16 * 16)
    # forward, and the gradient's outer product, of 16 steps of two examples
    assert window["of"] == "products" and window["done"] >= 2 * 16 * 2 * (2 * 32 * 16)
    for row in found["rows"]:
        assert row["share"] == pytest.approx(row["done"] / row["ms"] * 1e3 / row["limit"]) and row["share"] > 0
    printed = capsys.readouterr().out
    assert printed.count("not judged") == 2 and "GB/s" in printed and "Gflop/s" in printed
    low = (
        roofline.row("bandwidth", 16, 2, 1, 1.0, 1.0, 10.0, True),
        roofline.row("products", 16, 2, 64, 6.0, 1.0, 10.0, True),
    )
    assert [r["said"] for r in low] == ["MISSED", "met"]
