"""The arms of libraries on torch, in an environment of their own, on one thread: answers JSON lines as the peer does."""

import sys
import warnings
from functools import partial
from pathlib import Path
from timeit import timeit

sys.path.insert(0, str(Path(__file__).parents[1]))
warnings.filterwarnings("ignore")

from serving import arms, channel, serve  # noqa: E402

answers = channel()

import torch  # noqa: E402
from cases import CASES, few, spikes, weights  # noqa: E402
from networks_torch import ARMS  # noqa: E402

torch.set_num_threads(1)


def make(case, arm, shapes, batch=None, steps=None):
    """The arm of one request, with weights of the shapes that the caller gives by name."""
    case = CASES[case]
    case = few(case, batch or case.batch, steps)
    xs, labels = map(torch.tensor, spikes(case))
    return ARMS[case.network][arm].make(weights(shapes, case.seed), xs, labels.long())


def offers(network):
    """What there is for a network: the arm's name, and which gradient of ours it must have."""
    return {"arms": {name: arm.like for name, arm in ARMS.get(network, {}).items()}}


if __name__ == "__main__":
    serve(answers, arms(make, partial(timeit, number=1)) | {"offers": offers})
