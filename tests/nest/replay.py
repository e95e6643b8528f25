"""Replays of recorded runs of the simulator: one population per model and time step, one neuron per run."""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any

import brainstate
import jax
import jax.numpy as jnp
import numpy as np
import saiunit as u

DATA = Path(__file__).parent / "data"
STRIDE = 7  # steps between the samples that are kept
UNITS = {
    "V_": u.mV,
    "E_": u.mV,
    "De": u.mV,
    "C_": u.pF,
    "g_": u.nS,
    "ta": u.ms,
    "t_": u.ms,
    "I_": u.pA,
    "a": u.nS,
    "b": u.pA,
    "al": u.ms**-1,
    "co": u.mM,
    "la": u.Hz,
}


@dataclass(frozen=True)
class Run:
    """One recorded run: what went in, what came out."""

    name: str
    model: str
    dt: float
    steps: int
    parameters: dict[str, Any]
    currents: list[list[float]]
    current_delay: float
    spikes: list[dict[str, Any]]
    recorded: dict[str, np.ndarray]
    spike_times: np.ndarray

    def at(self, time: float) -> int:
        """Index of the step that ends at this time."""
        return round(time / self.dt) - 1

    def current(self) -> np.ndarray:
        """`[steps]`: the current handed to each step, pA."""
        out = np.zeros(self.steps)
        for time, amplitude in self.currents:
            out[max(self.at(time + self.current_delay), 0) :] = amplitude
        return out

    def arriving(self, wanted: Callable[[dict[str, Any]], bool], weighted: bool = True) -> np.ndarray:
        """`[steps]`: summed weights (or multiplicities) of the wanted trains, where they arrive."""
        out = np.zeros(self.steps)
        for train in filter(wanted, self.spikes):
            times = train.get("multiplicities", [1.0] * len(train["times"]))
            for time, many in zip(train["times"], times):
                if self.at(time + train["delay"]) < self.steps:
                    out[self.at(time + train["delay"])] += many * (train["weight"] if weighted else 1.0)
        return out


@cache
def runs(file: str = "references") -> tuple[Run, ...]:
    """All recorded runs with one neuron, of this file."""
    said = json.loads((DATA / f"{file}.json").read_text())
    with np.load(DATA / f"{file}.npz") as data:
        arrays = dict(data)
    made = []
    for name, run in said.items():
        found = {k.split("/")[1]: v for k, v in arrays.items() if k.startswith(f"{name}/")}
        times, spikes = found.pop("times"), found.pop("spike_times", np.zeros(0))
        if "pre_senders" in found:
            continue
        # a recorder that stops with the simulation sees the step before the last
        steps = STRIDE * (len(times) - 1) + 1
        made.append(
            Run(
                name, run["model"], run["dt"], steps, run["parameters"], run.get("current_steps", []),
                run.get("current_delay", run["dt"]), run.get("spikes", []), found, spikes,
            )
        )  # fmt: skip
    return tuple(made)


def time_steps(model: str) -> list[float]:
    """Those of a model's runs."""
    return sorted({r.dt for r in runs() if r.model == model})


def of(model: str, dt: float = 0.1, leave: Iterable[str] = ()) -> list[Run]:
    """The runs of a model at one time step, but for some."""
    return [r for r in runs() if r.model == model and r.dt == dt and r.name not in leave]


def unit(parameter: str) -> u.Unit:
    """NEST's unit of a parameter, by how its name begins; others have none."""
    return UNITS.get(parameter[:2], u.UNITLESS)


def population(kind: type, group: list[Run], **more: Any) -> Any:
    """One neuron per run, each with its parameters; states that the runs set are set."""
    known = kind.__init__.__code__.co_varnames
    names = [k for k in group[0].parameters if k in known and k not in more]
    values = {k: np.array([r.parameters[k] for r in group]) * unit(k) for k in names}
    start = np.array([r.parameters["V_m"] for r in group]) * u.mV
    return kind(len(group), V_initializer=start, **values, **more)


