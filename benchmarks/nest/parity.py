"""Live parity with NEST: random draws of each model, played by the simulator and by one population per time step.

.venv/bin/python benchmarks/nest/parity.py --models iaf_psc_exp hh_psc_alpha --draws 30 --seed 1
"""

import argparse
import json
import math
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass, field
from itertools import groupby
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
sys.path += [str(HERE), str(ROOT / "tests" / "nest")]
os.environ.setdefault("JAX_PLATFORMS", "cpu")

import brainstate  # noqa: E402
import jax  # noqa: E402
import numpy as np  # noqa: E402
from draws import Draw, draws  # noqa: E402
from made import EVENTS, MADE  # noqa: E402
from models import MODELS, Model  # noqa: E402
from ranges import MODELS as RANGES  # noqa: E402
from replay import Run, play, population, signed  # noqa: E402

from vestige import nest  # noqa: E402

PYTHON = ROOT / ".venv-nest" / "bin" / "python"  # made by `make nest-parity`


@dataclass
class Parity:
    """What came of a model's draws. `off`: by recordable, how far each draw is at worst, its name, and when (ms)."""

    model: str
    near: dict[str, float]
    may_stray: int = 0
    draws: int = 0
    spiked: int = 0
    spikes: int = 0
    mismatches: int = 0
    shifts: int = 0
    off: dict[str, list[tuple[float, str, float]]] = field(default_factory=dict)
    strayed: dict[str, float] = field(default_factory=dict)
    nest_s: float = 0.0
    vestige_s: float = 0.0

    @property
    def far(self) -> list[str]:
        """Draws with a state beyond its bound, or with other spikes."""
        return sorted(
            {who for k, each in self.off.items() for off, who, _ in each if not off <= self.near[k]} | {*self.strayed}
        )

    @property
    def holds(self) -> bool:
        return self.off.keys() == self.near.keys() and self.spiked > self.draws // 2 and len(self.far) <= self.may_stray


def judged(name: str) -> Model:
    """The tests' line of a model, or one for a model without recorded runs."""
    line = next((m for m in MODELS if m.name == name), None)
    return line or Model(getattr(nest, name), signed, RANGES[name].near)


def simulated(drawn: dict[str, Draw], python: Path) -> tuple[list[Run], float]:
    """The simulator's recordings of these draws, and its seconds for building and simulating."""
    with tempfile.TemporaryDirectory() as folder:
        said, out = Path(folder) / "draws.json", Path(folder) / "recordings.npz"
        said.write_text(json.dumps(drawn))
        done = subprocess.run(
            [str(python), str(HERE / "record.py"), str(said), str(out)], capture_output=True, text=True
        )
        if done.returncode:
            sys.exit(f"the simulator failed:\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}")
        with np.load(out) as data:
            arrays = dict(data)
    return [run(name, said, arrays) for name, said in drawn.items()], float(arrays["seconds"])


def run(name: str, said: Draw, arrays: dict[str, np.ndarray]) -> Run:
    """A draw with what was recorded of it."""
    found = {k.removeprefix(f"{name}/"): v for k, v in arrays.items() if k.startswith(f"{name}/")}
    times = found.pop("spike_times", np.zeros(0))
    return Run(
        name, said["model"], said["dt"], round(said["T"] / said["dt"]), said["parameters"], said["current_steps"],
        said["current_delay"], said["spikes"], found, times,
    )  # fmt: skip


