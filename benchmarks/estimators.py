"""Which factorised past follows BPTT better: ES-D-RTRL, or the window law with ES-D-RTRL's memory?"""

import argparse

import arms
import jax
import numpy as np
from arms import OPS
from cases import CASES, few
from networks import NETWORKS, cross_entropy

import vestige as vg

DECAYS = (0.5, 0.9, 0.99)
WINDOWS = (1, 5, 25, 50)


def gradient(case, rule, window):
    """Gradients by name, of the whole sequence."""
    network = NETWORKS[case.network]
    params, xs, labels = arms.data(case)
    rest = arms.rest(case)
    graph = vg.trace_graph(lambda p, s, x: network.step(p, s, x, OPS), params, rest, xs[0, 0])
    carry = vg.init(graph, rule, params, rest, batch_size=case.batch)
    out = vg.gradients(graph, rule, params, carry, xs, labels, cross_entropy, window, first=True, last=True)
    assert all(float(rate) > 0 for rate in out.firing.values()), "a silent network compares nothing"
    return jax.tree.map(np.asarray, out.grads)


def against(grads, true) -> str:
    """Cosine and size, parameter by parameter."""
    size = np.linalg.norm
    each = (
        f"{(g * t).sum() / size(g) / size(t):7.4f} ({size(g) / size(t):4.2f})"
        for g, t in zip(grads.values(), true.values())
    )
    return "  ".join(each)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--case", default="lif-50-128-10", choices=sorted(CASES))
    parser.add_argument("--batch", type=int, default=8)
    args = parser.parse_args()
    case = few(CASES[args.case], args.batch)
    true = gradient(case, vg.rules.tbptt(), None)
    print(f"{case.name}, batch {case.batch}, {case.steps} steps: cosine to BPTT (size against it) of {', '.join(true)}")
    print(f"  {'D-RTRL':34s} {against(gradient(case, vg.rules.d_rtrl(), 25), true)}")
    for decay in DECAYS:
        print(f"  {f'ES-D-RTRL, decay {decay}':34s} {against(gradient(case, vg.rules.es_d_rtrl(decay), 25), true)}")
        for window in WINDOWS:
            found = gradient(case, vg.rules.es_window(decay), window)
            print(f"  {f'window law, decay {decay}, K = {window}':34s} {against(found, true)}")


if __name__ == "__main__":
    main()
