"""Our D-RTRL and ES-D-RTRL beside braintrace's, in float64: equal where it is right, and where it is not, who is."""

import argparse
import sys
from pathlib import Path

import arms
import jax
import numpy as np
from cases import SMALL
from peer import PYTHON, Peer

jax.config.update("jax_enable_x64", True)  # after the imports: some brainstates set the precision when imported

# at one step every rule must give autodiff's gradient; here the peer does not
KNOWN = {"gru": "reset gate 0", "synapse": "twice the gradient", "bias": "plain bias 0"}
TOLERANCE = 1e-5


def apart(a: dict, b: dict) -> dict[str, float]:
    """Per parameter: largest difference, relative to the largest element of `b`."""
    return {k: float(np.abs(np.asarray(a[k]) - np.asarray(b[k])).max() / (np.abs(b[k]).max() or 1.0)) for k in b}


def norm_ratio(a: dict, b: dict) -> str:
    """Per parameter: |a| / |b|, where there is a gradient."""
    norms = {k: (np.linalg.norm(a[k]), np.linalg.norm(b[k])) for k in b}
    return ", ".join(f"{k} {top / low:.3f}" for k, (top, low) in norms.items() if low)


def compare(case, rule, peer) -> bool:
    """One line for one case and rule; is ours right?"""
    peer.ask(do="prepare", key="parity", case=case.name, rule=rule, x64=True)
    theirs, exact = peer.gradient("parity"), arms.bptt(case)()
    ours = {window: arms.online(case, rule, window)() for window in (1, 4, case.steps)}
    windows = max(max(apart(grads, ours[1]).values()) for grads in ours.values())
    if case.name in KNOWN:
        gap = max(apart(ours[1], exact).values())
        right = max(gap, windows) < TOLERANCE
        told = f"one step, against autodiff: vestige {gap:.1e}; norm of braintrace's: {norm_ratio(theirs, exact)}"
    else:
        gap = max(apart(ours[1], theirs).values())
        right = max(gap, windows) < TOLERANCE
        told = f"against braintrace {gap:.1e}; windows 1, 4 and {case.steps} apart {windows:.1e}"
    print(f"  {case.name:18s} {rule:10s} {'ok  ' if right else 'FAIL'} {told}", flush=True)
    return right


def main() -> int:
    """All small cases with both rules; 1 if one of ours is wrong."""
    ask = argparse.ArgumentParser(description=__doc__)
    ask.add_argument("--peer", type=Path, default=PYTHON, help="python of the peer's environment")
    args = ask.parse_args()
    with Peer(args.peer) as peer:
        right = [compare(case, rule, peer) for case in SMALL.values() for rule in ("d_rtrl", "es_d_rtrl")]
    print(f"{sum(right)} of {len(right)} agree to {TOLERANCE:g}")
    return int(not all(right))


if __name__ == "__main__":
    sys.exit(main())
