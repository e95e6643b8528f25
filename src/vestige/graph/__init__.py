"""What one step does: marks, groups, linearisation, report."""

from .draft import origin
from .errors import GraphError
from .linearize import Pushed, jacobians, linearize, transport
from .pair import Pair, Shown
from .program import Const
from .readers import fan_in, fits, reader_weights
from .readings import Step, forward, plain_step, prelude
from .report import FEEDBACK, Report
from .route import Route, Routed, routed
from .trace import trace_graph
from .types import Edge, Graph, Group
from .uniform import uniform

__all__ = [
    "FEEDBACK",
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
    "fan_in",
    "fits",
    "forward",
    "jacobians",
    "linearize",
    "origin",
    "plain_step",
    "prelude",
    "reader_weights",
    "routed",
    "trace_graph",
    "transport",
    "uniform",
]
