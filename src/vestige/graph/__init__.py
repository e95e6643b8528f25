"""What one step does: marks, groups, linearisation, report."""

from .draft import origin
from .errors import GraphError
from .linearize import Pushed, linearize, transport
from .program import Const
from .readings import Step, forward, plain_step, prelude
from .report import Report
from .route import Pair, Route, Routed, Shown, fits, reader_weights, routed
from .trace import trace_graph
from .types import Edge, Graph, Group

__all__ = [
    "Const",
    "Edge",
    "Graph",
    "GraphError",
    "Group",
    "Pair",
    "Pushed",
    "Report",
    "Route",
    "Routed",
    "Shown",
    "Step",
    "fits",
    "forward",
    "linearize",
    "origin",
    "plain_step",
    "prelude",
    "reader_weights",
    "routed",
    "trace_graph",
    "transport",
]
