"""Runs a NIR file in another library, in an environment of its own: `read.py LIBRARY net.nir inputs.npy spikes.npy`."""

import sys

import nir
import nirtorch
import numpy as np
import torch
from snntorch.import_nir import import_from_nir as of_snntorch
from spikingjelly.activation_based.nir_exchange import import_from_nir as of_spikingjelly
from torch import nn

STEP = 1e-4  # s, snnTorch's only one


class LI(nn.Module):
    """NIR's leaky integrator by forward Euler."""

    def __init__(self, node):
        super().__init__()
        self.part, self.r, self.v_leak = (torch.tensor(a).float() for a in (STEP / node.tau, node.r, node.v_leak))

    def forward(self, x, state=None):
        v = self.v_leak if state is None else state
        v = v + self.part * (self.v_leak - v + self.r * x)
        return v, v


class LIF(LI):
    """NIR's spiking one: a hard reset."""

    def __init__(self, node):
        super().__init__(node)
        self.v_threshold, self.v_reset = torch.tensor(node.v_threshold).float(), torch.tensor(node.v_reset).float()

    def forward(self, x, state=None):
        v, _ = super().forward(x, state)
        spikes = v > self.v_threshold
        return spikes.float(), torch.where(spikes, self.v_reset, v)


class Each(nn.Module):
    """A function of a node's one array and the input."""

    def __init__(self, function, value):
        super().__init__()
        self.function, self.value = function, torch.tensor(value).float()

    def forward(self, x):
        return self.function(x, self.value)


# the library wires and steps the graph; it leaves the nodes' equations to those who call it
NODES = {
    nir.LI: LI,
    nir.LIF: LIF,
    nir.Scale: lambda node: Each(torch.mul, node.scale),
    nir.Threshold: lambda node: Each(lambda x, at: (x > at).float(), node.threshold),
}
READERS = {
    "snntorch": of_snntorch,
    "spikingjelly": lambda graph: of_spikingjelly(graph, dt=STEP).eval(),
    "nirtorch": lambda graph: nirtorch.nir_to_torch(graph, NODES),
}


def main(library, net, inputs, into):
    net, state, said = READERS[library](nir.read(net)), None, []
    with torch.no_grad():
        for x in torch.tensor(np.load(inputs)):
            y, state = net(x[None], state) if state is not None else net(x[None])
            said.append(y.numpy()[0])
    np.save(into, np.stack(said))


if __name__ == "__main__":
    main(*sys.argv[1:])
