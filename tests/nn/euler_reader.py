"""Another reader of NIR: its nodes by their equations, forward Euler, in NumPy; what closes a loop is heard a step later."""

import numpy as np


class Reader:
    """A graph that is stepped by calls; one input and one output."""

    def __init__(self, graph, dt):
        self.nodes = {name: Node(n, dt) for name, n in graph.nodes.items()}
        self.edges, self.order = graph.edges, []
        self.said = {name: np.zeros(n.output_type["output"]) for name, n in graph.nodes.items()}
        self.visit("output", ())

    def sources(self, name):
        return [a for a, b in self.edges if b == name]

    def visit(self, name, above):
        for source in self.sources(name):
            if source not in (*self.order, *above, name):
                self.visit(source, (*above, name))
        self.order.append(name)

    def __call__(self, x):
        for name in self.order:
            heard = [x] if name == "input" else [self.said[a] for a in self.sources(name)]
            self.said[name] = self.nodes[name](sum(heard))
        return self.said["output"]


class Node:
    def __init__(self, node, dt):
        self.node, self.kind, self.dt = node, type(node).__name__, dt
        self.v = np.asarray(getattr(node, "v_leak", 0.0))

    def __call__(self, x):
        n = self.node
        if self.kind in ("LI", "LIF"):
            self.v = self.v + self.dt / n.tau * (n.v_leak - self.v + n.r * x)
        if self.kind == "LIF":
            spikes = self.v > n.v_threshold
            self.v = np.where(spikes, n.v_reset, self.v)
            return spikes.astype(float)
        return {
            "Input": lambda: x, "Output": lambda: x, "LI": lambda: self.v, "Scale": lambda: n.scale * x,
            "Threshold": lambda: (x > n.threshold).astype(float),
            "Linear": lambda: n.weight @ x, "Affine": lambda: n.weight @ x + n.bias,
        }[self.kind]()  # fmt: skip
