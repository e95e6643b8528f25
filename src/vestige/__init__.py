"""vestige: online learning with eligibility traces, forward in time, in memory that does not grow with the sequence."""

from . import rules
from .graph import Graph, GraphError, trace_graph
from .learn import Carry, Result, gradients, init

__all__ = ["Carry", "Graph", "GraphError", "Result", "gradients", "init", "rules", "trace_graph"]
__version__ = "0.1.0"
