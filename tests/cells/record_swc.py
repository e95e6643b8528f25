"""What NEURON reads from each file in data/swc: run with a python that has NEURON; writes data/swc.json.

python tests/cells/record_swc.py [folder of .swc files] [where to write]
"""

import json
import sys
from pathlib import Path

from neuron import h

DATA = Path(__file__).parent / "data"
NSEG, LEAK = 3, 1e-4  # S/cm2


def sections(path: Path) -> dict[str, dict]:
    """By section: length, areas and resistances towards the start of `NSEG` compartments, and what it grows from.

    `input`: resistance of the whole leaky cell, seen from the section's middle.
    """
    h.load_file("stdlib.hoc")
    h.load_file("import3d.hoc")
    reader = h.Import3d_SWC_read()
    reader.quiet = 1
    reader.input(str(path))
    h.Import3d_GUI(reader, False).instantiate(None)
    found = {}
    for section in h.allsec():
        section.nseg, section.Ra = NSEG, 100.0
        section.insert("pas").g_pas = LEAK
    h.finitialize(-65)
    seen = h.Impedance()
    for section in h.allsec():
        up = section.parentseg()
        seen.loc(0.5, sec=section)
        seen.compute(0)
        found[section.name()] = {
            "length": section.L,
            "area": [x.area() for x in section],
            "ri": [x.ri() for x in section],
            "lambda": section.L / h.lambda_f(100.0, sec=section),
            "input": seen.input(0.5, sec=section),
            "parent": up and up.sec.name(),
            "loc": up and up.x,
        }
    h("forall delete_section()")
    return found


if __name__ == "__main__":
    folder, out = (*map(Path, sys.argv[1:]), *(DATA / "swc", DATA / "swc.json")[len(sys.argv) - 1 :])
    facts = {path.name: sections(path) for path in sorted(folder.glob("*.swc"))}
    out.write_text(json.dumps(facts, indent=None, separators=(",", ":")).replace('},"', '},\n"') + "\n")
    print(f"{len(facts)} files, {sum(map(len, facts.values()))} sections, by NEURON {h.nrnversion(1)}: {out}")