def stacked(group: list[Run], of_run: Callable[[Run], np.ndarray]) -> jax.Array:
    """`[steps, runs]`, filled with zeros to the longest."""
    steps = max(r.steps for r in group)
    return jnp.asarray(np.stack([np.pad(of_run(r), (0, steps - r.steps)) for r in group], 1))


def signed(group: list[Run]) -> dict[str, jax.Array]:
    """Arriving weights at "ex" and "in", `[steps, runs]`."""
    return {
        "ex": stacked(group, lambda r: r.arriving(lambda s: s["weight"] > 0)),
        "in": stacked(group, lambda r: r.arriving(lambda s: s["weight"] < 0)),
    }


def at_receptors(group: list[Run]) -> dict[str, jax.Array]:
    """Arriving conductances at "AMPA" and "GABA", `[steps, runs]`, and multiplicities at "NMDA", `[steps, runs, ports]`."""
    through = lambda n: lambda r: r.arriving(lambda s: s is port(r, n), weighted=False)
    return {
        "AMPA": stacked(group, lambda r: r.arriving(lambda s: s["receptor"] == 1)),
        "GABA": stacked(group, lambda r: r.arriving(lambda s: s["receptor"] == 2)),
        "NMDA": jnp.stack([stacked(group, through(n)) for n in range(ports(group))], -1),
    }


def nmda_weights(group: list[Run]) -> dict[str, Any]:
    """Weights of the NMDA ports, `[runs, ports]`; 0 where a run has fewer."""
    weights = [[(port(r, n) or {"weight": 0.0})["weight"] for n in range(ports(group))] for r in group]
    return {"nmda_weights": np.array(weights) * u.nS}


def ports(group: list[Run]) -> int:
    """NMDA connections of the run that has most, at least 1."""
    return max(1, *(sum(s["receptor"] == 3 for s in r.spikes) for r in group), 0)


def port(run: Run, n: int) -> dict[str, Any] | None:
    """The `n`-th NMDA train of a run."""
    return next(islice((s for s in run.spikes if s["receptor"] == 3), n, None), None)


def play(neuron: Any, group: list[Run], events: Any) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Recordables and spikes `[steps, runs]` of the population under the runs' inputs; `events` lead with time."""
    with brainstate.environ.context(dt=group[0].dt * u.ms):
        brainstate.nn.init_all_states(neuron)

        def one(x):
            current, arriving = x
            spikes = neuron.update(current * u.pA, arriving)
            return {k: u.get_mantissa(v) for k, v in neuron.record().items()}, spikes

        out, spikes = brainstate.transform.for_loop(one, (stacked(group, Run.current), events))
    return jax.tree.map(np.asarray, out), np.asarray(spikes)


@dataclass(frozen=True)
class Gap:
    """How far a replay is from its run: worst deviation by recordable, and the spikes that are not the same."""

    worst: dict[str, float]
    missing: list[float]
    extra: list[float]


def gaps(group: list[Run], out: dict[str, np.ndarray], spikes: np.ndarray, until: float = np.inf) -> dict[str, Gap]:
    """By run. `until`: compare the states up to this time only, ms."""
    found = {}
    for n, run in enumerate(group):
        kept = np.arange(0, run.steps, STRIDE)
        kept = kept[(kept + 1) * run.dt <= until]
        worst = {k: float(np.abs(out[k][kept, n] - v[: len(kept)]).max()) for k, v in run.recorded.items() if k in out}
        fired = {int(t) for t in np.flatnonzero(spikes[: run.steps, n])}
        wanted = {run.at(t) for t in run.spike_times if run.at(t) < run.steps}
        found[run.name] = Gap(worst, stamps(wanted - fired, run.dt), stamps(fired - wanted, run.dt))
    return found


def stamps(steps: set[int], dt: float) -> list[float]:
    """Ends of these steps, ms."""
    return sorted(round((k + 1) * dt, 6) for k in steps)