def replayed(model: Model, group: list[Run]) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Recordables and spikes of runs with one time step, one neuron each, `[steps, runs]`."""
    own, events = MADE.get(model.name, model.more)(group), EVENTS.get(model.name, model.events)(group)
    return play(population(model.kind, group, **own, **RANGES[model.name].more), group, events)


def compare(found: Parity, group: list[Run], out: dict[str, np.ndarray], spikes: np.ndarray) -> None:
    """Add these runs. States are compared up to the first spike that is not the simulator's; spikes to the end."""
    for n, one in enumerate(group):
        fired = set(np.flatnonzero(spikes[: one.steps, n]).tolist())
        wanted = {one.at(t) for t in one.spike_times if one.at(t) < one.steps}
        missing, extra = wanted - fired, fired - wanted
        until = min(missing | extra, default=one.steps)
        found.draws, found.spiked, found.spikes = (
            found.draws + 1,
            found.spiked + bool(wanted),
            found.spikes + len(wanted),
        )
        found.mismatches += max(len(missing), len(extra))
        found.shifts += len({k for k in missing if {k - 1, k + 1} & extra})
        if missing or extra:
            found.strayed[one.name] = round((until + 1) * one.dt, 6)
        for key in out.keys() & one.recorded.keys():
            off = np.abs(out[key][:until, n] - one.recorded[key][:until])
            # a state that is not a number is infinitely far
            off = np.where(np.isnan(off), np.inf, off)
            k = int(off.argmax()) if until else 0
            worst = float(off[k]) if until else 0.0
            found.off.setdefault(key, []).append((worst, one.name, round((k + 1) * one.dt, 6)))


def parity(name: str, count: int, seed: int, python: Path) -> Parity:
    """One model."""
    model, ranges = judged(name), RANGES[name]
    found = Parity(name, {**model.near, **ranges.near}, math.ceil(ranges.astray * count / 100))
    runs, found.nest_s = simulated(draws(name, count, seed), python)
    began = time.perf_counter()
    alike = lambda one: (one.dt, *(one.parameters[k] for k in ranges.apart))
    for _, group in groupby(sorted(runs, key=alike), key=alike):
        group = list(group)
        compare(found, group, *replayed(model, group))
    found.vestige_s = time.perf_counter() - began
    return found


def show(found: Parity) -> None:
    """A paragraph of a model."""
    print(
        f"{found.model}: {found.draws} draws, {found.spiked} spiked, {found.spikes} spikes; "
        f"NEST {found.nest_s:.1f} s, vestige {found.vestige_s:.1f} s (with compiling)"
    )
    for key, each in sorted(found.off.items()):
        half, most = np.quantile([off for off, *_ in each], [0.5, 0.9])
        off, who, when = max(each)
        print(
            f"  {key:<16} half {half:7.1e}  90 % {most:7.1e}  worst {off:7.1e} ({who.split('/')[1]} at {when:g} ms)"
            f"  bound {found.near[key]:7.1e}"
        )
    print(f"  spikes           {found.mismatches} at other steps, {found.shifts} of them one step off")
    others = ", ".join(f"{who.split('/')[1]} from {when:g} ms" for who, when in found.strayed.items())
    print(f"  other spikes in   {others}" if others else "", end="\n" * bool(others))
    far = ", ".join(who.split("/")[1] for who in found.far) or "none"
    print(f"  draws off         {far} (allowed: {found.may_stray})")
    print(
        "  " + ("holds" if found.holds else "FAILS") + (f": {RANGES[found.model].why}" * bool(RANGES[found.model].why)),
        flush=True,
    )


def arguments() -> argparse.Namespace:
    known = [name for name in RANGES if hasattr(nest, name)]
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--models", nargs="+", default=known, choices=known)
    parser.add_argument("--draws", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path, help="write every draw's result here as well")
    parser.add_argument("--nest", type=Path, default=PYTHON, help="a Python that has the simulator")
    return parser.parse_args()


if __name__ == "__main__":
    said = arguments()
    if not said.nest.exists():
        sys.exit(f"no simulator at {said.nest}. `make nest-parity` installs it, or say --nest PYTHON")
    jax.config.update("jax_enable_x64", True)
    with brainstate.environ.context(precision=64):
        results = []
        for name in said.models:
            results.append(parity(name, said.draws, said.seed, said.nest))
            show(results[-1])
    if said.json:
        said.json.write_text(json.dumps([asdict(r) | {"holds": r.holds} for r in results], indent=1) + "\n")
    failed = [r.model for r in results if not r.holds]
    print(
        f"{len(results) - len(failed)} of {len(results)} models hold"
        + (f"; not: {', '.join(failed)}" if failed else "")
    )
    sys.exit(bool(failed))
