"""The networks again, of the layers of snnTorch, spikingjelly and torch, where these can say them exactly."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import snntorch
import torch
from cases import KEEP, LEAK, SLOPE
from spikingjelly.activation_based import base, functional, layer, neuron
from spikingjelly.activation_based.learning.online_learning import ottt_online_training
from torch import nn


class Spike(torch.autograd.Function):
    """`v >= 0`, with the triangle `SLOPE max(0, 1 - |v|)` as its slope."""

    @staticmethod
    def forward(ctx, v):
        ctx.save_for_backward(v)
        return (v >= 0).to(v.dtype)

    @staticmethod
    def backward(ctx, g):
        (v,) = ctx.saved_tensors
        return SLOPE * torch.relu(1 - v.abs()) * g


def linear(w):
    """`x @ w` as a layer; `w: [in, out]`."""
    made = nn.Linear(*w.shape, bias=False)
    made.weight.data = torch.tensor(w.T, dtype=torch.float32).contiguous()
    return made


def loss(outputs, labels):
    """Softmax cross entropy of `[..., B, n]` against `[..., B]`: mean over the batch, sum over time."""
    total = nn.functional.cross_entropy(outputs.flatten(0, -2), labels.flatten(), reduction="sum")
    return total / labels.shape[-1]


class SnnTorch(nn.Module):
    """LIF in snnTorch. A soft reset is a recurrent weight of minus the leak: its own reset takes no part in the leak."""

    def __init__(self, p):
        super().__init__()
        n = len(p["out"])
        self.fed, self.out = linear(p["w"][:-n]), linear(p["out"])
        options = {"spike_grad": Spike.apply, "reset_mechanism": "none"}
        self.hidden, self.read = snntorch.RLeaky(LEAK, linear_features=n, **options), snntorch.Leaky(KEEP, **options)
        self.hidden.recurrent = linear(p["w"][-n:] - LEAK * np.eye(n))

    def forward(self, xs):
        (spikes, v), r = self.hidden.reset_mem(), self.read.reset_mem()
        said, outputs = [], []
        for x in self.fed(xs):
            spikes, v = self.hidden(x, spikes, v)
            said.append(spikes)
        for y in self.out(torch.stack(said)):
            _, r = self.read(y, r)
            outputs.append(r)
        return torch.stack(outputs)

    def gradients(self):
        parts = [self.fed.weight.grad.T, self.hidden.recurrent.weight.grad.T]
        return {"w": torch.cat(parts), "out": self.out.weight.grad.T}


def lif(kind, **options):
    """A LIF population of spikingjelly with our leak and reset."""
    return kind(tau=1 / (1 - LEAK), decay_input=False, v_reset=None, surrogate_function=Spike.apply, **options)


class Jelly(nn.Module):
    """LIF in spikingjelly; its integrator scales its input, so the readout is written out."""

    def __init__(self, p):
        super().__init__()
        n = len(p["out"])
        self.fed, self.back, self.out = linear(p["w"][:-n]), linear(p["w"][-n:]), linear(p["out"])
        self.hidden = lif(neuron.LIFNode, detach_reset=False)

    def forward(self, xs):
        functional.reset_net(self)
        fed = self.fed(xs)
        said, outputs, spikes, r = [], [], torch.zeros_like(fed[0]), 0.0
        for x in fed:
            spikes = self.hidden(x + self.back(spikes))
            said.append(spikes)
        for y in self.out(torch.stack(said)):
            r = KEEP * r + y
            outputs.append(r)
        return torch.stack(outputs)

    def gradients(self):
        return {"w": torch.cat([self.fed.weight.grad.T, self.back.weight.grad.T]), "out": self.out.weight.grad.T}


class JellyOnline(base.MemoryModule):
    """LIF with spikingjelly's traces of OTTT: one step, which remembers spikes and traces of the last one."""

    def __init__(self, p):
        super().__init__()
        self.fed, self.out = layer.GradwithTrace(linear(p["w"])), layer.GradwithTrace(linear(p["out"]))
        self.hidden = lif(neuron.OTTTLIFNode)
        for name in ("seen", "said", "r"):
            self.register_memory(name, None)

    def forward(self, x):
        if self.said is None:
            rest = x.new_zeros(len(x), self.out.module.in_features)
            self.seen, self.said, self.r = torch.zeros_like(x), (rest, rest), 0.0
        self.seen = self.hidden.track_trace(x, self.seen, self.hidden.tau)
        both = [torch.cat(pair, -1) for pair in zip((x, self.seen), self.said)]
        spikes, trace = self.hidden(self.fed(both))
        self.r = KEEP * self.r + self.out([spikes, trace])
        self.said = spikes.detach(), trace
        return self.r

    def gradients(self):
        return {"w": self.fed.module.weight.grad.T, "out": self.out.module.weight.grad.T}


class Gated(nn.Module):
    """LSTM of torch, all steps in one call."""

    def __init__(self, p):
        super().__init__()
        n = len(p["out"])
        gates = np.concatenate([p[gate] for gate in ("input", "forget", "cell", "output")], -1).T
        self.hidden, self.out = nn.LSTM(gates.shape[1] - n, n, bias=False), linear(p["out"])
        self.hidden.weight_ih_l0.data = torch.tensor(gates[:, :-n])
        self.hidden.weight_hh_l0.data = torch.tensor(gates[:, -n:])

    def forward(self, xs):
        return self.out(self.hidden(xs)[0])

    def gradients(self):
        whole = torch.cat([self.hidden.weight_ih_l0.grad, self.hidden.weight_hh_l0.grad], 1).T
        gates = zip(("input", "forget", "cell", "output"), whole.chunk(4, 1))
        return {**dict(gates), "out": self.out.weight.grad.T}


def bptt(kind, params, xs, labels):
    """An arm: back in time through the whole sequence."""
    model = kind(params)

    def run():
        model.zero_grad()
        loss(model(xs), labels).backward()
        return model.gradients()

    return run


def ottt(kind, params, xs, labels):
    """An arm: backwards at every step, by spikingjelly's own driver with a rate of 0."""
    model = kind(params)
    still = torch.optim.SGD(model.parameters(), lr=0.0)
    xs, labels = xs.transpose(0, 1), labels.transpose(0, 1)

    def run():
        functional.reset_net(model)
        ottt_online_training(model, still, xs, labels, loss, online=False)
        return model.gradients()

    return run


class Arm(NamedTuple):
    """Which gradient of ours it must have, and how it is made of weights `{name: array}`, inputs and labels."""

    like: str
    make: Callable


ARMS = {
    "lif": {
        "snnTorch BPTT": Arm("bptt", lambda *what: bptt(SnnTorch, *what)),
        "spikingjelly BPTT": Arm("bptt", lambda *what: bptt(Jelly, *what)),
        "spikingjelly OTTT": Arm("ottt", lambda *what: ottt(JellyOnline, *what)),
    },
    "lstm": {"torch BPTT": Arm("bptt", lambda *what: bptt(Gated, *what))},
}
