"""Wang's decision network (2002), full size, with NEST's exact neuron: rates, winner and decision time beside NEST's.

python examples/wang_decision.py                    one run of each coherence
python examples/wang_decision.py 5 out.png          five, and a figure of the first
python examples/wang_decision.py 5 out.png jumping  with NEST's approximate neuron
"""

import sys
import time

import brainstate
import numpy as np
import saiunit as u
from parts.wang import DT, STEPS, WINDOWS, Decision, Jumping, judged, rates, signal, simulate

from vestige import nest

# NEST 3.10 with its approximate neuron, iaf_bw_2001: Hz of A, B and I in the windows, mean of five runs; ms to decide
NEST = {
    51.2: (((2.4, 10.6, 32.9, 20.8), (2.6, 2.9, 1.6, 1.3), (7.9, 10.4, 14.0, 12.7)), "A 320-490"),
    12.8: (((2.4, 6.0, 16.7, 16.7), (2.6, 4.4, 5.0, 2.5), (7.9, 10.1, 13.0, 12.4)), "A 570-790, one undecided"),
    -51.2: (((2.4, 2.9, 1.6, 1.3), (2.6, 13.1, 34.0, 20.9), (7.9, 10.8, 14.2, 12.9)), "B 225-400"),
}


def main(seeds=1, save=None, kind="exact"):
    with brainstate.environ.context(dt=DT):
        model = {"exact": Decision, "jumping": Jumping}[kind]()
        run = brainstate.transform.jit(lambda inputs: simulate(model, inputs))
        sizes = dict(zip(("A", "B", "rest", "I"), (*model.sizes, model.NI)))
        for coherence, (wanted, decided) in NEST.items():
            table, said = [], []
            for seed in range(int(seeds)):
                brainstate.random.seed(1000 * seed + round(coherence))
                begin = time.perf_counter()
                spikes = np.asarray(run(signal(coherence, seed)))
                wall, hertz = time.perf_counter() - begin, rates(spikes, sizes.values())
                ends = np.cumsum(list(sizes.values()))
                parts = [spikes[:, ends[k] - n : ends[k]] for k, n in enumerate(sizes.values())]
                table.append([[parts[k][10 * a : 10 * b].mean() / 1e-4 for a, b in WINDOWS] for k in (0, 1, 3)])
                said.append(judged(hertz))
                if save and seed == 0 and coherence == 51.2:
                    figure(spikes, hertz, sizes).savefig(save)
            print(
                f"coherence {coherence} %: "
                + ", ".join(f"{w} {t:.0f} ms" for w, t in said)
                + f"; NEST {decided} ms; {wall:.0f} s a run"
            )
            for name, ours, spread, theirs in zip("ABI", np.mean(table, 0), np.std(table, 0), wanted):
                print(name, *(f"{a:6.1f} ({s:.1f}) NEST {b:4.1f}" for a, s, b in zip(ours, spread, theirs)))
            assert abs(coherence) < 30 or all(winner == "BA"[coherence > 0] for winner, _ in said)


def figure(spikes, hertz, sizes):
    """A hundred neurons of each population, and the rates of all."""
    ends = dict(zip(sizes, np.cumsum(list(sizes.values()))))
    shown = {k: nest.spike_recorder(spikes[:, ends[k] - 100 : ends[k]]) for k in sizes}
    return nest.raster(shown, {k: (nest.stamps(STEPS), hertz[:, n] * u.Hz) for n, k in enumerate(sizes)})


if __name__ == "__main__":
    main(*sys.argv[1:])
