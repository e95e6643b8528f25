"""Neurons and their inputs for the speed bench, as data that both sides read: sources that all neurons listen to."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

DT = 0.1  # ms
DELAY = 10  # steps
RATE = 0.002  # spikes per source and step: 20 Hz
TOTAL = {"iaf_bw_2001_exact": 6.0, "iaf_psc_exp": 400.0}  # nS and pA of a neuron's weights together


@dataclass(frozen=True)
class Case:
    """`size` neurons of a model, each with a connection from each of `ports` sources."""

    model: str
    size: int
    ports: int
    most: int = 100_000

    @property
    def steps(self) -> int:
        """Of one measurement: fewer where a step is long, `most` where it is short."""
        return min(self.most, max(400, 2_000_000 // (self.size * self.ports)))

    def drawn(self, times: int) -> dict[str, np.ndarray]:
        """Weights `[ports, size]`, first and leak voltages `[size]`, arrivals `[steps, ports]` over `times` measurements.

        The leak alone drives some of the neurons over their threshold: it costs nothing on either side.
        """
        rng = np.random.default_rng([self.size, self.ports])
        weights, V_m = rng.uniform(0.5, 1.5, (self.ports, self.size)), rng.uniform(-65.0, -56.0, self.size)
        E_L, arrivals = rng.uniform(-60.0, -50.0, self.size), rng.random((self.steps * times, self.ports)) < RATE
        # nothing that a source sends can arrive before its delay
        arrivals[:DELAY] = False
        return {
            "weights": TOTAL[self.model] / self.ports * weights,
            "V_m": V_m,
            "E_L": E_L,
            "arrivals": arrivals.astype(np.uint8),
        }

    def write(self, path: Path, times: int) -> dict[str, np.ndarray]:
        """To a file for the other side."""
        drawn = self.drawn(times)
        np.savez(path, model=self.model, **drawn)
        return drawn
