"""Runs a NIR file in snnTorch, in an environment of its own: `read.py net.nir inputs.npy spikes.npy`."""

import sys

import nir
import numpy as np
import torch
from snntorch.import_nir import import_from_nir


def main():
    graph, xs, into = nir.read(sys.argv[1]), torch.tensor(np.load(sys.argv[2])), sys.argv[3]
    net = import_from_nir(graph)
    state, said = None, []
    with torch.no_grad():
        for x in xs:
            out = net(x[None], state) if state is not None else net(x[None])
            y, state = out if isinstance(out, tuple) else (out, None)
            said.append(y.numpy()[0])
    np.save(into, np.stack(said))


if __name__ == "__main__":
    main()
