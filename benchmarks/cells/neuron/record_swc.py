"""What NEURON reads from SWC files, and how a cell from one of them spikes.

python record_swc.py tests/cells/data: reads swc/*.swc there, writes swc.json and, of one_point.swc, swc_spikes.json
"""

import json
import sys
from pathlib import Path

from neuron import h

NSEG, LEAK = 3, 1e-4  # S/cm2


def load(path: Path) -> list:
    """The file's sections, in NEURON."""
    h("forall delete_section()")
    h.load_file("stdrun.hoc")
    h.load_file("import3d.hoc")
    reader = h.Import3d_SWC_read()
    reader.quiet = 1
    reader.input(str(path))
    h.Import3d_GUI(reader, False).instantiate(None)
    for section in h.allsec():
        section.nseg, section.Ra = NSEG, 100.0
    return list(h.allsec())


def sections(path: Path) -> dict[str, dict]:
    """By section: length, areas and resistances towards the start of `NSEG` compartments, and what it grows from.

    `input`: resistance of the whole leaky cell, seen from the section's middle.
    """
    found = {}
    for section in load(path):
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
    return found


def spikes(path: Path) -> dict[str, list[float]]:
    """Voltage in the middle of each section every 0.5 ms of 20, of a Hodgkin-Huxley cell driven at its root from 1 ms on."""
    cell = load(path)
    for section in cell:
        section.insert("hh")
    clamp = h.IClamp(cell[0](0.5))
    clamp.delay, clamp.dur, clamp.amp = 1.0, 1e9, 0.5
    seen = {section.name(): h.Vector().record(section(0.5)._ref_v, 0.5) for section in cell}
    h.usetable_hh, h.celsius, h.dt, h.steps_per_ms = 0, 6.3, 0.025, 40
    h.finitialize(-65)
    h.continuerun(20)
    return {name: list(v)[1:] for name, v in seen.items()}


if __name__ == "__main__":
    data = Path(sys.argv[1])
    facts = {path.name: sections(path) for path in sorted((data / "swc").glob("*.swc"))}
    told = json.dumps(facts, separators=(",", ":")).replace('},"', '},\n"')
    (data / "swc.json").write_text(told + "\n")
    if (one := data / "swc" / "one_point.swc").exists():
        (data / "swc_spikes.json").write_text(json.dumps(spikes(one)) + "\n")
    print(f"{len(facts)} files, {sum(map(len, facts.values()))} sections, by {h.nrnversion(1)}")
