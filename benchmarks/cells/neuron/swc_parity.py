"""Random trees as SWC files, read by NEURON and by vestige: sections, parents, sizes, resistances.

.venv/bin/python benchmarks/cells/neuron/swc_parity.py --files 400 --seed 0
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
os.environ.setdefault("JAX_PLATFORMS", "cpu")

import numpy as np  # noqa: E402
import saiunit as u  # noqa: E402

from vestige.cells import Morphology  # noqa: E402
from vestige.cells.cut import cut  # noqa: E402

PYTHON = ROOT / ".venv-neuron" / "bin" / "python"  # made by `make neuron-parity`
NEAR = 1e-5  # of lengths, areas and resistances; NEURON keeps points in single precision
SOMATA = "a point", "three points", "a chain", "a fork", "none"


class Draw:
    """Points of a random tree, depth first, as lines of a file."""

    def __init__(self, n: int, seed: int) -> None:
        self.rng, self.rows = np.random.default_rng([seed, n]), []
        # a change of type at a dendrite's first point, and a branch there in the second line, are read differently on purpose
        self.mixed, soma = n % 2 == 0, SOMATA[n % 5]
        places = self.soma(soma)
        for _ in range(self.rng.integers(1, 6)):
            kind = 3 if soma == "none" else int(self.rng.choice([2, 3, 4]))
            self.grow(int(self.rng.choice(places)), kind, 3, 2 if self.mixed or len(self.rows) == 1 else 1)

    def add(self, kind: int, at: np.ndarray, radius: float, parent: int) -> int:
        self.rows.append((kind, *np.round(at, 3), round(radius, 3), parent))
        return len(self.rows)

    def at(self, point: int) -> np.ndarray:
        return np.array(self.rows[point - 1][1:4])

    def soma(self, form: str) -> list[int]:
        """Its points, from which others may grow."""
        root = self.add(3 if form == "none" else 1, np.zeros(3), 5.0, -1)
        if form == "three points":
            for y in (-5.0, 5.0):
                self.add(1, np.array([0.0, y, 0.0]), 5.0, root)
            return [root]
        if form == "a chain":
            for k in range(1, self.rng.integers(2, 6)):
                self.add(1, np.array([0.0, 3.0 * k, k % 2]), self.rng.uniform(2, 6), k)
        if form == "a fork":
            self.fork(root, 3)
        return list(range(1, len(self.rows) + 1))

    def fork(self, parent: int, depth: int) -> None:
        for _ in range(self.rng.integers(depth == 3, 3) if depth else 0):
            here = self.add(
                1, self.at(parent) + [0, 4, 0] + self.rng.normal(size=3) * 3, self.rng.uniform(2, 5), parent
            )
            self.fork(here, depth - 1)

    def grow(self, parent: int, kind: int, depth: int, least: int = 1) -> None:
        for _ in range(self.rng.integers(least, 5)):
            away = self.rng.normal(size=3) * 9
            parent = self.add(kind, self.at(parent) + away, self.rng.uniform(0.2, 2), parent)
        for _ in range(self.rng.integers(0, 4) if depth else 0):
            changes = self.mixed and self.rng.random() < 0.15
            self.grow(parent, int(self.rng.integers(2, 6)) if changes else kind, depth - 1)

    def __str__(self) -> str:
        return "\n".join(f"{k} " + " ".join(map(str, row)) for k, row in enumerate(self.rows, 1))


def off(path: Path, said: dict[str, dict]) -> float:
    """Largest relative difference of any number; infinity for another tree."""
    m = Morphology.from_swc(path, nseg=3)
    if {s.name: (s.parent, s.parent_loc) for s in m.sections.values()} != {
        name: (n["parent"], n["loc"]) for name, n in said.items()
    }:
        return np.inf
    worst = 0.0
    for name, s in m.sections.items():
        c, n = cut(s), said[name]
        ours = [s.length.to_decimal(u.um), *c.area, c.left[0], *(c.left[1:] + c.right[:-1])]
        worst = max(worst, abs(np.array(ours) / [n["length"], *n["area"], *n["ri"]] - 1).max())
    return float(worst)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=400)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--python", type=Path, default=PYTHON, help="one that has NEURON")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder)
        (data / "swc").mkdir()
        for n in range(args.files):
            (data / "swc" / f"{n:04d}.swc").write_text(str(Draw(n, args.seed)))
        subprocess.run([str(args.python), str(HERE / "record_swc.py"), folder], check=True, capture_output=True)
        said = json.loads((data / "swc.json").read_text())
        found = {file: off(data / "swc" / file, n) for file, n in said.items()}
    wrong = [file for file, worst in found.items() if worst > NEAR]
    sections = sum(map(len, said.values()))
    print(f"{len(found)} files, {sections} sections: {len(wrong)} read differently {wrong[:5] or ''}")
    print(f"largest relative difference of the others {max([x for x in found.values() if x <= NEAR], default=0.0):.1e}")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
