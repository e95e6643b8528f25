"""What one step does: marks, groups, linearisation, report."""

from .errors import GraphError
from .linearize import Pushed, linearize, transport
from .program import Const
from .readings import Step, forward, plain_step, prelude
from .report import Report
from .route import Pair, Route, Routed, Shown, fits, routed
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
    "plain_step",
    "prelude",
    "routed",
    "trace_graph",
    "transport",
]
